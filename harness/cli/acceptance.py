"""`harness acceptance`: the scores of a built benchmark's edits, and other thresholds on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, echo_json, format_option
from harness.records.attributes import Attribute

if TYPE_CHECKING:
    from pathlib import Path

    from harness.benchmark.assessing.reapplying import AppliedThresholds
    from harness.benchmark.assessing.score_report import AcceptanceReport
    from harness.cli.workspace import Workspace
    from harness.dataset.recipe_file import LoadedRecipe
    from harness.records.acceptance import AcceptanceRule
    from harness.records.manifest import BenchmarkHeader


@click.command("acceptance")
@click.argument("name")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=NUMBER",
    help="Try another threshold, as min_object_change=0.05 or clip.min_directional=0.1; `none` "
    "takes away one that a recipe can do without. Nothing is written.",
)
@click.option(
    "--apply",
    "applies",
    is_flag=True,
    help="Judge the edits by the recipe's thresholds as they stand now; nothing is edited.",
)
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    type=click.Choice([attribute.value for attribute in Attribute]),
    help="Show this attribute only; may be repeated.",
)
@click.option(
    "--worst", type=click.IntRange(min=0), default=0, help="Name the N edits with the worst score."
)
@click.option(
    "--score",
    metavar="NAME",
    default="object_change",
    show_default=True,
    help="The score that --worst goes by.",
)
@click.option(
    "--suggest",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Print, as lines for the recipe, the bound on each score that would reject this share of "
    "the edits shown, as 0.05.",
)
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    name: str,
    settings: tuple[str, ...],
    applies: bool,
    attributes: tuple[str, ...],
    worst: int,
    score: str,
    suggest: float | None,
    output_format: str,
) -> None:
    r"""Show how the acceptance scores of the benchmark NAME are spread, by attribute and value.

    With --set, or where the recipe's thresholds have changed since the build, it also says how
    many edits would be kept; nothing is written. --apply judges the edits by the recipe's
    thresholds and writes manifest, header and Croissant metadata anew: another benchmark, with
    another digest, of the same pictures. A lock is left as it is. A CLIP or noise filter that came,
    went or has another model needs `harness build-benchmark`.

    --format csv prints one table: by value and score, or what --worst or --suggest asks for.

    \b
    Example:
      harness acceptance mini
      harness acceptance mini --set min_object_change=0.05 --attribute color
      harness acceptance mini --worst 10 --score object_change
      harness acceptance mini --suggest 0.05
      harness acceptance mini --apply
    """
    from harness.benchmark.assessing.score_report import ReportRequest, report_scores
    from harness.cli.workspace import Workspace
    from harness.dataset.benchmark_folder import BenchmarkFolder

    if applies and settings:
        msg = "--apply takes the thresholds from the recipe: write there what --set has shown"
        raise click.UsageError(msg)
    if OutputFormat(output_format) is OutputFormat.CSV and worst and suggest:
        msg = "CSV is one table: ask for --worst and --suggest one after the other"
        raise click.UsageError(msg)
    _check_score(score)
    workspace = Workspace(root=root)
    folder = BenchmarkFolder(workspace.benchmark(name))
    header = folder.header()  # whether it is built comes before what its recipe says
    loaded = _recipe(workspace, name)
    request = ReportRequest(
        rule=None if applies else _rule_to_try(header, loaded, settings),
        attributes=frozenset(map(Attribute, attributes)),
        worst_by=score,
        worst=worst,
        suggest=suggest,
    )
    applied = None
    if applies:
        report_scores(folder, request)  # what can't be shown is told before anything is written
        applied = _apply(workspace, name, loaded)
    _echo(report_scores(folder, replace(request, applied=applied)), OutputFormat(output_format))
    if loaded is not None and applied is not None:
        _tell_of_lock(loaded, applied)


def _echo(report: AcceptanceReport, output_format: OutputFormat) -> None:
    from harness.cli.acceptance_output import echo_acceptance, echo_acceptance_csv

    match output_format:
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_acceptance_csv(report)
        case OutputFormat.TABLE:
            echo_acceptance(report)


def _check_score(score: str) -> None:
    from harness.benchmark.assessing.score_report import SCORES

    if score not in SCORES:
        msg = f"there is no score {score!r}; there are {', '.join(SCORES)}"
        raise click.BadParameter(msg, param_hint="--score")


def _recipe(workspace: Workspace, name: str) -> LoadedRecipe | None:
    """Return the recipe of the benchmark, or None where there is none, as of one taken in."""
    from harness.cli.recipe_editors import known_editors
    from harness.dataset.recipe_file import load_recipe

    if not (workspace.recipes / f"{name}.toml").is_file():
        return None
    return load_recipe(name, workspace.recipes, known=known_editors())


def _rule_to_try(
    header: BenchmarkHeader, loaded: LoadedRecipe | None, settings: tuple[str, ...]
) -> AcceptanceRule | None:
    """Return what to try: the recipe's rule as it reads now with `settings`, if that is another.

    Where the scores are not those that the recipe asks for now, nobody can try its rule: who asks
    is refused by the report, who only looks at the scores is told.
    """
    from harness.benchmark.assessing.thresholds import why_to_build, with_thresholds
    from harness.records.acceptance import AcceptanceRule

    built_by = header.acceptance or AcceptanceRule()
    current = built_by if loaded is None else loaded.recipe.acceptance
    if settings:
        return with_thresholds(current, settings)
    if why := why_to_build(built_by, current):
        click.echo(
            f"{header.name} {why}, unlike its recipe now: these scores don't say what the recipe "
            f"would keep; `harness build-benchmark {header.name}` does, and finished edits are "
            "kept.",
            err=True,
        )
        return None
    return None if header.acceptance is None or current == built_by else current


def _apply(workspace: Workspace, name: str, loaded: LoadedRecipe | None) -> AppliedThresholds:
    from harness.benchmark.assessing.reapplying import reapply_thresholds
    from harness.errors import RecipeError

    if loaded is None:
        msg = (
            f"there is no recipe {name!r} in {workspace.recipes} whose thresholds could be applied"
        )
        raise RecipeError(msg, remedy="Put the recipe that it was built of there.")
    return reapply_thresholds(workspace.benchmark(name), loaded.recipe)


def _tell_of_lock(loaded: LoadedRecipe, applied: AppliedThresholds) -> None:
    """Say on stderr where the recipe's lock is of another benchmark now."""
    from harness.dataset.lock_file import read_lock

    lock = read_lock(loaded.lock_path)
    if lock is not None and lock.digest != applied.digest:
        name = loaded.recipe.name
        click.echo(
            f"{loaded.lock_path} is the lock of another benchmark ({lock.digest[:12]}…) and was "
            f"left as it is; `harness build-benchmark {name} --replace-lock` releases this one.",
            err=True,
        )
