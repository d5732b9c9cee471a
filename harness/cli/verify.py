"""`harness verify`: holds a built benchmark against its manifest, recipe and lock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, format_option

if TYPE_CHECKING:
    from harness.benchmark.verify import Promise
    from harness.cli.workspace import Workspace
    from harness.errors import HarnessError
    from harness.records.manifest import VerificationReport


@click.command("verify")
@click.argument("name")
@click.option(
    "--lock",
    "lock_path",
    type=click.Path(path_type=Path),
    help="Another lock than the one beside the recipe.",
)
@format_option
@click.pass_obj
def command(root: Path, /, *, name: str, lock_path: Path | None, output_format: str) -> None:
    r"""Prove that the benchmark NAME on disk is the promised one.

    Every file's bytes and decoded pixels are held against the manifest, the manifest against its
    header, the recipe and the lock. What differs, is missing or is extra is named, and the exit
    code is 3.

    \b
    Example:
      harness verify mini
      harness verify mini --format json
    """
    from harness.benchmark.verify import verify_benchmark
    from harness.cli.workspace import Workspace
    from harness.distribution.local import processors

    workspace = Workspace(root=root)
    promise = _promise(workspace, name, lock_path)
    report = verify_benchmark(workspace.benchmark(name), promise, threads=processors())
    match OutputFormat(output_format):
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(_HEADER, _rows(report))
        case OutputFormat.TABLE:
            _echo_report(report)
    if not report.ok:
        raise _failure(report, has_recipe=promise.recipe is not None)


_HEADER = ("subject", "verdict", "detail")


def _promise(workspace: Workspace, name: str, lock_path: Path | None) -> Promise:
    from harness.benchmark.verify import Promise
    from harness.cli.recipe_editors import known_editors
    from harness.dataset.lock_file import read_lock
    from harness.dataset.recipe_file import load_recipe
    from harness.errors import BenchmarkError

    recipe_path = workspace.recipes / f"{name}.toml"
    recipe = None
    if recipe_path.is_file():
        recipe = load_recipe(name, workspace.recipes, known=known_editors()).recipe
    lock = read_lock(lock_path or workspace.recipes / f"{name}.lock.json")
    if lock is None and lock_path is not None:
        msg = f"there is no lock {lock_path}"
        raise BenchmarkError(msg, remedy="Check the path.")
    if lock is not None and lock.benchmark != name:
        msg = f"the lock is of {lock.benchmark!r}, not of {name!r}"
        raise BenchmarkError(msg, remedy="Name the right lock.")
    return Promise(recipe=recipe, lock=lock)


def _rows(report: VerificationReport) -> list[tuple[str, str, str]]:
    return [(f.subject, f.verdict.value, f.detail) for f in report.findings]


def _echo_report(report: VerificationReport) -> None:
    if not report.ok:
        echo_table(f"{report.benchmark}: not as promised", _HEADER, _rows(report))
        return
    against = "the lock" if report.locked else "the manifest; there is no lock"
    if report.equivalent:
        sameness = f"{report.identical} identical, {report.equivalent} equivalent"
    else:
        sameness = "all identical"
    click.echo(f"{report.benchmark}: {report.samples} samples, {sameness} (against {against})")
    click.echo(f"digest {report.digest}")


def _failure(report: VerificationReport, *, has_recipe: bool) -> HarnessError:
    from harness.benchmark.remedy import remedy_for
    from harness.errors import VerificationError

    subjects = list(dict.fromkeys(finding.subject for finding in report.findings))
    shown = ", ".join(subjects[:5])
    more = f" and {len(subjects) - 5} more" if len(subjects) > 5 else ""
    return VerificationError(
        f"{report.benchmark} is not the promised benchmark: {shown}{more}",
        remedy=remedy_for(report, has_recipe=has_recipe),
    )
