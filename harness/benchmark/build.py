"""A benchmark from a recipe: sources in, folder out, resumable; nothing of any editor's inside."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.benchmark.assessing.assessment import (
    CLIP,
    LOSSES,
    Assessed,
    AssessmentPlaces,
    Assessors,
    assess,
)
from harness.benchmark.build_lock import build_lock
from harness.benchmark.build_report import BuildReport, count_units, editing_cost
from harness.benchmark.device_watch import DeviceWatch
from harness.benchmark.environment import build_environment, code_digest
from harness.benchmark.identity import sample_id
from harness.benchmark.index import write_index
from harness.benchmark.leftovers import remove_leftovers
from harness.benchmark.locking import lock_report, make_lock
from harness.benchmark.preflight import Preflight, fit_sources
from harness.benchmark.scan import ScanPlan, SourceScan
from harness.benchmark.source_finding import find_build_sources
from harness.benchmark.unit import (
    SCRATCH,
    STATE,
    UNITS,
    EditorFactory,
    FinishedUnit,
    SourceGroup,
    Workshop,
    group_name,
)
from harness.benchmark.unit_prompts import check_frozen
from harness.benchmark.unit_record import promised_files
from harness.benchmark.watch import Unwatched, Watch
from harness.dataset.atomic_file import write_atomically
from harness.dataset.benchmark_folder import IMAGES, LABELS, MASKS, BenchmarkFolder
from harness.dataset.lock_file import lock_bytes, read_lock
from harness.dataset.recipe_file import LoadedRecipe
from harness.dataset.source_file import SourceFile
from harness.distribution.local import map_here, map_in_processes
from harness.errors import SourceDataError
from harness.records.base import canonical_json, sha256_hex
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample, manifest_digest
from harness.records.prompts import SourcePrompts
from harness.records.recipe import Recipe

_LOOSEN = "Loosen [selection] in the recipe; `harness scan` says what its sources lack."


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What is built, of what, and where."""

    loaded: LoadedRecipe
    """The recipe."""
    source_root: Path | None
    """The folder of the sources; None takes the recipe's own."""
    folder: Path
    """The benchmark's folder."""
    editor_factory: EditorFactory
    """Makes the editor; it is pickled."""
    workers: int
    """The number of processes; 0 works in this one."""
    threads: int | None = 1
    """Threads of the numeric libraries in each process; None leaves it to them."""
    preflight: Preflight | None = None
    """Checks the sources before the editor is opened; None where the editor needs no check."""
    scan: ScanPlan = field(default_factory=partial(ScanPlan, workers=0))
    """Who looks at the sources, and where what was found is remembered."""
    prompts: Mapping[str, SourcePrompts] = field(default_factory=dict)
    """The recipe's frozen prompts by source; none where a template makes them."""
    assessors: Assessors = field(default_factory=Assessors)
    """The models that edits are looked at through."""
    watch: Watch = field(default_factory=Unwatched)
    """Follows the phases before and after the edits."""
    fresh: bool = False
    """Whether finished work of an earlier build is thrown away first."""


def find_sources(request: BuildRequest) -> SourceScan:
    """Return the sources of the build and what became of the other images; builds nothing.

    Raises:
        SourceDataError: As `find_build_sources`.
    """
    return find_build_sources(
        request.loaded, request.source_root, plan=request.scan, watch=request.watch
    )


def build_benchmark(
    request: BuildRequest,
    scan: SourceScan,
    *,
    on_unit: Callable[[FinishedUnit], None] = lambda _: None,
) -> BuildReport:
    """Build the benchmark of the sources in `scan` and return what was done.

    Finished units of an interrupted build are kept, and the result is the same as of an
    undisturbed one. From the first unit that is written to the last there is no header, so nobody
    takes a half benchmark for a whole one; what fails before, as a missing model does, leaves the
    folder as it was.

    Args:
        request: What is built, of what, and where.
        scan: What `find_sources` returned.
        on_unit: Called for each finished unit, in the order of the sources.

    Raises:
        SourceDataError: A source is broken, or none qualifies.
        ImageEditError: An edit can't be made.
        BenchmarkError: Another build is at work in the folder, or the lock is broken.
        OSError: A file can't be written.
    """
    started = time.monotonic()
    lock = read_lock(request.loaded.lock_path)
    environment = build_environment()
    scan = _checked(request, scan)
    sources = scan.files
    with _exclusive(request):
        units = _edit(request, sources, environment, on_unit=on_unit)
        edited = tuple(sample for unit in units for sample in unit.record.samples)
        assessed = _assess(request, edited)
        _take_header_away(request)
        samples = assessed.samples
        _tidy(request, sources, samples)
        update = {"device": units[0].record.device, "assessment": assessed.models}
        header = make_header(request.loaded, samples, environment.model_copy(update=update))
        scratch = request.folder / STATE / SCRATCH
        write_index(request.folder, header, samples, scratch=scratch)
    return BuildReport(
        benchmark=header.name,
        digest=header.digest,
        counts=count_units(request.loaded.recipe, units, samples, scan.report),
        seconds=round(time.monotonic() - started, 3),
        cost=editing_cost(units),
        lock=lock and lock_report(header, samples, lock, request.loaded.recipe.lock),
    )


