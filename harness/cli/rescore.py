"""`harness rescore`: scores the kept predictions of a run anew, without any container."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import (
    UNDEFINED,
    OutputFormat,
    echo_csv,
    echo_json,
    echo_table,
    figure,
    format_option,
)
from harness.cli.results_options import database_option
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from harness.evaluation.rescore import Rescoring
    from harness.records.ranking import AttributeScore, RankedSubmission, ValueScore
    from harness.records.run import RunRecord
    from harness.records.run_account import RescoreReport
    from harness.records.submission import SubmissionManifest

_HEADER = (
    *("condition", "clean mIoU before", "clean mIoU", "edited mIoU before", "edited mIoU"),
    *("drop before (pp)", "drop (pp)"),
)
_CSV_HEADER = (
    *("condition", "clean_miou_before", "clean_miou", "edited_miou_before", "edited_miou"),
    *("drop_pp_before", "drop_pp"),
)


@click.command("rescore")
@click.argument("run")
@click.option(
    "--submission",
    help="Take what the submission says of itself from this folder or name under submissions/, as"
    " where its class map was corrected.  [default: as stored with the run]",
)
@database_option
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    run: str,
    submission: str | None,
    database: Path | None,
    output_format: str,
) -> None:
    r"""Score the kept predictions of RUN anew with this harness and the benchmark as built here.

    RUN is a completed run's id or the beginning of it. Nothing is predicted again, and no container
    runs. Where every count is the stored one and the submission reads the same, nothing is written.
    Otherwise another run is stored that keeps the same predictions, and counts on the board from
    now on; the former one stays.

    \b
    Example:
      harness rescore 3f9a
      harness rescore 3f9a --submission ./my-model
    """
    from harness.cli.run_choice import benchmark_of, choose_run
    from harness.records.run_account import RescoreReport
    from harness.store.database import ResultsStore

    workspace = Workspace(root=root)
    place = database or workspace.database
    with ResultsStore.open_read_only(place) as store:
        stored = choose_run(store, run, runs=workspace.runs)
        benchmark = benchmark_of(store, stored).name
    manifest = _manifest(submission, stored, workspace)
    done = _rescore(stored, manifest, benchmark, workspace=workspace, database=place)
    before, after = _rows(stored, done, database=place)
    report = RescoreReport(
        run=done.run,
        rescored_from=stored.run_id,
        identical=done.identical,
        samples=done.samples,
        changed_samples=done.changed_samples,
        before=before,
        after=after,
    )
    _echo(report, OutputFormat(output_format))


def _manifest(
    submission: str | None, run: "RunRecord", workspace: Workspace
) -> "SubmissionManifest":
    """Return what the submission says of itself: as stored, or in the folder that is named.

    Raises:
        SubmissionError: There is no such folder, or it is another submission's.
    """
    from harness.cli.submission_choice import find_folder
    from harness.errors import SubmissionError
    from harness.sandbox.submission_folder import load_submission

    if submission is None:
        return run.submission
    folder = find_folder(submission, workspace)
    if folder is None:
        msg = f"{submission!r} is an image, whose submission is the one of the run"
        raise SubmissionError(msg, remedy="Name a folder with a submission.toml, or leave it out.")
    manifest = load_submission(folder).manifest
    if manifest.name != run.submission.name:
        msg = f"run {run.run_id} is of {run.submission.name!r}, not of {manifest.name!r}"
        raise SubmissionError(msg, remedy=f"Name the folder of {run.submission.name!r}.")
    return manifest


def _rescore(
    run: "RunRecord",
    manifest: "SubmissionManifest",
    benchmark: str,
    *,
    workspace: Workspace,
    database: Path,
) -> "Rescoring":
    import secrets

    from harness.cli.progress import Progress
    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.evaluation.rescore import rescore
    from harness.evaluation.target import EvaluationPlaces

    places = EvaluationPlaces(
        benchmark=BenchmarkFolder(workspace.benchmark(benchmark)),
        database=database,
        runs=workspace.runs,
    )
    label = f"rescore {run.submission.name}"
    with Progress(label, total=run.outcome.predictions, unit="images") as progress:
        return rescore(
            run,
            places,
            manifest=manifest,
            run_id=secrets.token_hex(6),
            on_scored=progress.advance,
        )


def _rows(
    stored: "RunRecord", done: "Rescoring", *, database: Path
) -> "tuple[RankedSubmission | None, RankedSubmission]":
    """Return the scores before and now; none before where those counts are not whole."""
    from harness.leaderboard.board import run_row
    from harness.store.database import ResultsStore

    with ResultsStore.open_read_only(database) as store:
        whole = stored.run_id not in store.unpaired_runs(stored.benchmark_digest)
        before = run_row(store, stored) if whole else None
        return before, run_row(store, done.run)


def _echo(report: "RescoreReport", output_format: OutputFormat) -> None:
    match output_format:
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(_CSV_HEADER, _cells(report))
        case OutputFormat.TABLE:
            if not report.identical:
                title = f"{report.after.submission.title} · run {report.run.run_id}"
                echo_table(title, _HEADER, _cells(report))
            click.echo(_summary(report))


def _summary(report: "RescoreReport") -> str:
    of = f"the {report.samples:,} predictions of run {report.rescored_from}"
    if report.identical:
        return f"identical: {of} have the stored counts; nothing was written"
    stored = f"stored as run {report.run.run_id}, which counts on the board from now on"
    if not report.changed_samples:
        return f"{of} have the stored counts, and the submission reads otherwise now: {stored}"
    return f"{report.changed_samples:,} of {of} count otherwise: {stored}"


def _cells(report: "RescoreReport") -> list[list[str]]:
    before = [] if report.before is None else _conditions(report.before)
    former = dict(before)
    rows = []
    for name, now in _conditions(report.after):
        was = former.get(name, (UNDEFINED, UNDEFINED, UNDEFINED))
        rows.append([name, *(cell for pair in zip(was, now, strict=True) for cell in pair)])
    return rows


def _conditions(row: "RankedSubmission") -> "list[tuple[str, tuple[str, str, str]]]":
    """Return clean mIoU, edited mIoU and drop of the whole, of each attribute and value."""
    rows = [("overall", _figures(row))]
    for attribute in row.attributes:
        name = attribute.attribute.value
        rows.append((name, _figures(attribute)))
        rows.extend((f"{name}={value.value}", _figures(value)) for value in attribute.values)
    return rows


def _figures(score: "RankedSubmission | AttributeScore | ValueScore") -> tuple[str, str, str]:
    clean, edited = figure(score.clean_miou, digits=4), figure(score.edited_miou, digits=4)
    return (clean, edited, figure(score.drop_pp, digits=2))
