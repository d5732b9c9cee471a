"""Which sources of a data set a recipe takes, read in parallel; nothing is edited or written."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2

from harness.benchmark.scan_memory import Scanned, recall_scan, remember_scan, scan_key
from harness.benchmark.scan_report import NamedBroken, ScanReport
from harness.dataset.broken import BrokenReason, BrokenSource, BrokenSourceError
from harness.dataset.image_io import decode_rgb, read_file
from harness.dataset.recipe_file import LoadedRecipe
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.distribution.local import map_here, map_in_processes
from harness.errors import SourceDataError
from harness.records.label_space import LabelSpace
from harness.records.recipe import Recipe
from harness.records.source import BrokenSources

NAMED_BROKEN = 1000
"""Broken sources that a report names; all of them are counted."""
_CHUNK = 16
"""Sources that a process is given at once: a label is read in less time than one is sent."""


@dataclass(frozen=True, kw_only=True)
class TakenSource:
    """A source that the benchmark is made of."""

    file: SourceFile
    """Its files."""
    object_class: str | None
    """The class of the object that is edited; None where it has none."""
    fraction: float | None
    """The object's share of the image's pixels, 0-1."""


@dataclass(frozen=True, kw_only=True)
class SourceScan:
    """The sources that a benchmark is made of, and what became of the others."""

    taken: tuple[TakenSource, ...]
    """The sources, by name."""
    report: ScanReport
    """All of them, counted."""

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files of the sources that are taken, by name."""
        return tuple(source.file for source in self.taken)


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """Looks at sources; picklable, and the same in every process."""

    recipe: Recipe
    """Says which object is selected, and whether one is needed."""
    label_space: LabelSpace
    """The sources' label space."""

    def open(self, _worker: int) -> Callable[[tuple[SourceFile, ...]], tuple[Scanned, ...]]:
        """Return what looks at a few sources in this process."""
        cv2.setNumThreads(1)
        return lambda files: tuple(self.look(file) for file in files)

    def look(self, file: SourceFile) -> Scanned:
        """Return what `file` is: of one that is taken the image is decoded, too.

        A truncated image would else show after hours of editing others.
        """
        rule = self.recipe.selection
        try:
            annotation = file.load_annotation(self.label_space)
            selected = select_object(annotation, self.label_space, rule)
            if isinstance(selected, SelectedObject) or not rule.require_object:
                _prove_image(file)
        except BrokenSourceError as error:
            broken = BrokenSource(
                name=file.name, reason=error.reason, detail=str(error), remedy=error.remedy
            )
            return Scanned(broken=broken)
        if isinstance(selected, NoObject):
            return Scanned(no_object=selected)
        return Scanned(object_class=selected.class_name, fraction=round(selected.fraction, 6))


@dataclass(frozen=True, kw_only=True)
class ScanPlan:
    """Who looks at sources, and where what was found is remembered."""

    workers: int
    """The number of processes; 0 works in this one."""
    memory: Path | None = None
    """The file that remembers, good while the sources' files keep their sizes and times; None looks
    at all of them anew."""


def scan_sources(
    listing: SourceListing,
    loaded: LoadedRecipe,
    *,
    plan: ScanPlan,
    on_scanned: Callable[[int], None] = lambda _: None,
) -> SourceScan:
    """Return which sources of `listing` the recipe takes.

    What is kept of a source is a few words, however large its image; the result is the same for any
    number of workers.

    Args:
        listing: What lies in the source folder.
        loaded: The recipe.
        plan: Who looks, and where what was found is remembered.
        on_scanned: Told how many more were looked at.

    Raises:
        SourceDataError: A source is broken, and the recipe does not leave such out.
    """
    found = _found(listing, loaded, plan=plan, on_scanned=on_scanned)
    _refuse_half_a_set(listing, found)
    require = loaded.recipe.selection.require_object
    taken = tuple(
        TakenSource(file=file, object_class=one.object_class, fraction=one.fraction)
        for file, one in zip(listing.files, found, strict=True)
        if one.broken is None and (one.object_class is not None or not require)
    )
    return SourceScan(taken=taken, report=_report(listing, found, require_object=require))


