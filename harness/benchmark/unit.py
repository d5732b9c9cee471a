"""Sources and their edits, from files to files: the unit of work that a process is given."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2

from harness.benchmark.identity import pixels_digest, sample_id
from harness.benchmark.unit_plan import UnitPlan, plan_unit
from harness.benchmark.unit_record import UnitRecord, read_unit, recorded_device
from harness.benchmark.unit_samples import SampleWriter
from harness.dataset.atomic_file import write_atomically
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.source_file import SourceFile
from harness.editing.editor import BatchEditor, EditJob, EditResult
from harness.errors import ImageEditError
from harness.records.base import canonical_json, sha256_hex
from harness.records.editing import DeviceEnvironment, EditingCost, UNetPasses
from harness.records.label_space import LabelSpace
from harness.records.prompts import SourcePrompts
from harness.records.recipe import Recipe

EditorFactory = Callable[[int], BatchEditor]
"""Makes the editor in the process that uses it, given the process's number; it is pickled."""
SourceGroup = tuple[SourceFile, ...]
"""Consecutive sources that are edited together."""

STATE, UNITS, SCRATCH = ".build", "units", "scratch"


def group_name(group: SourceGroup) -> str:
    """Return what a group is called in an error."""
    more = f" and the {len(group) - 1} after it" if len(group) > 1 else ""
    return f"{group[0].image}{more}"


@dataclass(frozen=True, kw_only=True)
class FinishedUnit:
    """What came of one unit: one source and its edits."""

    record: UnitRecord
    """The finished unit."""
    kept: bool
    """Whether an earlier build had finished it."""
    left: DeviceEnvironment | None = None
    """The other device on which an earlier build had made it; None where that is not why."""


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
    prompts: Mapping[str, SourcePrompts]
    """The recipe's frozen prompts by source; none where a template makes them."""
    ground: str
    """The digest of the code and packages at work: on other ground, nothing is continued."""

    def open(self, worker: int) -> "UnitBuilder":
        """Return what builds units in this process, number `worker`, with an editor of its own."""
        cv2.setNumThreads(1)
        return UnitBuilder(self, self.editor_factory(worker))

    def unit_path(self, source_name: str) -> Path:
        """Return where the record of a finished unit stands."""
        name = f"{sample_id(self.recipe, source_name, None)}.json"
        return self.folder / STATE / UNITS / name


class UnitBuilder:
    """Builds units, or finds them finished."""

    def __init__(self, workshop: Workshop, editor: BatchEditor) -> None:
        """Prepare to build units of `workshop` with `editor`."""
        self._shop, self._editor = workshop, editor
        self._folder = BenchmarkFolder(workshop.folder)
        self._scratch = workshop.folder / STATE / SCRATCH
        self._writer = SampleWriter(workshop.recipe, folder=workshop.folder, scratch=self._scratch)
        device = editor.device
        self._device = None if device is None else device.any_number()
        self._on = [
            pixels_digest(workshop.recipe),
            workshop.ground,
            workshop.label_space.content_digest(),
            *([] if self._device is None else [self._device.content_digest()]),
        ]

    def __call__(self, group: SourceGroup) -> tuple[FinishedUnit, ...]:
        """Return the units of `group`, finished now or before.

        Where one of them is not finished, the whole group is edited again, as it was the first
        time, and what is finished stays as it is.

        Raises:
            SourceDataError: A source's files are missing or broken.
            ImageEditError: An edit can't be made of one of them.
            OSError: A file can't be written; `filename` says which.
        """
        keys = self._keys(group)
        kept = [
            read_unit(self._shop.unit_path(file.name), self._folder, key=key)
            for file, key in zip(group, keys, strict=True)
        ]
        if all(kept):
            return tuple(FinishedUnit(record=r, kept=True) for r in kept if r is not None)
        plans = tuple(self._plan(file) for file in group)
        edited = self._edit(plans)
        return tuple(
            self._finish(plan, made, key=key)
            if record is None
            else FinishedUnit(record=record, kept=True)
            for plan, made, key, record in zip(plans, edited, keys, kept, strict=True)
        )

    def _plan(self, file: SourceFile) -> UnitPlan:
        shop = self._shop
        frozen = shop.prompts.get(file.name)
        return plan_unit(file, shop.recipe, shop.label_space, frozen=frozen)

    def _keys(self, group: SourceGroup) -> tuple[str, ...]:
        """Return the digest of everything that determines each unit, its company included."""
        contents = [[file.name, *file.digests(), *self._said(file)] for file in group]
        company = [contents] if len(group) > 1 else []
        return tuple(
            sha256_hex(canonical_json([*self._on, *content, *company])) for content in contents
        )

    def _said(self, file: SourceFile) -> tuple[str, ...]:
        frozen = self._shop.prompts.get(file.name)
        return () if frozen is None else (frozen.content_digest(),)

    def _edit(self, plans: tuple[UnitPlan, ...]) -> tuple["_Edited", ...]:
        jobs = {plan.file.name: plan.job for plan in plans if plan.job and plan.job.requests}
        started = time.monotonic()
        try:
            results = self._editor.edit_many(tuple(jobs.values())) if jobs else ()
        except ImageEditError as error:
            msg = f"{group_name(tuple(plan.file for plan in plans))}: {error}"
            raise ImageEditError(msg, remedy=error.remedy) from error
        by_name = dict(zip(jobs, results, strict=True))
        edits = max(1, sum(len(job.requests) for job in jobs.values()))
        seconds = (time.monotonic() - started) / edits
        found = ((plan.job, by_name.get(plan.file.name, ())) for plan in plans)
        return tuple(_Edited(job=job, results=r, seconds=seconds * len(r)) for job, r in found)

    def _finish(self, plan: UnitPlan, edited: "_Edited", *, key: str) -> FinishedUnit:
        name, path = plan.file.name, self._shop.unit_path(plan.file.name)
        former = recorded_device(path)
        # From here on the folder is no longer the benchmark that its header describes.
        self._folder.header_path.unlink(missing_ok=True)
        job = edited.job
        record = UnitRecord(
            key=key,
            source_name=name,
            no_object=plan.no_object,
            samples=() if job is None else self._writer.write(name, job, edited.results),
            not_made=plan.not_made,
            device=self._device,
            cost=_cost(edited),
        )
        data = canonical_json(record.model_dump(mode="json"))
        write_atomically(path, data, scratch=self._scratch)
        left = None if former == self._device else former
        return FinishedUnit(record=record, kept=False, left=left)


@dataclass(frozen=True, kw_only=True)
class _Edited:
    """What came of one source in the editor."""

    job: EditJob | None
    results: tuple[EditResult, ...]
    seconds: float
    """The share of its edits in the seconds that the group took."""


def _cost(edited: _Edited) -> EditingCost | None:
    passes = [result.passes for result in edited.results if result.passes is not None]
    if not passes:
        return None
    total = sum(passes, UNetPasses())
    return EditingCost(edits=len(passes), passes=total, seconds=round(edited.seconds, 3))
