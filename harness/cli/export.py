"""`harness export`: writes a benchmark's pairs for the tools that people know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, echo_csv, echo_json, format_option

if TYPE_CHECKING:
    from harness.benchmark.export.export import ExportRequest
    from harness.records.exchange import ExportReport

_FORMATS = ("mmseg", "huggingface", "folder")


@click.command("export")
@click.argument("benchmark")
@click.option(
    "--to", "layout", type=click.Choice(_FORMATS), required=True, help="The layout that is written."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder that is filled; it must not hold anything yet.",
)
@click.option(
    "--accepted-only/--all",
    "accepted_only",
    default=True,
    show_default=True,
    help="Whether rejected edits are left out.",
)
@click.option(
    "--copy/--link",
    "copy",
    default=True,
    show_default=True,
    help="Whether files are copied or are symbolic links to the benchmark's (not huggingface).",
)
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    benchmark: str,
    layout: str,
    output: Path,
    accepted_only: bool,
    copy: bool,
    output_format: str,
) -> None:
    r"""Write the pairs of BENCHMARK for other tools.

    mmseg is a data set folder of mmsegmentation with its config; huggingface is Parquet that
    `datasets` loads; folder is plain pictures with a pairs.csv, which `harness import` takes in.
    The folder is whole or not there.

    \b
    Example:
      harness export mini --to mmseg --output ~/data/mini-mmseg
      harness export mini --to huggingface --output ~/data/mini-hf
      harness export mini --to folder --output ~/data/mini-pairs --link
    """
    from harness.benchmark.export.content import Selection, read_content
    from harness.benchmark.export.destination import Placement
    from harness.benchmark.export.export import ExportRequest
    from harness.cli.workspace import Workspace
    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.records.exchange import ExportFormat

    folder = BenchmarkFolder(Workspace(root=root).benchmark(benchmark))
    selection = Selection.ACCEPTED if accepted_only else Selection.ALL
    request = ExportRequest(
        content=read_content(folder, selection),
        format=ExportFormat(layout),
        output=output,
        placement=Placement.COPY if copy else Placement.LINK,
    )
    report = _export(request)
    match OutputFormat(output_format):
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            values = report.model_dump(mode="json")
            echo_csv(tuple(values), [tuple(str(value) for value in values.values())])
        case OutputFormat.TABLE:
            _echo(report, publish=request.content.header.publish_images)


def _export(request: ExportRequest) -> ExportReport:
    from harness.benchmark.export.export import export_benchmark
    from harness.cli.progress import Progress

    label, total = f"exporting {request.content.header.name}", len(request.content.samples)
    with Progress(label, total=total, unit="samples") as progress:
        return export_benchmark(request, on_sample=progress.advance)


def _echo(report: ExportReport, *, publish: bool) -> None:
    left_out = f", {report.left_out} rejected ones left out" if report.left_out else ""
    click.echo(
        f"{report.benchmark} as {report.format.value}: {report.sources} sources, {report.edits} "
        f"edits{left_out}; {report.files} files, {report.size_bytes / 2**20:.1f} MiB"
    )
    click.echo(f"folder {report.output}")
    if not publish:
        click.echo("its images are not to be republished (publish_images = false)")
