"""`harness scan`: what a recipe takes of a data set, before anything is edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, format_option
from harness.cli.source_options import scan_plan, source_option

if TYPE_CHECKING:
    from pathlib import Path

    from harness.benchmark.scan_report import ScanReport
    from harness.dataset.recipe_file import LoadedRecipe

_HEADER = ("images", "what becomes of them", "why")
_SHOWN_BROKEN = 10


@click.command("scan")
@click.argument("recipe", default="mini")
@source_option
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    help="Processes; 0 works in this one. The result is the same.  [default: all processors]",
)
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    recipe: str,
    source: Path | None,
    workers: int | None,
    output_format: str,
) -> None:
    r"""Say what RECIPE takes of its data set: a recipe's name or its .toml file; without one, mini.

    Labels, instances and the images that are taken are read, in parallel; nothing is edited or
    written but a note of what was found, which spares the build the same work. Images that can't be
    used are named: the recipe's `broken = "skip"` leaves them out, else the first one is an error.

    \b
    Example:
      harness scan pascal-ea --source ~/data/VOCdevkit
      harness scan coco-ea --source ~/data/coco --format json
    """
    from harness.benchmark.source_finding import find_build_sources
    from harness.cli.progress import ProgressWatch
    from harness.cli.recipe_editors import known_editors
    from harness.cli.workspace import Workspace
    from harness.dataset.recipe_file import load_recipe

    workspace = Workspace(root=root)
    loaded = load_recipe(recipe, workspace.recipes, known=known_editors())
    plan = scan_plan(workspace, loaded.recipe.name, workers=workers)
    report = find_build_sources(loaded, source, plan=plan, watch=ProgressWatch()).report
    match OutputFormat(output_format):
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(_HEADER, _rows(report))
        case OutputFormat.TABLE:
            _echo_report(loaded, report)


def _rows(report: ScanReport) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (str(count), "taken", name) for name, count in report.classes.items()
    ]
    rows += [
        (str(count), "taken for global edits only", lack.value)
        for lack, count in report.without_object.items()
    ]
    rows += [(str(count), "left out", lack.value) for lack, count in report.left_out.items()]
    rows += [(str(count), "left out, broken", why.value) for why, count in report.broken.items()]
    return rows


def _echo_report(loaded: LoadedRecipe, report: ScanReport) -> None:
    echo_table(
        f"{loaded.recipe.name}: what becomes of {report.found} images", _HEADER, _rows(report)
    )
    edits = len(loaded.recipe.all_edits())
    click.echo(f"{report.taken} sources are taken; the recipe names {edits} edits of each")
    for broken in report.named[:_SHOWN_BROKEN]:
        click.echo(f"broken: {broken.detail}")
    more = sum(report.broken.values()) - _SHOWN_BROKEN
    if more > 0:
        click.echo(f"and {more} more broken; --format json names them")
