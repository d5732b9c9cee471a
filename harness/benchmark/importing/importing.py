"""Benchmarks that were built elsewhere, taken in whole or not at all; nothing of single rows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.benchmark.environment import build_environment
from harness.benchmark.importing.built import copy_built, rename_built
from harness.benchmark.importing.faults import Faults
from harness.benchmark.importing.pairs import SourceFamily, read_pairs
from harness.benchmark.importing.place import Workplace, put_in_place, workplace_beside
from harness.benchmark.importing.samples import PairImporter
from harness.benchmark.index import write_index
from harness.dataset.benchmark_folder import HEADER, BenchmarkFolder
from harness.dataset.label_space import load_label_space
from harness.dataset.pairs_file import HEADER_NAME, PAIRS_NAME
from harness.errors import RecipeError, SourceDataError
from harness.records.attributes import Attribute, Edit
from harness.records.exchange import FolderHeader, ImportLayout, ImportReport
from harness.records.label_space import LabelSpace
from harness.records.manifest import BenchmarkHeader, Sample, manifest_digest
from harness.records.toml_table import parse_toml_table


@dataclass(frozen=True, kw_only=True)
class PairsOrigin:
    """A folder of plain pairs, its rows checked against each other."""

    folder: Path
    """The folder."""
    header: FolderHeader
    """What its benchmark.toml says."""
    label_space: LabelSpace
    """The label space of its labels."""
    families: tuple[SourceFamily, ...]
    """Its sources with their edits."""

    @property
    def name(self) -> str:
        """The name it gives itself."""
        return self.header.name

    @property
    def total(self) -> int:
        """The number of its samples."""
        return sum(1 + len(family.edits) for family in self.families)


@dataclass(frozen=True, kw_only=True)
class BuiltOrigin:
    """A copy of a built benchmark, its manifest proven."""

    folder: BenchmarkFolder
    """The folder."""
    header: BenchmarkHeader
    """Its header."""
    samples: tuple[Sample, ...]
    """Its samples."""

    @property
    def name(self) -> str:
        """The name it gives itself."""
        return self.header.name

    @property
    def total(self) -> int:
        """The number of its samples."""
        return len(self.samples)


Origin = PairsOrigin | BuiltOrigin


def read_origin(folder: Path) -> Origin:
    """Return what lies in `folder`, before any of its pixels is read.

    Raises:
        SourceDataError: It is neither, its benchmark.toml is none, or rows are wrong: an
            `ImportFaultsError` names them.
        BenchmarkError: Its manifest is broken or another than its header's.
    """
    if (folder / HEADER).is_file():
        built = BenchmarkFolder(folder)
        built.assert_whole()
        return BuiltOrigin(folder=built, header=built.header(), samples=built.samples())
    for name in (PAIRS_NAME, HEADER_NAME):
        if not (folder / name).is_file():
            msg = f"there is neither a {HEADER} nor a {name} in {folder}"
            remedy = "docs/importing.md says how a folder of pairs is laid out."
            raise SourceDataError(msg, remedy=remedy)
    return _read_pairs_origin(folder)


def _read_pairs_origin(folder: Path) -> PairsOrigin:
    path = folder / HEADER_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path} is no UTF-8 text"
        raise SourceDataError(msg, remedy="Save it as UTF-8.") from error
    header = parse_toml_table(text, FolderHeader, origin=str(path), error_type=SourceDataError)
    space = header.label_space
    if isinstance(space, str):
        try:
            space = load_label_space(space)
        except RecipeError as error:
            msg = f"{path}: {error}"
            raise SourceDataError(msg, remedy=error.remedy) from error
    faults = Faults()
    families = read_pairs(folder, space, faults)
    faults.raise_any(str(folder / PAIRS_NAME))
    return PairsOrigin(folder=folder, header=header, label_space=space, families=families)


def import_benchmark(
    origin: Origin,
    folder: Path,
    *,
    threads: int,
    on_sample: Callable[[], None],
) -> ImportReport:
    """Take `origin` in as the benchmark in `folder`, whose name is the folder's.

    Everything is checked first; what was a benchmark in `folder` before is replaced at the end.

    Args:
        origin: What `read_origin` returned.
        folder: The benchmark's folder.
        threads: Threads that read and write pictures.
        on_sample: Called for each sample, from any thread.

    Raises:
        ImportFaultsError: Something is wrong with the pixels; nothing is taken in.
        BenchmarkError: A build is at work in `folder`.
        OSError: A file can't be written.
    """
    replaced = (folder / HEADER).is_file()
    with workplace_beside(folder) as place:
        if isinstance(origin, BuiltOrigin):
            layout, header, samples = ImportLayout.BUILT, origin.header, origin.samples
            copy_built(origin.folder, samples, place, threads=threads, on_sample=on_sample)
            if header.name != folder.name:
                header = rename_built(place, header, samples, name=folder.name)
        else:
            layout = ImportLayout.PAIRS
            samples = _take_pairs(origin, place, threads=threads, on_sample=on_sample)
            header = _header(origin, samples, name=folder.name)
            write_index(place.folder, header, samples, scratch=place.scratch)
        put_in_place(place, folder)
    edits = [sample for sample in samples if sample.edit is not None]
    accepted = sum(1 for sample in edits if sample.accepted)
    return ImportReport(
        benchmark=header.name,
        digest=header.digest,
        layout=layout,
        folder=str(folder),
        sources=len(samples) - len(edits),
        edits=accepted,
        rejected=len(edits) - accepted,
        replaced=replaced,
    )


def _take_pairs(
    origin: PairsOrigin, place: Workplace, *, threads: int, on_sample: Callable[[], None]
) -> tuple[Sample, ...]:
    importer = PairImporter(origin.label_space, folder=place.folder, scratch=place.scratch)
    faults = Faults()
    samples: list[Sample] = []
    take = partial(importer.take, on_sample=on_sample)
    with ThreadPoolExecutor(threads) as pool:
        try:
            for family in pool.map(take, origin.families):
                samples += family.samples
                for fault in family.faults:
                    faults.add(fault.what, line=fault.line)
        except BaseException:  # an interrupt does not wait for all the other sources
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    faults.raise_any(str(origin.folder / PAIRS_NAME))
    return tuple(samples)


def _header(origin: PairsOrigin, samples: tuple[Sample, ...], *, name: str) -> BenchmarkHeader:
    said = origin.header
    # What it is called and where it came from changes nothing of what it is.
    plain = said.model_copy(update={"name": name, "exported_digest": None})
    return BenchmarkHeader(
        name=name,
        title=said.title,
        description=said.description,
        license=said.license,
        citation=said.citation,
        publish_images=said.publish_images,
        digest=manifest_digest(samples),
        recipe_digest=plain.content_digest(),
        qualifying_miou=said.qualifying_miou,
        label_space=origin.label_space,
        edits=_edits_in_order(samples),
        environment=build_environment(),
    )


def _edits_in_order(samples: tuple[Sample, ...]) -> tuple[Edit, ...]:
    """Return each edit once, by attribute, then as it comes first."""
    found = dict.fromkeys(sample.edit for sample in samples if sample.edit is not None)
    places = {attribute: place for place, attribute in enumerate(Attribute)}
    return tuple(sorted(found, key=lambda edit: places[edit.attribute]))
