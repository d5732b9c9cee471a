"""`harness import`: takes in a benchmark that was built elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, echo_csv, echo_json, format_option

if TYPE_CHECKING:
    from harness.benchmark.importing.importing import Origin
    from harness.cli.workspace import Workspace
    from harness.records.exchange import ImportReport


@click.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="The benchmark's name here.  [default: the name it gives itself]")
@click.option(
    "--replace", is_flag=True, help="Put it in the place of a benchmark that has its name."
)
@format_option
@click.pass_obj
def command(
    root: Path, /, *, folder: Path, name: str | None, replace: bool, output_format: str
) -> None:
    r"""Take in the benchmark in DIR: plain pairs, or a copy of a built benchmark.

    Plain pairs are a pairs.csv with its pictures and a benchmark.toml, as `harness export --to
    folder` writes them; docs/importing.md says what each holds. Everything is checked before
    anything is put in place, and all that is wrong is named. What its author accepted stays
    accepted.

    \b
    Example:
      harness import ~/data/pascal-ea-pairs
      harness import ~/data/mini-pairs --name my-mini
      harness import /mnt/lab/benchmark_data/pascal-ea --replace
    """
    from harness.benchmark.importing.faults import ImportFaultsError
    from harness.benchmark.importing.importing import read_origin
    from harness.cli.workspace import Workspace

    workspace = Workspace(root=root)
    try:
        origin = read_origin(folder)
        target = _target(workspace, origin, name or origin.name, replace=replace)
        report = _import(origin, target)
    except ImportFaultsError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        if error.count > len(error.faults):
            click.echo(f"... and {error.count - len(error.faults)} more", err=True)
        raise
    match OutputFormat(output_format):
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            values = report.model_dump(mode="json")
            echo_csv(tuple(values), [tuple(str(value) for value in values.values())])
        case OutputFormat.TABLE:
            _echo(report)


def _target(workspace: Workspace, origin: Origin, name: str, *, replace: bool) -> Path:
    """Return the folder of the benchmark `name`, which must be free or be replaced."""
    from harness.benchmark.importing.importing import PairsOrigin
    from harness.dataset.benchmark_folder import HEADER
    from harness.errors import BenchmarkError
    from harness.records.recipe import NAME_PATTERN

    if not re.match(NAME_PATTERN, name) or name == workspace.recipes.name:
        msg = f"{name!r} can't be a benchmark's name"
        remedy = "Use up to 64 small letters, digits, - and _; `recipes` is taken."
        raise BenchmarkError(msg, remedy=remedy)
    folder = workspace.benchmark(name)
    if (workspace.recipes / f"{name}.toml").is_file() and isinstance(origin, PairsOrigin):
        msg = f"{name!r} is the name of a recipe, which these pairs were not built from"
        raise BenchmarkError(msg, remedy="Give it another by --name.")
    if (folder / HEADER).exists() and not replace:
        msg = f"there is a benchmark {name!r} already, in {folder}"
        raise BenchmarkError(msg, remedy="Give it another --name, or say --replace.")
    return folder


def _import(origin: Origin, target: Path) -> ImportReport:
    from harness.benchmark.importing.importing import import_benchmark
    from harness.cli.progress import Progress
    from harness.distribution.local import processors

    with Progress(f"importing {target.name}", total=origin.total, unit="samples") as progress:
        return import_benchmark(origin, target, threads=processors(), on_sample=progress.advance)


def _echo(report: ImportReport) -> None:
    rejected = f", {report.rejected} rejected by its author" if report.rejected else ""
    verb = "replaced" if report.replaced else "taken in"
    click.echo(
        f"{report.benchmark} {verb}: {report.sources} sources, {report.edits} edits{rejected}"
    )
    click.echo(f"digest {report.digest}")
    click.echo(f"folder {report.folder}")