def _refuse_half_a_set(listing: SourceListing, found: tuple[Scanned, ...]) -> None:
    """Raise where most images can't be used: a set that is half downloaded, whatever the rule."""
    broken = [*listing.broken, *(one.broken for one in found if one.broken is not None)]
    whole = len(found) + len(listing.broken)
    if 2 * len(broken) > whole:
        msg = f"{len(broken)} of {whole} images can't be used, the first: {broken[0].detail}"
        remedy = f"{broken[0].remedy} Download the data set again where it is not whole."
        raise SourceDataError(msg, remedy=remedy)


def _found(
    listing: SourceListing,
    loaded: LoadedRecipe,
    *,
    plan: ScanPlan,
    on_scanned: Callable[[int], None],
) -> tuple[Scanned, ...]:
    key = scan_key(listing.files, loaded) if plan.memory else ""
    refuse = loaded.recipe.source.broken is BrokenSources.REFUSE
    if plan.memory and (known := recall_scan(plan.memory, key)) is not None:
        for one in known if refuse else ():
            _raise_broken(one.broken)
        on_scanned(len(known))
        return known
    found: list[Scanned] = []
    with closing(_scanned(listing, loaded, workers=plan.workers)) as results:
        for scanned in results:
            found += scanned
            for one in scanned if refuse else ():
                _raise_broken(one.broken)
            on_scanned(len(scanned))
    if plan.memory:
        remember_scan(plan.memory, key, tuple(found))
    return tuple(found)


def _scanned(
    listing: SourceListing, loaded: LoadedRecipe, *, workers: int
) -> Generator[tuple[Scanned, ...], None, None]:
    scanner = Scanner(recipe=loaded.recipe, label_space=loaded.label_space)
    files = listing.files
    chunks = tuple(files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK))
    if workers == 0:
        return map_here(scanner.open, chunks)
    return map_in_processes(scanner.open, chunks, workers=workers, name_of=_chunk_name)


def _chunk_name(chunk: tuple[SourceFile, ...]) -> str:
    return f"{chunk[0].image} or one of the {len(chunk) - 1} after it"


def _prove_image(file: SourceFile) -> None:
    try:
        decode_rgb(read_file(file.image), name=str(file.image))
    except SourceDataError as error:
        reason = BrokenReason.UNREADABLE
        raise BrokenSourceError(str(error), remedy=error.remedy, reason=reason) from error


def _raise_broken(broken: BrokenSource | None) -> None:
    if broken is None:
        return
    remedy = f'{broken.remedy} `broken = "skip"` under [source] of the recipe leaves such out.'
    raise SourceDataError(broken.detail, remedy=remedy)


def _report(
    listing: SourceListing, found: Iterable[Scanned], *, require_object: bool
) -> ScanReport:
    scanned = tuple(found)
    broken = [*listing.broken, *(one.broken for one in scanned if one.broken is not None)]
    lacking = Counter(one.no_object for one in scanned if one.no_object is not None)
    classes = Counter(one.object_class for one in scanned if one.object_class is not None)
    whole = len(scanned) - sum(1 for one in scanned if one.broken is not None)
    return ScanReport(
        found=len(scanned) + len(listing.broken),
        taken=whole - (lacking.total() if require_object else 0),
        classes=dict(classes.most_common()),
        without_object={} if require_object else dict(sorted(lacking.items())),
        left_out=dict(sorted(lacking.items())) if require_object else {},
        broken=dict(sorted(Counter(one.reason for one in broken).items())),
        named=tuple(
            NamedBroken(name=one.name, reason=one.reason, detail=one.detail)
            for one in sorted(broken, key=lambda one: one.name)[:NAMED_BROKEN]
        ),
    )
