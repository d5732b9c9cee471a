"""The samples of one source: scored, digested and written as files; nothing of editing."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.acceptance.preservation import score_edit
from harness.benchmark.identity import sample_id
from harness.dataset.atomic_file import write_atomically
from harness.dataset.benchmark_folder import IMAGES, LABELS, MASKS
from harness.dataset.image_io import (
    encode_gray_png,
    encode_rgb_png,
    object_signature,
    pixel_sha256,
    signature,
)
from harness.editing.editor import EditJob, EditRequest, EditResult, EditSource
from harness.errors import ImageEditError
from harness.records.attributes import Scope
from harness.records.base import sha256_hex
from harness.records.manifest import Sample
from harness.records.recipe import Recipe


class SampleWriter:
    """Writes the files of samples into a benchmark's folder and says what they hold."""

    def __init__(self, recipe: Recipe, *, folder: Path, scratch: Path) -> None:
        """Prepare to write samples of `recipe` into `folder`, each first into `scratch`."""
        self._recipe, self._folder, self._scratch = recipe, folder, scratch

    def write(
        self, source_name: str, job: EditJob, results: tuple[EditResult, ...]
    ) -> tuple[Sample, ...]:
        """Write the source and its edits, and return their samples, the source first.

        Raises:
            ImageEditError: A result is not what an editor promises.
            OSError: A file can't be written.
        """
        for request, result in zip(job.requests, results, strict=True):
            _check_result(job.source, request, result)
        clean = self._source_sample(source_name, job.source)
        edits = (
            self._edit_sample(job.source, clean, request, result)
            for request, result in zip(job.requests, results, strict=True)
        )
        return (clean, *edits)

    def _source_sample(self, source_name: str, source: EditSource) -> Sample:
        sample = sample_id(self._recipe, source_name, None)
        height, width = source.label.shape
        return Sample(
            id=sample,
            source_id=sample,
            source_name=source_name,
            edit=None,
            object_class=source.object_class,
            caption=source.caption,
            target_prompt=None,
            seed=0,
            width=width,
            height=height,
            accepted=True,
            image_sha256=self._put_image(sample, source.image),
            pixel_sha256=pixel_sha256(source.image),
            label_sha256=self._put_label(sample, source.label),
            label_pixel_sha256=pixel_sha256(source.label),
            mask_sha256=None if source.mask is None else self._put_mask(sample, source.mask),
            signature=signature(source.image),
            object_signature=self._object_signature(source.image, source.mask),
        )

    def _edit_sample(
        self, source: EditSource, clean: Sample, request: EditRequest, result: EditResult
    ) -> Sample:
        scope = request.edit.scope
        moved = result.mask if scope is Scope.GEOMETRY else None
        touched = source.mask
        if touched is not None and moved is not None:
            touched = touched | moved
        scores = score_edit(
            source.image,
            result.image,
            scope=scope,
            touched=touched,
            visible_fraction=result.visible_fraction,
            mask=source.mask,
        )
        sample = sample_id(self._recipe, clean.source_name, request.edit)
        mask = source.mask if moved is None else moved
        own = {
            "id": sample,
            "edit": request.edit,
            "target_prompt": request.target_prompt,
            "seed": request.seed,
            "scores": scores,
            "image_sha256": self._put_image(sample, result.image),
            "pixel_sha256": pixel_sha256(result.image),
            "signature": signature(result.image),
            "object_signature": self._object_signature(result.image, mask),
        }
        if moved is not None:
            own["label_sha256"] = self._put_label(sample, result.label)
            own["label_pixel_sha256"] = pixel_sha256(result.label)
            own["mask_sha256"] = self._put_mask(sample, moved)
        return clean.model_copy(update=own)

    def _object_signature(
        self, image: NDArray[np.uint8], mask: NDArray[np.bool_] | None
    ) -> str | None:
        asked = self._recipe.lock.min_object_psnr is not None
        return object_signature(image, mask) if asked and mask is not None and mask.any() else None

    def _put_image(self, sample: str, image: NDArray[np.uint8]) -> str:
        return self._put(IMAGES, sample, encode_rgb_png(image))

    def _put_label(self, sample: str, label: NDArray[np.uint8]) -> str:
        return self._put(LABELS, sample, encode_gray_png(label))

    def _put_mask(self, sample: str, mask: NDArray[np.bool_]) -> str:
        return self._put(MASKS, sample, encode_gray_png(mask.astype(np.uint8) * np.uint8(255)))

    def _put(self, folder: str, sample: str, data: bytes) -> str:
        write_atomically(self._folder / folder / f"{sample}.png", data, scratch=self._scratch)
        return sha256_hex(data)


def _check_result(source: EditSource, request: EditRequest, result: EditResult) -> None:
    """Raise ImageEditError where the editor broke its promise: a defect of ours, not of data."""
    broken: str | None = None
    moved = request.edit.scope is Scope.GEOMETRY
    if result.image.shape != source.image.shape or result.image.dtype != np.uint8:
        broken = f"an image of shape {result.image.shape} and type {result.image.dtype}"
    elif result.label.shape != source.label.shape or result.label.dtype != np.uint8:
        broken = f"a label of shape {result.label.shape} and type {result.label.dtype}"
    elif moved and (result.mask is None or result.mask.shape != source.label.shape):
        broken = "no mask of the moved object"
    elif not moved and not np.array_equal(result.label, source.label):
        broken = "another label, though nothing moved"
    if broken is not None:
        msg = f"the editor made {broken} for {request.edit}"
        raise ImageEditError(msg, remedy="Report it: it is a defect.")
