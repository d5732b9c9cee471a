"""A copy of a built benchmark, taken in as it is once all of it is proven; nothing of pairs."""

import shutil
from collections.abc import Callable
from pathlib import Path

from harness.benchmark.importing.faults import Faults
from harness.benchmark.importing.place import Workplace
from harness.benchmark.index import write_index
from harness.benchmark.unit_record import promised_files
from harness.benchmark.verify import Promise, verify_benchmark
from harness.dataset.benchmark_folder import FILTERED, BenchmarkFolder
from harness.records.manifest import BenchmarkHeader, Sample, SampleVerdict


def copy_built(
    origin: BenchmarkFolder,
    samples: tuple[Sample, ...],
    place: Workplace,
    *,
    threads: int,
    on_sample: Callable[[], None],
) -> None:
    """Copy the benchmark `origin` into `place` and prove every byte and pixel of the copy.

    Args:
        origin: The folder that is copied; only what a benchmark consists of is.
        samples: Its samples.
        place: Where it goes.
        threads: Threads that prove it.
        on_sample: Called for each sample whose files are copied.

    Raises:
        ImportFaultsError: A file is missing, a link, or not the promised one.
        OSError: A file can't be written.
    """
    faults = Faults()
    _copy_files(origin, samples, place.folder, faults, on_sample)
    for path in (origin.manifest_path, origin.croissant_path, origin.header_path):
        _copy(path, place.folder / path.name, faults)
    faults.raise_any(str(origin.path))
    report = verify_benchmark(place.folder, Promise(recipe=None, lock=None), threads=threads)
    for finding in report.findings:
        faults.add(_sentence(finding))
    faults.raise_any(str(origin.path))


def rename_built(
    place: Workplace, header: BenchmarkHeader, samples: tuple[Sample, ...], *, name: str
) -> BenchmarkHeader:
    """Return the header under another name, which the benchmark in `place` has from now on."""
    renamed = header.model_copy(update={"name": name})
    write_index(place.folder, renamed, samples, scratch=place.scratch)
    return renamed


def _copy_files(
    origin: BenchmarkFolder,
    samples: tuple[Sample, ...],
    folder: Path,
    faults: Faults,
    on_sample: Callable[[], None],
) -> None:
    copied: set[Path] = set()
    for sample in samples:
        for path in promised_files(origin, (sample,)):
            if path not in copied:
                copied.add(path)
                _copy(path, folder / path.relative_to(origin.path), faults)
        on_sample()


def _copy(path: Path, target: Path, faults: Faults) -> None:
    where = f"{path.parent.name}/{path.name}"
    if path.is_symlink() or path.parent.is_symlink():
        faults.add(f"{where} is a link, or lies behind one")
    elif not path.is_file():
        faults.add(f"{where} is missing")
    else:
        if target.parent.name == FILTERED:
            target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)


def _sentence(found: SampleVerdict) -> str:
    return f"{found.subject}: {found.detail}"
