"""The pixels of imported pairs: checked, scored, written as samples; nothing of rows and files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.acceptance.preservation import score_edit
from harness.benchmark.importing.pairs import PairRow, SourceFamily
from harness.dataset.atomic_file import write_atomically
from harness.dataset.benchmark_folder import FILTERED, IMAGES, LABELS, MASKS
from harness.dataset.image_io import (
    decode_label,
    decode_mask,
    decode_rgb,
    encode_gray_png,
    encode_rgb_png,
    pixel_sha256,
    signature,
)
from harness.dataset.label_space import strange_id
from harness.errors import SourceDataError
from harness.prompting.template import caption, target_prompt
from harness.records.acceptance import AcceptanceScores
from harness.records.attributes import Scope
from harness.records.base import canonical_json, sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.manifest import Sample

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
PixelsT = TypeVar("PixelsT")


@dataclass(frozen=True, kw_only=True)
class RowFault:
    """What is wrong with a row."""

    line: int
    """Its line."""
    what: str
    """What is wrong, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class ImportedFamily:
    """What became of a source and its edits."""

    samples: tuple[Sample, ...]
    """The source and its edits."""
    faults: tuple[RowFault, ...]
    """What is wrong with the others."""


class _RowFaultError(Exception):
    """A row can't be taken in; its message says why."""


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A decoded source."""

    row: PairRow
    image: Pixels
    label: Pixels
    mask: Mask | None
    sample: Sample


class PairImporter:
    """Makes samples of pairs and writes their files into a benchmark's folder."""

    def __init__(self, label_space: LabelSpace, *, folder: Path, scratch: Path) -> None:
        """Prepare to write into `folder`, each file first into `scratch`."""
        self._space, self._folder, self._scratch = label_space, folder, scratch

    def take(self, family: SourceFamily, on_sample: Callable[[], None]) -> ImportedFamily:
        """Return the samples of a source and its edits, in the rows' order, and their faults.

        Raises:
            OSError: A file can't be written.
        """
        try:
            source = self._take_source(family.source)
        except _RowFaultError as error:
            fault = RowFault(line=family.source.line, what=str(error))
            return ImportedFamily(samples=(), faults=(fault,))
        finally:
            on_sample()
        samples, faults = [source.sample], []
        for row in family.edits:
            try:
                samples.append(self._take_edit(row, source))
            except _RowFaultError as error:
                faults.append(RowFault(line=row.line, what=str(error)))
            on_sample()
        return ImportedFamily(samples=tuple(samples), faults=tuple(faults))

    def _take_source(self, row: PairRow) -> _Source:
        image = _decoded(row.image, decode_rgb)
        label, mask = self._label(row.label, image), _mask(row.mask, image)
        noun, pixels = self._noun(row), (pixel_sha256(image), pixel_sha256(label))
        own = _content_id(row, *pixels)
        height, width = label.shape
        sample = Sample(
            id=own,
            source_id=own,
            source_name=row.source,
            edit=None,
            object_class=row.object_class,
            caption=row.caption or caption(noun),
            target_prompt=None,
            seed=0,
            width=width,
            height=height,
            accepted=True,
            image_sha256=self._put(IMAGES, own, encode_rgb_png(image)),
            pixel_sha256=pixels[0],
            label_sha256=self._put(LABELS, own, encode_gray_png(label)),
            label_pixel_sha256=pixels[1],
            mask_sha256=None if mask is None else self._put_mask(own, mask),
            signature=signature(image),
        )
        return _Source(row=row, image=image, label=label, mask=mask, sample=sample)

    def _take_edit(self, row: PairRow, source: _Source) -> Sample:
        edit = row.edit
        assert edit is not None  # noqa: S101 - a family's edits are edits
        image = _decoded(row.image, decode_rgb)
        if image.shape != source.image.shape:
            msg = f"{_size(image)}, its source {_size(source.image)}"
            raise _RowFaultError(msg)
        moved = edit.scope is Scope.GEOMETRY
        own_label = self._own_label(row, source)
        mask = _mask(row.mask, image) if moved else source.mask
        label = own_label if own_label is not None else source.label
        pixels = pixel_sha256(image)
        own = _content_id(row, source.sample.id, pixels, pixel_sha256(label))
        noun = self._noun(source.row)
        changed: dict[str, object] = {
            "id": own,
            "edit": edit,
            "target_prompt": row.target_prompt or target_prompt(edit, noun),
            "accepted": row.accepted,
            "rejection": row.rejection,
            "scores": _scores(source, image, mask, scope=edit.scope),
            "image_sha256": self._put(IMAGES, own, encode_rgb_png(image)),
            "pixel_sha256": pixels,
            "signature": signature(image),
        }
        if moved:
            changed["mask_sha256"] = None if mask is None else self._put_mask(own, mask)
        if own_label is not None:
            changed |= self._put_own_label(own, own_label, moved=moved)
        return source.sample.model_copy(update=changed)

    def _put_own_label(self, own: str, label: Pixels, *, moved: bool) -> dict[str, object]:
        prefix, folder = ("label", LABELS) if moved else ("filtered_label", FILTERED)
        return {
            f"{prefix}_sha256": self._put(folder, own, encode_gray_png(label)),
            f"{prefix}_pixel_sha256": pixel_sha256(label),
        }

    def _own_label(self, row: PairRow, source: _Source) -> Pixels | None:
        """Return the edit's own label: where the object moved, or where pixels were voided."""
        if row.label in (None, source.row.label):
            return None
        label = self._label(row.label, source.image)
        if row.edit is not None and row.edit.scope is Scope.GEOMETRY:
            return label
        other = label != source.label
        if not other.any():
            return None
        if (label[other] != self._space.ignore_id).any():
            msg = (
                f"{row.edit} moves nothing, yet its label has other classes than its source's; "
                f"only the ignore id {self._space.ignore_id} may take their place"
            )
            raise _RowFaultError(msg)
        return label

    def _label(self, path: Path | None, image: Pixels) -> Pixels:
        assert path is not None  # noqa: S101 - rows without a label were refused
        label = _decoded(path, decode_label)
        if label.shape != image.shape[:2]:
            msg = f"its label is {_size(label)}, its image {_size(image)}"
            raise _RowFaultError(msg)
        odd = strange_id(label, self._space)
        if odd is not None:
            msg = f"its label holds id {odd}, which is no class of {self._space.name}"
            raise _RowFaultError(msg)
        return label

    def _noun(self, row: PairRow) -> str:
        found = None if row.object_class is None else self._space.by_name(row.object_class)
        return self._space.scene if found is None else found.noun or found.name

    def _put_mask(self, own: str, mask: Mask) -> str:
        return self._put(MASKS, own, encode_gray_png(mask.astype(np.uint8) * np.uint8(255)))

    def _put(self, folder: str, own: str, data: bytes) -> str:
        place = self._folder / folder
        place.mkdir(exist_ok=True)
        scratch = self._scratch / folder  # an image and its label have one name
        scratch.mkdir(exist_ok=True)
        write_atomically(place / f"{own}.png", data, scratch=scratch)
        return sha256_hex(data)


