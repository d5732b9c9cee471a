"""One source and its edits, from files to files: the unit of work that a process is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.acceptance.preservation import judge, score_edit
from harness.benchmark.identity import edit_seed, pixels_digest, sample_id
from harness.benchmark.unit_record import EditNotMade, UnitRecord, read_unit
from harness.dataset.atomic_file import write_atomically
from harness.dataset.benchmark_folder import IMAGES, LABELS, MASKS, BenchmarkFolder
from harness.dataset.image_io import encode_gray_png, encode_rgb_png, pixel_sha256, signature
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_file import Source, SourceFile
from harness.editing.editor import EditRequest, EditResult, EditSource, ImageEditor
from harness.errors import ImageEditError
from harness.prompting.template import caption, target_prompt
from harness.records.attributes import Edit, Scope
from harness.records.base import canonical_json, sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.manifest import Sample
from harness.records.recipe import Recipe

EditorFactory = Callable[[], ImageEditor]
"""Makes the editor in the process that uses it; it is pickled."""

STATE, UNITS, SCRATCH = ".build", "units", "scratch"


@dataclass(frozen=True, kw_only=True)
class FinishedUnit:
    """What came of one unit."""

    record: UnitRecord
    """The finished unit."""
    kept: bool
    """Whether an earlier build had finished it."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Everything that is the same for every unit of a build."""

    recipe: Recipe
    """The recipe."""
    label_space: LabelSpace
    """The sources' label space."""
    folder: Path
    """The benchmark's folder."""
    editor_factory: EditorFactory
    """Makes the editor."""
    ground: str
    """The digest of the code and packages at work: on other ground, nothing is continued."""

    def open(self) -> "UnitBuilder":
        """Return what builds units in this process, with an editor of its own."""
        cv2.setNumThreads(1)
        return UnitBuilder(self, self.editor_factory())

    def unit_path(self, source_name: str) -> Path:
        """Return where the record of a finished unit stands."""
        name = f"{sample_id(self.recipe, source_name, None)}.json"
        return self.folder / STATE / UNITS / name


