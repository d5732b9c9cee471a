"""DDIM sampling of edits that follow their sources: injection, guidance and blending."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

from harness.editing.diffusion.guidance import GuidedEdit, MaskGuide
from harness.editing.diffusion.inversion import SourceTrack, check_finite, predict
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.presets import BlendLatent, SourceBranch
from harness.editing.diffusion.schedule import DdimSchedule, Level, ddim_move, to_epsilon
from harness.editing.diffusion.tape import Group, Tape, Wanted


@dataclass(frozen=True, kw_only=True)
class SampledEdit:
    """One edit that is to be sampled."""

    embedding: torch.Tensor
    """The target prompt, [1, tokens, width]."""
    latent_mask: torch.Tensor | None
    """The cells that may change, float32 [1, 1, h, w]; None for all of them."""
    guided: GuidedEdit | None
    """How it is guided; None where it is not."""


@dataclass(frozen=True, kw_only=True)
class SourceGroup:
    """The edits of one source in a batch."""

    track: SourceTrack
    """The source."""
    edits: tuple[SampledEdit, ...]
    """Its edits."""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """What sampling needs besides the edits."""

    model: DiffusionModel
    """The model."""
    schedule: DdimSchedule
    """The walk."""
    tape: Tape
    """Connected to the model's UNet."""
    empty: torch.Tensor
    """The embedded empty prompt, [1, tokens, width]."""
    wanted: dict[int, Wanted]
    """What is injected, by timestep."""
    guidance_scale: float
    """Of classifier-free guidance."""
    source_branch: SourceBranch
    """Where injected features come from."""
    blend_latent: BlendLatent
    """Which source latents stand outside the object."""
    guide: MaskGuide
    """Mask guidance."""
    guided_steps: int = 0
    """The first steps that are guided."""
    on_step: Callable[[int], None] = lambda _: None
    """Told after each step how many edits took it."""

    def run(self, groups: tuple[SourceGroup, ...]) -> torch.Tensor:
        """Return the final latents of all edits, in order, float32 [N, C, h, w].

        Raises:
            ImageEditError: The networks gave what is no number.
        """
        batch = _Batch(groups=groups, source_branch=self.source_branch, empty=self.empty)
        levels = self.schedule.sampling
        latents = batch.source_latents(levels[0])
        guided = tuple(edit.guided for group in groups for edit in group.edits)
        for step, (level, reached) in enumerate(pairwise(levels)):
            timestep = level.training_timestep
            if step < self.guided_steps:
                latents = self.guide.guide(latents, timestep, guided)
            epsilon = self._noise(latents, level, batch)
            latents = ddim_move(latents, epsilon, start=level.alpha, end=reached.alpha)
            blended = level if self.blend_latent is BlendLatent.ENTERED else reached
            latents = batch.blend(latents, blended)
            self.on_step(len(latents))
        check_finite(latents, "sampling")
        return latents

    def _noise(self, latents: torch.Tensor, level: Level, batch: "_Batch") -> torch.Tensor:
        timestep = level.training_timestep
        wanted = self.wanted.get(timestep, Wanted(attention=False, features=False))
        rows = batch.rows(latents, level)
        with self.tape.follow(batch.tape_groups(timestep, wanted), wanted):
            predicted = predict(self.model, rows, timestep, batch.embeddings)
        epsilon = to_epsilon(
            predicted, rows, alpha=level.alpha, prediction=self.schedule.prediction
        )
        unconditional, conditional = batch.halves(epsilon)
        return unconditional + self.guidance_scale * (conditional - unconditional)


class _Batch:
    """The rows of a batch, source by source.

    Each source's own latents where they are needed, its edits without their prompts, then its edits
    with them.
    """

    def __init__(
        self, *, groups: tuple[SourceGroup, ...], source_branch: SourceBranch, empty: torch.Tensor
    ) -> None:
        self._groups = groups
        self._sources = int(source_branch is SourceBranch.RUN_AGAIN)
        self._edits = [edit for group in groups for edit in group.edits]
        parts = []
        for group in groups:
            parts += [empty] * (self._sources + len(group.edits))
            parts += [edit.embedding for edit in group.edits]
        self.embeddings = torch.cat(parts)
        self._without, self._with = self._places(empty.device)
        self._masks = _stacked_masks(self._edits)

    def source_latents(self, level: Level) -> torch.Tensor:
        """Return for each edit its source's latents at `level`."""
        parts = [
            group.track.latents[level.timestep].expand(len(group.edits), -1, -1, -1)
            for group in self._groups
        ]
        return torch.cat(parts)

    def rows(self, latents: torch.Tensor, level: Level) -> torch.Tensor:
        parts = []
        for group, mine in zip(self._groups, self._split(latents), strict=True):
            source = [group.track.latents[level.timestep]] * self._sources
            parts += [*source, mine, mine]
        return torch.cat(parts)

    def halves(self, epsilon: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the rows without prompts and those with them, in the edits' order."""
        return epsilon[self._without], epsilon[self._with]

    def blend(self, latents: torch.Tensor, level: Level) -> torch.Tensor:
        """Return `latents` with the sources' own at `level` outside the masks."""
        if self._masks is None:
            return latents
        return latents * self._masks + self.source_latents(level) * (1 - self._masks)

    def tape_groups(self, timestep: int, wanted: Wanted) -> tuple[Group, ...]:
        if not wanted.attention and not wanted.features:
            return ()
        return tuple(
            Group(
                rows=self._sources + 2 * len(group.edits),
                recording=None if self._sources else group.track.recordings[timestep],
            )
            for group in self._groups
        )

    def _split(self, latents: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.split(latents, [len(group.edits) for group in self._groups])

    def _places(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        without: list[int] = []
        with_prompt: list[int] = []
        first = 0
        for group in self._groups:
            first += self._sources
            count = len(group.edits)
            without += range(first, first + count)
            with_prompt += range(first + count, first + 2 * count)
            first += 2 * count
        return torch.tensor(without, device=device), torch.tensor(with_prompt, device=device)


def _stacked_masks(edits: list[SampledEdit]) -> torch.Tensor | None:
    given = [edit.latent_mask for edit in edits if edit.latent_mask is not None]
    if not given:
        return None
    every = torch.ones_like(given[0])
    return torch.cat([every if e.latent_mask is None else e.latent_mask for e in edits])