def _scores(
    source: _Source, image: Pixels, mask: Mask | None, *, scope: Scope
) -> AcceptanceScores | None:
    """Return what acceptance would look at; None where no mask says where the object is."""
    before = source.mask
    if scope is not Scope.GLOBAL and before is None:
        return None
    touched = before if before is None or mask is None else before | mask
    return score_edit(
        source.image,
        image,
        scope=scope,
        touched=touched,
        visible_fraction=None,
        mask=before,
    )


def _mask(path: Path | None, image: Pixels) -> Mask | None:
    if path is None:
        return None
    mask = _decoded(path, decode_mask)
    if mask.shape != image.shape[:2]:
        msg = f"its mask is {_size(mask)}, its image {_size(image)}"
        raise _RowFaultError(msg)
    if not mask.any():
        msg = "its mask is empty: leave the cell empty where there is no object"
        raise _RowFaultError(msg)
    return mask


def _content_id(row: PairRow, *digests: str) -> str:
    """Return the opaque id of a sample: of what it is called and what it holds."""
    edit = None if row.edit is None else row.edit.model_dump(mode="json")
    return sha256_hex(canonical_json(["imported sample", row.source, edit, *digests]))[:16]


def _size(pixels: NDArray[np.generic]) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


def _decoded(path: Path, decode: Callable[..., PixelsT]) -> PixelsT:
    try:
        return decode(path.read_bytes(), name=path.name)
    except SourceDataError as error:
        raise _RowFaultError(str(error)) from error
