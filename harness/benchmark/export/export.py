"""A benchmark written for other tools: whole or not at all; nothing of any layout's inside."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from harness.benchmark.export.content import ExportContent
from harness.benchmark.export.destination import Placement, fresh_folder
from harness.benchmark.export.huggingface import export_huggingface
from harness.benchmark.export.mmseg import export_mmseg
from harness.benchmark.export.pairs import export_pairs
from harness.errors import OutputError
from harness.records.exchange import ExportFormat, ExportReport

SHARD_BYTES = 256 * 2**20


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What is exported, as what, and where to."""

    content: ExportContent
    """The samples."""
    format: ExportFormat
    """The layout."""
    output: Path
    """The folder; it need not be there, and holds nothing if it is."""
    placement: Placement = Placement.COPY
    """How the benchmark's files get there."""
    shard_bytes: int = SHARD_BYTES
    """The size of a Parquet shard's content."""


def export_benchmark(request: ExportRequest, *, on_sample: Callable[[], None]) -> ExportReport:
    """Write the export and return what was written.

    Args:
        request: What is exported, as what, and where to.
        on_sample: Called for each sample that is written.

    Raises:
        OutputError: The folder is not empty, or the benchmark does not fit the layout.
        BenchmarkError: A file of the benchmark is not the promised one.
        OSError: A file can't be written; the folder is then not there.
    """
    content, header = request.content, request.content.header
    if request.format is ExportFormat.HUGGINGFACE and request.placement is Placement.LINK:
        msg = "Parquet shards hold the pictures themselves, so they can't be links"
        raise OutputError(msg, remedy="Leave out --link.")
    with fresh_folder(request.output) as folder:
        _write(request, folder, on_sample)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    return ExportReport(
        benchmark=header.name,
        digest=header.digest,
        format=request.format,
        output=str(request.output),
        sources=len(content.sources),
        edits=len(content.samples) - len(content.sources),
        left_out=content.left_out,
        files=len(files),
        size_bytes=size,
    )


def _write(request: ExportRequest, folder: Path, on_sample: Callable[[], None]) -> None:
    content, placement = request.content, request.placement
    match request.format:
        case ExportFormat.MMSEG:
            export_mmseg(content, folder, placement=placement, on_sample=on_sample)
        case ExportFormat.HUGGINGFACE:
            size = request.shard_bytes
            export_huggingface(content, folder, shard_bytes=size, on_sample=on_sample)
        case ExportFormat.FOLDER:
            export_pairs(content, folder, placement=placement, on_sample=on_sample)
        case _:
            assert_never(request.format)