class UnitBuilder:
    """Builds units, or finds them finished."""

    def __init__(self, workshop: Workshop, editor: ImageEditor) -> None:
        """Prepare to build units of `workshop` with `editor`."""
        self._shop, self._editor = workshop, editor
        self._folder = BenchmarkFolder(workshop.folder)
        self._recipe_part = pixels_digest(workshop.recipe)

    def __call__(self, file: SourceFile) -> FinishedUnit:
        """Return the unit of `file`, finished now or before.

        Raises:
            SourceDataError: The source's files are missing or broken.
            ImageEditError: An edit can't be made of it.
            OSError: A file can't be written; `filename` says which.
        """
        key = self._key(file)
        path = self._shop.unit_path(file.name)
        if found := read_unit(path, self._folder, key=key):
            return FinishedUnit(record=found, kept=True)
        record = self._build(file, key=key)
        self._write(path, canonical_json(record.model_dump(mode="json")))
        return FinishedUnit(record=record, kept=False)

    def _key(self, file: SourceFile) -> str:
        parts = [self._recipe_part, self._shop.ground, self._shop.label_space.content_digest()]
        return sha256_hex(canonical_json([*parts, file.name, *file.digests()]))

    def _build(self, file: SourceFile, *, key: str) -> UnitRecord:
        recipe, label_space = self._shop.recipe, self._shop.label_space
        source = file.load(label_space)
        selected = select_object(source, label_space, recipe.selection)
        no_object = selected if isinstance(selected, NoObject) else None
        if no_object is not None and recipe.selection.require_object:
            return UnitRecord(key=key, source_name=file.name, no_object=no_object, samples=())
        found = None if isinstance(selected, NoObject) else selected
        noun = _noun(label_space, found)
        wanted, not_made = self._wanted(source.name, selected, noun=noun)
        edit_source = _edit_source(source, found, label_space, noun=noun)
        clean = self._source_sample(source, found, noun=noun)
        edits = tuple(
            self._edit_sample(edit_source, clean, request, result)
            for request, result in zip(wanted, self._edit(edit_source, wanted, file), strict=True)
        )
        return UnitRecord(
            key=key,
            source_name=file.name,
            no_object=no_object,
            samples=(clean, *edits),
            not_made=not_made,
        )

    def _wanted(
        self, source_name: str, selected: SelectedObject | NoObject, *, noun: str
    ) -> tuple[tuple[EditRequest, ...], tuple[EditNotMade, ...]]:
        requests: list[EditRequest] = []
        not_made: list[EditNotMade] = []
        for group in self._shop.recipe.edits:
            for edit in group.edits():
                lack = _lack(edit, selected, group.min_object_fraction)
                if lack is not None:
                    not_made.append(EditNotMade(edit=edit, reason=lack))
                    continue
                request = EditRequest(
                    edit=edit,
                    seed=edit_seed(self._shop.recipe, source_name, edit),
                    target_prompt=target_prompt(edit, noun),
                    amount=group.amount,
                )
                requests.append(request)
        return tuple(requests), tuple(not_made)

    def _edit(
        self, source: EditSource, requests: tuple[EditRequest, ...], file: SourceFile
    ) -> tuple[EditResult, ...]:
        try:
            return self._editor.edit(source, requests) if requests else ()
        except ImageEditError as error:
            msg = f"{file.image}: {error}"
            raise ImageEditError(msg, remedy=error.remedy) from error

    def _source_sample(self, source: Source, found: SelectedObject | None, *, noun: str) -> Sample:
        sample = sample_id(self._shop.recipe, source.name, None)
        height, width = source.label.shape
        return Sample(
            id=sample,
            source_id=sample,
            source_name=source.name,
            edit=None,
            object_class=None if found is None else found.class_name,
            caption=caption(noun),
            target_prompt=None,
            seed=0,
            width=width,
            height=height,
            accepted=True,
            image_sha256=self._put_image(sample, source.image),
            pixel_sha256=pixel_sha256(source.image),
            label_sha256=self._put_label(sample, source.label),
            label_pixel_sha256=pixel_sha256(source.label),
            mask_sha256=None if found is None else self._put_mask(sample, found.mask),
            signature=signature(source.image),
        )

    def _edit_sample(
        self, source: EditSource, clean: Sample, request: EditRequest, result: EditResult
    ) -> Sample:
        _check_result(source, request, result)
        scope = request.edit.scope
        touched = source.mask
        if touched is not None and scope is Scope.GEOMETRY and result.mask is not None:
            touched = touched | result.mask
        scores = score_edit(
            source.image,
            result.image,
            scope=scope,
            touched=touched,
            visible_fraction=result.visible_fraction,
        )
        rejection = judge(scores, self._shop.recipe.acceptance, scope=scope)
        sample = sample_id(self._shop.recipe, clean.source_name, request.edit)
        own = {
            "id": sample,
            "edit": request.edit,
            "target_prompt": request.target_prompt,
            "seed": request.seed,
            "accepted": rejection is None,
            "rejection": rejection,
            "scores": scores,
            "image_sha256": self._put_image(sample, result.image),
            "pixel_sha256": pixel_sha256(result.image),
            "signature": signature(result.image),
        }
        if scope is Scope.GEOMETRY and result.mask is not None:
            own["label_sha256"] = self._put_label(sample, result.label)
            own["label_pixel_sha256"] = pixel_sha256(result.label)
            own["mask_sha256"] = self._put_mask(sample, result.mask)
        return clean.model_copy(update=own)

    def _put_image(self, sample: str, image: NDArray[np.uint8]) -> str:
        return self._put(IMAGES, sample, encode_rgb_png(image))

    def _put_label(self, sample: str, label: NDArray[np.uint8]) -> str:
        return self._put(LABELS, sample, encode_gray_png(label))

    def _put_mask(self, sample: str, mask: NDArray[np.bool_]) -> str:
        return self._put(MASKS, sample, encode_gray_png(mask.astype(np.uint8) * np.uint8(255)))

    def _put(self, folder: str, sample: str, data: bytes) -> str:
        self._write(self._shop.folder / folder / f"{sample}.png", data)
        return sha256_hex(data)

    def _write(self, path: Path, data: bytes) -> None:
        write_atomically(path, data, scratch=self._shop.folder / STATE / SCRATCH)


def _noun(label_space: LabelSpace, found: SelectedObject | None) -> str:
    if found is None:
        return label_space.scene
    label_class = label_space.by_name(found.class_name)
    return (label_class.noun if label_class else None) or found.class_name


def _edit_source(
    source: Source, found: SelectedObject | None, label_space: LabelSpace, *, noun: str
) -> EditSource:
    return EditSource(
        image=source.image,
        label=source.label,
        mask=None if found is None else found.mask,
        object_class=None if found is None else found.class_name,
        label_space=label_space,
        caption=caption(noun),
    )


def _lack(
    edit: Edit, selected: SelectedObject | NoObject, least_fraction: float | None
) -> NoObject | None:
    """Return what the source lacks for `edit`, or None where it can be made."""
    if edit.scope is Scope.GLOBAL:
        return None
    if isinstance(selected, NoObject):
        return selected
    too_small = least_fraction is not None and selected.fraction < least_fraction
    return NoObject.OBJECT_TOO_SMALL if too_small else None


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
