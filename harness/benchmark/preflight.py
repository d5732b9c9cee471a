"""Finds sources that can't be edited before hours go into the others; nothing of any editor."""

from collections.abc import Iterator
from typing import Protocol

from harness.benchmark.unit_plan import plan_unit
from harness.dataset.image_io import read_stored_size
from harness.dataset.recipe_file import LoadedRecipe
from harness.dataset.source_file import SourceFile
from harness.editing.editor import EditJob
from harness.errors import ImageEditError

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


def check_sources(
    sources: tuple[SourceFile, ...], loaded: LoadedRecipe, preflight: Preflight
) -> None:
    """Raise where edits that `loaded` asks for can't be made of some of `sources`.

    Of most sources only the image's header is read. One whose size does not do is read whole: where
    it has no object that the recipe selects, nothing may be asked of it.

    Raises:
        SourceDataError: A source's files are missing or broken.
        ImageEditError: Says for the first why, and names the others.
    """
    faults = list(_faults(sources, loaded, preflight))
    if not faults:
        return
    first, error = faults[0]
    msg = f"{first.image}: {error}"
    if others := [file.image.name for file, _ in faults[1:]]:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        msg += f"; nor can {', '.join(others[:_NAMED])}{more} be edited"
    raise ImageEditError(msg, remedy=error.remedy) from error


def _faults(
    sources: tuple[SourceFile, ...], loaded: LoadedRecipe, preflight: Preflight
) -> Iterator[tuple[SourceFile, ImageEditError]]:
    for file in sources:
        width, height = read_stored_size(file.image)
        # EXIF may turn it by a quarter.
        if preflight.fits(height, width) and preflight.fits(width, height):
            continue
        job = plan_unit(file, loaded.recipe, loaded.label_space).job
        if job is None or not job.requests:
            continue
        try:
            preflight.check(job)
        except ImageEditError as error:
            yield file, error
