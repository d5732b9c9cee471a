"""What an editor is, for whoever builds a benchmark; nothing of how one paints."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.records.attributes import Edit
from harness.records.editing import DeviceEnvironment, UNetPasses
from harness.records.label_space import LabelSpace


@dataclass(frozen=True, kw_only=True)
class EditSource:
    """One source image, ready to be edited."""

    image: NDArray[np.uint8]
    """RGB pixels, [H, W, 3]."""
    label: NDArray[np.uint8]
    """Class ids, [H, W]."""
    mask: NDArray[np.bool_] | None
    """The edited object's pixels, [H, W]; None where the source has no object to edit."""
    object_class: str | None
    """The object's class name."""
    label_space: LabelSpace
    """What the ids of `label` mean."""
    caption: str
    """What the image shows."""


@dataclass(frozen=True, kw_only=True)
class EditRequest:
    """One edit to be made of a source."""

    edit: Edit
    """The attribute and its value."""
    seed: int
    """The only source of randomness, derived from the recipe and the edit's identity."""
    target_prompt: str
    """The caption of the edited image."""
    amount: float | None = None
    """How much a geometry edit scales or moves, relative to the image's or object's size."""
    phrase: str | None = None
    """The words of `target_prompt` that name the object, as in `chairs`; None where it has none."""


@dataclass(frozen=True, kw_only=True)
class EditResult:
    """An edited image with the label that is valid for it."""

    image: NDArray[np.uint8]
    """RGB pixels, [H, W, 3], the source's size."""
    label: NDArray[np.uint8]
    """Class ids, [H, W]; the source's own label unless the object moved."""
    mask: NDArray[np.bool_] | None
    """The object's pixels after the edit, [H, W]."""
    visible_fraction: float | None = None
    """Share of a moved or scaled object's area inside the image; None unless a geometry edit."""
    passes: UNetPasses | None = None
    """What it cost, the inversion with the first edit of its source; None without a UNet."""
    final_latents: NDArray[np.float32] | None = None
    """The latents before decoding, [1, C, H/8, W/8]; None without an autoencoder."""


class ImageEditor(Protocol):
    """Makes the edits of one source; they share what is computed once per source."""

    def edit(self, source: EditSource, requests: tuple[EditRequest, ...]) -> tuple[EditResult, ...]:
        """Return one result per request, in order; same input, same pixels.

        Raises:
            ImageEditError: An edit can't be made of this source.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class EditJob:
    """One source and the edits that are to be made of it."""

    source: EditSource
    """The source."""
    requests: tuple[EditRequest, ...]
    """Its edits; at least one."""


class BatchEditor(Protocol):
    """Makes the edits of several sources in one go, where that is cheaper."""

    @property
    def device(self) -> DeviceEnvironment | None:
        """What its networks compute on; None where it has none."""
        ...

    def edit_many(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        """Return one result per request of each job, in order; same jobs, same pixels.

        Raises:
            ImageEditError: An edit can't be made of one of the sources.
        """
        ...


class OneByOne:
    """Makes a batch editor of an editor that gains nothing by several sources at a time."""

    def __init__(self, editor: ImageEditor, device: DeviceEnvironment | None = None) -> None:
        """Make a batch editor of `editor`, whose networks, if any, compute on `device`."""
        self._editor, self._device = editor, device

    @property
    def device(self) -> DeviceEnvironment | None:
        """What its networks compute on; None where it has none."""
        return self._device

    def edit_many(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        """Return one result per request of each job, in order; same jobs, same pixels.

        Raises:
            ImageEditError: An edit can't be made of one of the sources.
        """
        return tuple(self._editor.edit(job.source, job.requests) for job in jobs)