def _checked(request: BuildRequest, scan: SourceScan) -> SourceScan:
    """Return the sources that can be edited, once all is there that the build will ask for."""
    loaded = request.loaded
    if request.preflight is not None:
        scan = fit_sources(scan, loaded, request.preflight, prompts=request.prompts)
    if not scan.taken:
        msg = f"no source of {loaded.recipe.name} has an object that the recipe selects"
        raise SourceDataError(msg, remedy=_LOOSEN)
    if loaded.recipe.prompts.file is not None:
        check_frozen(loaded.recipe, scan.taken, request.prompts)
    request.assessors.check(tuple(sorted(scan.report.classes)))
    return scan


def _take_header_away(request: BuildRequest) -> None:
    """Say that the folder is no longer the benchmark that its header describes."""
    BenchmarkFolder(request.folder).header_path.unlink(missing_ok=True)


def _edit(
    request: BuildRequest,
    sources: tuple[SourceFile, ...],
    environment: BuildEnvironment,
    *,
    on_unit: Callable[[FinishedUnit], None],
) -> tuple[FinishedUnit, ...]:
    label = f"building {request.loaded.recipe.name}"
    units = []
    with request.watch.phase(label, total=len(sources), unit="sources") as advance:
        for unit in _finished(request, sources, environment):
            on_unit(unit)
            units.append(unit)
            advance(1)
    return tuple(units)


def _assess(request: BuildRequest, samples: tuple[Sample, ...]) -> Assessed:
    state = request.folder / STATE
    places = AssessmentPlaces(
        folder=request.folder,
        state=state,
        scratch=state / SCRATCH,
        before_writing=partial(_take_header_away, request),
    )
    return assess(
        samples,
        request.loaded.recipe.acceptance,
        label_space=request.loaded.label_space,
        assessors=request.assessors,
        places=places,
        watch=request.watch,
    )


def make_header(
    loaded: LoadedRecipe, samples: tuple[Sample, ...], environment: BuildEnvironment
) -> BenchmarkHeader:
    """Return the header of the benchmark that `samples` are."""
    recipe = loaded.recipe
    return BenchmarkHeader(
        name=recipe.name,
        title=recipe.title,
        description=recipe.description,
        license=recipe.license,
        citation=recipe.citation,
        publish_images=recipe.publish_images,
        digest=manifest_digest(samples),
        recipe_digest=recipe.content_digest(),
        qualifying_miou=recipe.qualifying_miou,
        label_space=loaded.label_space,
        edits=recipe.all_edits(),
        environment=environment,
        acceptance=recipe.acceptance,
    )


def _finished(
    request: BuildRequest,
    sources: tuple[SourceFile, ...],
    environment: BuildEnvironment,
) -> Iterator[FinishedUnit]:
    shop = Workshop(
        recipe=request.loaded.recipe,
        label_space=request.loaded.label_space,
        folder=request.folder,
        editor_factory=request.editor_factory,
        prompts=request.prompts,
        ground=sha256_hex(canonical_json([code_digest(), environment.model_dump(mode="json")])),
    )
    groups = _groups(sources, request.loaded.recipe)
    if request.workers == 0:
        results = map_here(shop.open, groups)
    else:
        results = map_in_processes(
            shop.open,
            groups,
            workers=request.workers,
            name_of=group_name,
            threads=request.threads,
        )
    watch = DeviceWatch()
    with closing(results):
        for units in results:
            for unit in units:
                watch.see(unit)
                yield unit


def _groups(sources: tuple[SourceFile, ...], recipe: Recipe) -> tuple[SourceGroup, ...]:
    """Return the sources in the groups that are edited together: by place, whoever edits them."""
    editor = recipe.editor
    size = editor.sources_per_batch if isinstance(editor, DiffusionEditorSpec) else 1
    return tuple(sources[start : start + size] for start in range(0, len(sources), size))


@contextmanager
def _exclusive(request: BuildRequest) -> Iterator[None]:
    """Make the folders; hold the build's lock; start with an empty scratch folder."""
    folder, state = request.folder, request.folder / STATE
    for name in (IMAGES, LABELS, MASKS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with build_lock(folder):
        for name in (SCRATCH, UNITS, CLIP, LOSSES) if request.fresh else (SCRATCH,):
            shutil.rmtree(state / name, ignore_errors=True)
        for name in (SCRATCH, UNITS):
            (state / name).mkdir(exist_ok=True)
        yield


def _tidy(
    request: BuildRequest, sources: tuple[SourceFile, ...], samples: tuple[Sample, ...]
) -> None:
    expected = frozenset(promised_files(BenchmarkFolder(request.folder), samples))
    remove_leftovers(request.folder, expected=expected)
    recipe = request.loaded.recipe
    current = {f"{sample_id(recipe, source.name, None)}.json" for source in sources}
    for file in (request.folder / STATE / UNITS).iterdir():
        if file.name not in current:
            file.unlink()


def write_lock(request: BuildRequest) -> None:
    """Write the lock of the benchmark that `request` has built beside its recipe.

    Raises:
        BenchmarkError: Nothing is built there.
        OSError: The lock can't be written.
    """
    files = BenchmarkFolder(request.folder)
    lock = make_lock(files.header(), files.samples())
    path = request.loaded.lock_path
    write_atomically(path, lock_bytes(lock), scratch=path.parent)
