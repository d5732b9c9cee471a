"""From a recipe and a folder to the sources that are taken, with progress; builds nothing."""

from collections.abc import Callable
from pathlib import Path

from harness.benchmark.scan import ScanPlan, SourceScan, scan_sources
from harness.benchmark.scan_report import ScanReport
from harness.benchmark.watch import Watch
from harness.dataset.recipe_file import LoadedRecipe
from harness.dataset.selection import NoObject
from harness.dataset.source_listing import SourceListing
from harness.dataset.sources import bytes_to_read, list_sources
from harness.errors import SourceDataError
from harness.records.source import ObjectUnit, SourceSpec

_MIB = 1024**2
_WORTH_A_PHASE = 16
"""MiB of annotations from which on reading them takes seconds."""


def find_build_sources(
    loaded: LoadedRecipe, source_root: Path | None, *, plan: ScanPlan, watch: Watch
) -> SourceScan:
    """Return the sources that `loaded` takes, and what became of the other images.

    Args:
        loaded: The recipe.
        source_root: The folder of the sources; None takes the recipe's own.
        plan: Who looks at them, and where what was found is remembered.
        watch: Follows it.

    Raises:
        SourceDataError: They are missing or not laid out as the recipe's adapter wants, or one is
            broken and the recipe does not leave such out.
    """
    listing = _listed(loaded.recipe.source, source_root or loaded.source_root(), watch)
    total = len(listing.files)
    with watch.phase("scanning sources", total=total, unit="images") as advance:
        scan = scan_sources(listing, loaded, plan=plan, on_scanned=advance)
    _require_instances(loaded, scan.report)
    return scan


def _require_instances(loaded: LoadedRecipe, report: ScanReport) -> None:
    """Raise where the recipe selects instances and the whole set has none: a part of it is missing.

    Raises:
        SourceDataError: It is so.
    """
    lacking = (report.left_out | report.without_object).get(NoObject.NO_INSTANCES, 0)
    if loaded.recipe.selection.unit is ObjectUnit.INSTANCE and lacking == report.found > 0:
        msg = f"not one of {lacking} images has instances, and the recipe selects an instance"
        spec = loaded.recipe.source
        raise SourceDataError(msg, remedy=spec.description or "Fetch the set's instances, too.")


def _listed(spec: SourceSpec, root: Path | None, watch: Watch) -> SourceListing:
    size = bytes_to_read(spec, root) // _MIB
    if size < _WORTH_A_PHASE:
        return list_sources(spec, root)
    with watch.phase("reading annotations", total=size, unit="MiB") as advance:
        return list_sources(spec, root, on_read=_in_mib(advance))


def _in_mib(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Return what is told of bytes and tells `advance` of whole MiB."""
    read = told = 0

    def on_read(more: int) -> None:
        nonlocal read, told
        read += more
        if read // _MIB > told:
            advance(read // _MIB - told)
            told = read // _MIB

    return on_read
