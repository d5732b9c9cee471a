"""`harness evaluate`: runs a submission over a benchmark and stores its scores."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.limit_options import limit_options
from harness.cli.output import (
    OutputFormat,
    echo_csv,
    echo_json,
    echo_log_tail,
    echo_table,
    figure,
    format_option,
)
from harness.cli.results_options import database_option
from harness.cli.submission_choice import SubmissionChoice, prepare_target, submission_options
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget
    from harness.records.ranking import (
        AttributeScore,
        EvaluationReport,
        RankedSubmission,
        ValueScore,
    )
    from harness.records.run import RunRecord


@click.command("evaluate")
@click.argument("submission")
@click.option("--benchmark", default="mini", show_default=True, help="A built benchmark's name.")
@database_option
@click.option("--again", is_flag=True, help="Run even what has been run before.")
@submission_options
@limit_options
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    submission: str,
    benchmark: str,
    database: Path | None,
    again: bool,
    weights_dir: Path | None,
    base_image: str | None,
    output_format: str,
    **limits: Any,  # noqa: ANN401 - click hands the limit options over by name
) -> None:
    r"""Run SUBMISSION over a benchmark in an isolated container and store its scores.

    SUBMISSION is a name under submissions/, a folder with a submission.toml, or an image. The same
    benchmark, image and limits are not run twice, unless --again. Exits with 13 where the
    submission failed, which is stored and shown, and with 14 where the harness could not finish.

    \b
    Example:
      harness evaluate color-forest --benchmark mini
      harness evaluate ./my-model --benchmark camvid --weights-dir ~/weights --format json
    """
    from contextlib import closing

    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.evaluation.evaluate import EvaluationPlaces, reuse_run
    from harness.records.ranking import EvaluationReport
    from harness.sandbox.engine import connect

    workspace = Workspace(root=root)
    places = EvaluationPlaces(
        benchmark=BenchmarkFolder(workspace.benchmark(benchmark)),
        database=database or workspace.database,
        runs=workspace.leaderboard / "runs",
    )
    choice = SubmissionChoice(
        submission=submission,
        weights_dir=weights_dir,
        base_image=base_image,
        limits=limits,
        label_space=places.benchmark.header().label_space,
    )
    with closing(connect()) as client:
        target = prepare_target(client, choice, workspace)
        known = None if again else reuse_run(target, places)
        if known is not None:
            click.echo(f"already run as {known.run_id}; --again runs it once more", err=True)
        run = known or _run(client, target, places)
    report = EvaluationReport(run=run, reused=known is not None, scores=_scores(run, places))
    _echo(report, OutputFormat(output_format))
    _raise_failure(run, places)


def _run(
    client: "DockerClient", target: "EvaluationTarget", places: "EvaluationPlaces"
) -> "RunRecord":
    import secrets

    from harness.cli.progress import Progress
    from harness.evaluation.evaluate import evaluate
    from harness.evaluation.feed import scored_samples
    from harness.sandbox.docker_runner import DockerRunner
    from harness.sandbox.engine import describe

    total = len(scored_samples(places.benchmark))
    with Progress(f"evaluate {target.manifest.name}", total=total, unit="images") as progress:
        return evaluate(
            target,
            places,
            runner=DockerRunner(client),
            engine=describe(client).summary(),
            run_id=secrets.token_hex(6),
            on_scored=progress.advance,
        )


def _scores(run: "RunRecord", places: "EvaluationPlaces") -> "RankedSubmission | None":
    """Return the run's row of the board, or None where the board does not show this run."""
    from harness.leaderboard.board import build_board
    from harness.records.run import RunStatus
    from harness.store.database import ResultsStore

    if run.outcome.status is not RunStatus.COMPLETED:
        return None
    with ResultsStore.open_read_only(places.database) as store:
        board = build_board(store, benchmark_digest=run.benchmark_digest, resamples=0)
    rows = (*board.ranked, *board.unranked)
    return next((row for row in rows if row.run_id == run.run_id), None)


def _echo(report: "EvaluationReport", output_format: OutputFormat) -> None:
    row = report.scores
    match output_format:
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV if row is not None:
            echo_csv(("condition", "clean_miou", "edited_miou", "drop_pp"), _rows(row))
        case OutputFormat.TABLE if row is not None:
            title = f"{row.submission.title} · run {row.run_id}"
            echo_table(title, ("condition", "clean mIoU", "edited mIoU", "drop (pp)"), _rows(row))
        case _:
            pass


def _rows(row: "RankedSubmission") -> list[tuple[str, str, str, str]]:
    rows = [_cells("overall", row)]
    for attribute in row.attributes:
        name = attribute.attribute.value
        rows.append(_cells(name, attribute))
        rows.extend(_cells(f"{name}={value.value}", value) for value in attribute.values)
    return rows


def _cells(
    condition: str, score: "RankedSubmission | AttributeScore | ValueScore"
) -> tuple[str, str, str, str]:
    clean, edited = figure(score.clean_miou, digits=4), figure(score.edited_miou, digits=4)
    return (condition, clean, edited, figure(score.drop_pp, digits=2))


def _raise_failure(run: "RunRecord", places: "EvaluationPlaces") -> None:
    from harness.errors import RunInterruptedError, SubmissionFailedError
    from harness.evaluation.run_folder import LOG_NAME
    from harness.records.run import RunStatus

    outcome = run.outcome
    match outcome.status:
        case RunStatus.COMPLETED:
            return
        case RunStatus.SUBMISSION_FAILED:
            reason = outcome.reason.value if outcome.reason else "failed"
            where = f" at sample {outcome.sample_id}" if outcome.sample_id else ""
            echo_log_tail(outcome)
            message = f"{run.submission.name} failed ({reason}{where}): {outcome.detail}"
            raise SubmissionFailedError(
                message,
                remedy=f"Run `harness check {run.submission.name}`; the whole log is in"
                f" {places.runs / run.run_id / LOG_NAME}.",
            )
        case RunStatus.HARNESS_FAILED:
            message = f"run {run.run_id} could not be finished: {outcome.detail}"
            raise RunInterruptedError(message, remedy="It is safe to run it again.")
