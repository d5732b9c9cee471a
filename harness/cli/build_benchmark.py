"""`harness build-benchmark`: composes recipe, sources and editor; nothing of how they work."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from harness.cli.assessors import AssessmentOptions, assessment_options
from harness.cli.diffusion_place import DiffusionOptions, diffusion_options
from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, format_option
from harness.cli.source_options import scan_plan, source_option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.benchmark.build import BuildRequest
    from harness.benchmark.build_report import BuildReport
    from harness.cli.workspace import Workspace
    from harness.dataset.broken import BrokenReason
    from harness.dataset.selection import NoObject
    from harness.errors import HarnessError
    from harness.records.acceptance import RejectionReason
    from harness.records.editing import EditingCost
    from harness.records.manifest import VerificationReport


@click.command("build-benchmark")
@click.argument("recipe", default="mini")
@source_option
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    help="Processes; 0 works in this one. The result is the same.  [default: all processors; for "
    "the diffusion editor one a GPU]",
)
@click.option("--fresh", is_flag=True, help="Build everything again; keep nothing finished.")
@click.option("--write-lock", is_flag=True, help="Write the lock beside the recipe.")
@click.option("--replace-lock", is_flag=True, help="Replace the lock that is there.")
@diffusion_options
@assessment_options
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    recipe: str,
    source: Path | None,
    workers: int | None,
    fresh: bool,
    write_lock: bool,
    replace_lock: bool,
    output_format: str,
    **models: Any,  # noqa: ANN401 - the options of diffusion_options and assessment_options
) -> None:
    r"""Build the edited pairs of RECIPE: a recipe's name or its .toml file; without one, mini.

    Names are those of benchmark_data/recipes. A recipe's source.root is relative to its file;
    --source names another folder.

    Finished work is kept, so a build that was interrupted goes on where it was; what networks made
    on another kind of device, in another precision or of other weights is made again. Where the
    recipe has a lock, the build is held against it: another result is an error (exit code 3).

    \b
    Example:
      harness build-benchmark mini
      harness build-benchmark camvid --source ~/data/camvid --workers 8
      harness build-benchmark pascal-ea --source ~/data/VOCdevkit --model ~/weights/sd-2.1-base
      harness build-benchmark pascal-ea --source ~/data/VOCdevkit --model tiny
    """
    from harness.benchmark.build import build_benchmark, find_sources
    from harness.cli.workspace import Workspace

    said = _Said(source=source, workers=workers, fresh=fresh, models=models)
    request = _request(Workspace(root=root), recipe, said)
    writes_lock = write_lock or replace_lock
    if writes_lock and not replace_lock:
        _refuse_second_lock(request.loaded.lock_path)
    report = build_benchmark(request, find_sources(request))
    if writes_lock:
        _write_lock(request)
    match OutputFormat(output_format):
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(_HEADER, _rows(report))
        case OutputFormat.TABLE:
            _echo_report(report, folder=request.folder)
    if report.lock is not None and not report.lock.ok and not writes_lock:
        raise _not_the_locked_one(report.benchmark, report.lock)


@dataclass(frozen=True, kw_only=True)
class _Said:
    """The options that say how it is built."""

    source: Path | None
    workers: int | None
    fresh: bool
    models: Mapping[str, Any]

    def diffusion(self) -> DiffusionOptions:
        names = (field.name for field in fields(DiffusionOptions))
        return DiffusionOptions(**{name: self.models[name] for name in names})

    def assessment(self) -> AssessmentOptions:
        return AssessmentOptions.of(self.models, device=next(iter(self.models["device"]), None))


def _request(workspace: Workspace, recipe: str, said: _Said) -> BuildRequest:
    from harness.benchmark.build import BuildRequest
    from harness.cli.assessors import plan_assessors
    from harness.cli.frozen_prompts import read_frozen
    from harness.cli.progress import ProgressWatch
    from harness.cli.recipe_editors import plan_build

    plan = plan_build(workspace, recipe, workers=said.workers, options=said.diffusion())
    loaded = plan.loaded
    name = loaded.recipe.name
    return BuildRequest(
        loaded=loaded,
        source_root=said.source,
        folder=workspace.benchmark(name),
        editor_factory=plan.editor_factory,
        workers=plan.workers,
        threads=plan.threads,
        preflight=plan.preflight,
        scan=scan_plan(workspace, name, workers=said.workers),
        prompts=read_frozen(plan.written if loaded.recipe.prompts.file else loaded),
        assessors=plan_assessors(workspace, loaded, said.assessment()),
        watch=ProgressWatch(),
        fresh=said.fresh,
    )


_HEADER = ("attribute", "value", "accepted", "rejected", "not made")


def _refuse_second_lock(path: Path) -> None:
    from harness.errors import BenchmarkError

    if path.exists():
        msg = f"there is a lock already: {path}"
        remedy = "Build against it, or say --replace-lock to release other pixels."
        raise BenchmarkError(msg, remedy=remedy)


def _write_lock(request: BuildRequest) -> None:
    from harness.benchmark.build import write_lock

    write_lock(request)
    click.echo(f"lock written: {request.loaded.lock_path}", err=True)


def _echo_report(report: BuildReport, *, folder: Path) -> None:
    counts = report.counts
    echo_table(f"{report.benchmark}: what became of each edit", _HEADER, _rows(report))
    kept = f", {counts.kept_sources} were finished before" if counts.kept_sources else ""
    click.echo(
        f"{counts.samples} samples of {counts.sources} sources in {report.seconds:.1f} s{kept}"
    )
    if counts.without_object:
        click.echo(f"sources with global edits only: {_reasons(counts.without_object)}")
    if counts.left_out:
        click.echo(f"source images left out: {_reasons(counts.left_out)}")
    if counts.broken:
        click.echo(f"source images that can't be used: {_reasons(counts.broken)}")
    if report.cost is not None:
        click.echo(_cost_line(report.cost))
    click.echo(f"digest {report.digest}")
    click.echo(f"folder {folder}")
    if report.lock is not None:
        click.echo(_lock_line(report.lock))


def _cost_line(cost: EditingCost) -> str:
    passes = cost.passes
    return (
        f"{cost.passes_per_edit:.1f} UNet passes and {cost.seconds_per_edit:.2f} s an edit, over "
        f"{cost.edits} edits: {passes.inversion} passes of inversion, {passes.sampling} of "
        f"sampling, {passes.guidance} forward and backward of guidance"
    )


def _rows(report: BuildReport) -> list[tuple[str, ...]]:
    return [
        (
            value.edit.attribute.value,
            value.edit.value,
            str(value.accepted),
            _reasons(value.rejected),
            _reasons(value.not_made),
        )
        for value in report.counts.values
    ]


def _reasons(
    counted: Mapping[RejectionReason, int] | Mapping[NoObject, int] | Mapping[BrokenReason, int],
) -> str:
    return ", ".join(f"{count} {reason.value}" for reason, count in counted.items())


def _lock_line(lock: VerificationReport) -> str:
    parts = [f"{lock.identical} identical"]
    if lock.equivalent:
        parts.append(f"{lock.equivalent} equivalent")
    if lock.findings:
        parts.append(f"{len(lock.findings)} not as promised")
    return f"against the lock: {', '.join(parts)}"


def _not_the_locked_one(name: str, lock: VerificationReport) -> HarnessError:
    from harness.errors import VerificationError

    first = lock.findings[0]
    return VerificationError(
        f"{name} is not the locked one: {len(lock.findings)} findings, the first: "
        f"{first.subject}: {first.detail}",
        remedy=f"`harness verify {name}` lists them all; after a wanted change of the editor or "
        "the recipe, release it with --replace-lock.",
    )
