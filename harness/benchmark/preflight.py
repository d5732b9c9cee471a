"""Finds sources that can't be edited before hours go into the others; nothing of any editor."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

from harness.benchmark.scan import SourceScan
from harness.benchmark.scan_report import NamedBroken
from harness.benchmark.unit_plan import plan_unit
from harness.dataset.broken import BrokenReason
from harness.dataset.image_io import read_stored_size
from harness.dataset.recipe_file import LoadedRecipe
from harness.dataset.source_file import SourceFile
from harness.editing.editor import EditJob
from harness.errors import ImageEditError
from harness.records.prompts import SourcePrompts
from harness.records.source import BrokenSources

_NAMED = 5
"""Sources that are named at most."""


class Preflight(Protocol):
    """What an editor can't do, known without its models; cheap."""

    def fits(self, height: int, width: int) -> bool:
        """Return whether an image of `height` x `width` pixels can have any of the edits."""
        ...

    def check(self, job: EditJob) -> None:
        """Raise where an edit of `job` is known to be impossible.

        Raises:
            ImageEditError: It is.
        """
        ...


def fit_sources(
    scan: SourceScan,
    loaded: LoadedRecipe,
    preflight: Preflight,
    *,
    prompts: Mapping[str, SourcePrompts],
) -> SourceScan:
    """Return `scan` without the sources of which edits that `loaded` asks for can't be made.

    Of most sources only the image's header is read. One whose size does not do is read whole: where
    it has no object that the recipe selects, nothing may be asked of it.

    Args:
        scan: The sources that the recipe takes.
        loaded: The recipe.
        preflight: What the editor can't do.
        prompts: The recipe's frozen prompts by source; none where a template makes them.

    Raises:
        SourceDataError: A source's files are missing or broken.
        ImageEditError: There are such sources and the recipe does not leave them out; says for the
            first why, and names the others.
    """
    faults = list(_faults(scan.files, loaded, preflight, prompts))
    if not faults:
        return scan
    if loaded.recipe.source.broken is BrokenSources.SKIP:
        return _without(scan, faults)
    first, error = faults[0]
    msg = f"{first.image}: {error}"
    if others := [file.image.name for file, _ in faults[1:]]:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        msg += f"; nor can {', '.join(others[:_NAMED])}{more} be edited"
    raise ImageEditError(msg, remedy=error.remedy) from error


def _without(scan: SourceScan, faults: list[tuple[SourceFile, ImageEditError]]) -> SourceScan:
    """Return `scan` with the faulty sources counted and named among those that can't be used."""
    unfit = {file.name: str(error) for file, error in faults}
    taken = tuple(source for source in scan.taken if source.file.name not in unfit)
    report, reason = scan.report, BrokenReason.NOT_EDITABLE
    named = [
        NamedBroken(name=file.name, reason=reason, detail=f"{file.image}: {unfit[file.name]}")
        for file, _ in faults
    ]
    classes = Counter(source.object_class for source in taken if source.object_class)
    update = {
        "taken": len(taken),
        "classes": dict(classes.most_common()),
        "broken": {**report.broken, reason: len(unfit)},
        "named": tuple(sorted([*report.named, *named], key=lambda one: one.name)),
    }
    return SourceScan(taken=taken, report=report.model_copy(update=update))


def _faults(
    sources: tuple[SourceFile, ...],
    loaded: LoadedRecipe,
    preflight: Preflight,
    prompts: Mapping[str, SourcePrompts],
) -> Iterator[tuple[SourceFile, ImageEditError]]:
    for file in sources:
        width, height = read_stored_size(file.image)
        # EXIF may turn it by a quarter.
        if preflight.fits(height, width) and preflight.fits(width, height):
            continue
        frozen = prompts.get(file.name)
        job = plan_unit(file, loaded.recipe, loaded.label_space, frozen=frozen).job
        if job is None or not job.requests:
            continue
        try:
            preflight.check(job)
        except ImageEditError as error:
            yield file, error
