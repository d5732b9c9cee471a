"""DDIM inversion: the source's latents at every noise level, and its features on the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import torch

from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.schedule import DdimSchedule, Level, ddim_move, to_epsilon
from harness.editing.diffusion.tape import Recording, Tape, Wanted
from harness.errors import ImageEditError

NOTHING = Wanted(attention=False, features=False)


@dataclass(frozen=True, kw_only=True)
class SourceTrack:
    """One source on its way into noise."""

    latents: dict[int | None, torch.Tensor] = field(default_factory=dict)
    """float32 [1, C, h, w] at each sampling timestep, and at None the clean ones."""
    recordings: dict[int, Recording] = field(default_factory=dict)
    """Its features by timestep, where they were wanted."""


@dataclass(frozen=True, kw_only=True)
class Inversion:
    """What an inversion needs besides the sources."""

    model: DiffusionModel
    """The model."""
    schedule: DdimSchedule
    """The walk."""
    tape: Tape
    """Connected to the model's UNet."""
    wanted: Mapping[int, Wanted]
    """What is recorded, by timestep."""
    room_bytes: int
    """What all recordings may take on the model's device; beyond, they go to main memory."""
    on_step: Callable[[int], None] = lambda _: None
    """Told after each step how many sources took it."""

    def run(self, latents: torch.Tensor, captions: torch.Tensor) -> tuple[SourceTrack, ...]:
        """Return the track of each source.

        The noise of a step is predicted at the timestep that it enters, as in plug-and-play.

        Args:
            latents: The encoded sources, float32 [N, C, h, w].
            captions: Their embedded captions, [N, tokens, width].

        Raises:
            ImageEditError: The networks gave what is no number.
        """
        needed = {level.timestep for level in self.schedule.sampling}
        tracks = tuple(SourceTrack() for _ in latents)
        levels = self.schedule.inversion
        _keep(tracks, levels[0], latents)
        for level, entered in pairwise(levels):
            epsilon = self._noise(latents, entered, captions, tracks)
            latents = ddim_move(latents, epsilon, start=level.alpha, end=entered.alpha)
            if entered.timestep in needed:
                _keep(tracks, entered, latents)
            self.on_step(len(latents))
        check_finite(latents, "the inversion")
        return tracks

    def _noise(
        self,
        latents: torch.Tensor,
        entered: Level,
        captions: torch.Tensor,
        tracks: tuple[SourceTrack, ...],
    ) -> torch.Tensor:
        timestep = entered.training_timestep
        wanted = self.wanted.get(timestep, NOTHING)
        with self.tape.record(wanted) as recording:
            predicted = predict(self.model, latents, timestep, captions)
        if wanted != NOTHING:
            store = self._store(recording)
            for row, track in enumerate(tracks):
                track.recordings[timestep] = recording.of_row(row).to(store)
        return to_epsilon(
            predicted, latents, alpha=entered.alpha, prediction=self.schedule.prediction
        )

    def _store(self, recording: Recording) -> torch.device:
        whole = recording.nbytes() * len(self.wanted)
        return self.model.device if whole <= self.room_bytes else torch.device("cpu")


def predict(
    model: DiffusionModel, latents: torch.Tensor, timestep: int, embeddings: torch.Tensor
) -> torch.Tensor:
    """Return what the UNet predicts of `latents`, float32 [N, C, h, w]."""
    layout = torch.channels_last if model.device.type == "cuda" else torch.contiguous_format
    given = latents.to(model.dtype).contiguous(memory_format=layout)
    predicted = model.unet(given, timestep, encoder_hidden_states=embeddings, return_dict=False)[0]
    assert isinstance(predicted, torch.Tensor)  # noqa: S101 - what diffusers documents
    return predicted.float()


def check_finite(latents: torch.Tensor, whose: str) -> None:
    """Raise where latents hold NaN or infinity.

    Raises:
        ImageEditError: They do.
    """
    if not bool(torch.isfinite(latents).all()):
        msg = f"{whose} left the range of numbers (NaN or infinite latents)"
        raise ImageEditError(
            msg, remedy="Use precision bfloat16 or float32, and check the weights."
        )


def _keep(tracks: tuple[SourceTrack, ...], level: Level, latents: torch.Tensor) -> None:
    for row, track in enumerate(tracks):
        track.latents[level.timestep] = latents[row : row + 1].clone()
