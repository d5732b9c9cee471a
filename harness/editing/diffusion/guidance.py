"""Cross-attention mask guidance: the object's words are made to look at the object (CVPR 2024)."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from harness.editing.diffusion.canvas import any_overlap
from harness.editing.diffusion.inversion import check_finite, predict
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.presets import Descent, MapMask
from harness.editing.diffusion.tape import MapsCompleteError, Tape
from harness.records.diffusion import MaskGuidance

_GRADIENT_SCALE = 1024.0
"""Keeps gradients through half-precision networks from vanishing; it is divided out again."""


@dataclass(kw_only=True)
class GuidedEdit:
    """One edit as guidance sees it."""

    mask: NDArray[np.bool_]
    """The object's pixels, [H, W]."""
    latent_mask: torch.Tensor
    """The object's latent cells, [1, 1, h, w]."""
    places: tuple[int, ...]
    """The places of the object's tokens."""
    embedding: torch.Tensor
    """The target prompt, [1, tokens, width]."""
    loss: float = float("inf")
    """The last loss, before scaling: it is carried from step to step."""
    tries: int = 0
    """Passes so far."""
    _map_masks: dict[tuple[tuple[int, int], ...], tuple[torch.Tensor, ...]] = field(
        default_factory=dict
    )

    def start_again(self) -> None:
        """Forget what was tried."""
        self.loss, self.tries = float("inf"), 0

    def map_masks(
        self, shapes: tuple[tuple[int, int], ...], *, rule: MapMask
    ) -> tuple[torch.Tensor, ...]:
        """Return the mask for maps of these shapes, in their order, each [cells]."""
        if shapes not in self._map_masks:
            made = shrink_masks(self.mask, self.latent_mask, shapes, rule=rule)
            self._map_masks[shapes] = tuple(m.to(self.latent_mask.device) for m in made)
        return self._map_masks[shapes]


@dataclass(frozen=True, kw_only=True)
class MaskGuide:
    """Moves latents until the object's words look at the object."""

    model: DiffusionModel
    """The model."""
    tape: Tape
    """Connected to the model's UNet."""
    last_map: str
    """The last cross-attention that the loss needs."""
    settings: MaskGuidance
    """How hard it tries."""
    descent: Descent
    """How the latents answer the loss."""
    map_mask: MapMask
    """How the mask comes to the size of a map."""
    most_rows: int
    """The most edits in one pass."""

    def guide(
        self, latents: torch.Tensor, timestep: int, edits: tuple[GuidedEdit | None, ...]
    ) -> torch.Tensor:
        """Return `latents` [N, C, h, w], moved where an edit's loss is over the threshold.

        Raises:
            ImageEditError: The networks gave what is no number.
        """
        for _ in range(self.settings.max_tries):
            active = [
                (row, edit)
                for row, edit in enumerate(edits)
                if edit is not None and edit.loss > self.settings.threshold
            ]
            if not active:
                break
            for first in range(0, len(active), self.most_rows):
                part = active[first : first + self.most_rows]
                rows = torch.tensor([row for row, _ in part], device=latents.device)
                moved = self._descend(latents[rows], timestep, tuple(edit for _, edit in part))
                latents = latents.index_copy(0, rows, moved)
        return latents

    def _descend(
        self, latents: torch.Tensor, timestep: int, edits: tuple[GuidedEdit, ...]
    ) -> torch.Tensor:
        with torch.enable_grad():
            leaf = latents.detach().requires_grad_()
            losses = self._losses(leaf, timestep, edits)
            values = losses.detach().cpu().tolist()
            check_finite(losses, "mask guidance")
            for edit, value in zip(edits, values, strict=True):
                edit.loss, edit.tries = value, edit.tries + 1
            met = self.descent is Descent.NORMALIZED
            moving = [not met or value > self.settings.threshold for value in values]
            if not any(moving):
                return latents
            # Each loss depends on its own latents only, so the sum's gradient is everyone's own.
            (gradient,) = torch.autograd.grad(losses.sum() * _GRADIENT_SCALE, leaf)
        moved = latents - self._step(gradient / _GRADIENT_SCALE)
        keep = torch.tensor(moving, device=latents.device).reshape(-1, 1, 1, 1)
        return torch.where(keep, moved, latents)

    def _step(self, gradient: torch.Tensor) -> torch.Tensor:
        match self.descent:
            case Descent.SQUARED:
                return (gradient * self.settings.loss_scale) ** 2
            case Descent.NORMALIZED:
                rms = gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
                unit = gradient / rms.clamp_min(torch.finfo(gradient.dtype).tiny)
                return unit * (self.settings.step_size * self.settings.loss_scale)
            case _:
                assert_never(self.descent)

    def _losses(
        self, latents: torch.Tensor, timestep: int, edits: tuple[GuidedEdit, ...]
    ) -> torch.Tensor:
        embeddings = torch.cat([edit.embedding for edit in edits])
        with self.tape.collect_maps(self.last_map) as maps, suppress(MapsCompleteError):
            predict(self.model, latents, timestep, embeddings)
        height, width = latents.shape[-2:]
        shapes = tuple(map_shape(m.shape[2], height, width) for m in maps.values())
        return torch.stack(
            [
                map_loss(
                    tuple(m[row][:, :, list(edit.places)] for m in maps.values()),
                    edit.map_masks(shapes, rule=self.map_mask),
                )
                for row, edit in enumerate(edits)
            ]
        )


def map_loss(maps: tuple[torch.Tensor, ...], masks: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return the mean over maps, heads and tokens of (1 - sum(A * M) / sum(A))**2.

    Args:
        maps: The maps A of the object's tokens, each [heads, cells, tokens].
        masks: The mask M in the size of each map, [cells].
    """
    shares = [
        (found * mask[:, None]).sum(dim=1) / found.sum(dim=1)
        for found, mask in zip(maps, masks, strict=True)
    ]
    return torch.stack([((1 - share) ** 2).mean() for share in shares]).mean()


def map_shape(cells: int, height: int, width: int) -> tuple[int, int]:
    """Return the shape of a map of `cells`, given that of the latents: each level halves it."""
    while height * width > cells:
        height, width = -(-height // 2), -(-width // 2)
    if height * width != cells:
        msg = f"a map of {cells} cells is no level of these latents"
        raise ValueError(msg)
    return height, width


def shrink_masks(
    mask: NDArray[np.bool_],
    latent_mask: torch.Tensor,
    shapes: tuple[tuple[int, int], ...],
    *,
    rule: MapMask,
) -> tuple[torch.Tensor, ...]:
    """Return the mask in each of `shapes`, float32 [cells] of 0 and 1.

    Args:
        mask: The object's pixels, [H, W].
        latent_mask: Its latent cells, [1, 1, h, w].
        shapes: The shapes, in the order in which the maps arise.
        rule: From what each is made.
    """
    match rule:
        case MapMask.DIRECT:
            found = [any_overlap(mask, shape).astype(np.float32) for shape in shapes]
            return tuple(torch.from_numpy(cells).flatten() for cells in found)
        case MapMask.CHAINED:
            made, last = [], latent_mask
            for shape in shapes:
                last = (functional.interpolate(last, shape) >= 0.5).float()
                made.append(last.flatten())
            return tuple(made)
        case _:
            assert_never(rule)
