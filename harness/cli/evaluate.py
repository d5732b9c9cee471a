"""`harness evaluate`: runs a submission over a benchmark and stores its scores."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.engine_options import engine_options, open_engine
from harness.cli.limit_options import LIMIT_NAMES, limit_options
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
from harness.cli.worker_options import worker_options
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.cli.interrupts import Interrupts
    from harness.cli.worker_options import RunnerChoice
    from harness.evaluation.target import EvaluationOptions, EvaluationPlaces, EvaluationTarget
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
@click.option("--fresh", is_flag=True, help="Throw away what an unfinished run has predicted.")
@click.option(
    "--keep-predictions/--no-keep-predictions",
    default=True,
    show_default=True,
    help="Keep the predictions in the run's folder, for `harness rescore`.",
)
@submission_options
@limit_options
@worker_options
@engine_options
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
    fresh: bool,
    keep_predictions: bool,
    workers: int,
    gpu_ids: tuple[str, ...],
    allow_unenforced: tuple[str, ...],
    output_format: str,
    **given: Any,  # noqa: ANN401 - click hands the options of submissions and limits over by name
) -> None:
    r"""Run SUBMISSION over a benchmark in an isolated container and store its scores.

    SUBMISSION is a name under submissions/, a folder with a submission.toml, or an image. The same
    benchmark, image and limits are not run twice, unless --again. A run that was cut off, by Ctrl-C
    or by anything else, goes on where it was when the same command is given again. With --workers,
    several containers share the images, unless the submission says `stateless = false`; several
    evaluations of different submissions may also run at once. Exits with 13 where the submission
    failed, which is stored and shown, with 14 where the harness could not finish, and with 130
    after Ctrl-C.

    \b
    Example:
      harness evaluate color-forest --benchmark mini
      harness evaluate ./my-model --benchmark camvid --weights-dir ~/weights --format json
      harness evaluate mini-unet --workers 4 --gpus 1 --gpu-ids 0,1,2,3
    """
    from contextlib import closing

    from harness.cli.interrupts import interruptible
    from harness.cli.worker_options import RunnerChoice
    from harness.evaluation.target import EvaluationOptions

    workspace = Workspace(root=root)
    places = _places(workspace, benchmark, database)
    limits = {name: given.pop(name) for name in LIMIT_NAMES}
    choice = SubmissionChoice(
        submission=submission,
        limits=limits,
        label_space=places.benchmark.header().label_space,
        workers=workers,
        gpu_ids=gpu_ids,
        **given,
    )
    how = RunnerChoice(workers=workers, gpu_ids=gpu_ids, allow_unenforced=allow_unenforced)
    options = EvaluationOptions(
        again=again, fresh=fresh, keep_predictions=keep_predictions, workers=workers
    )
    with interruptible() as interrupts, closing(open_engine(allow_unenforced)) as client:
        target = prepare_target(client, choice, workspace)
        report = _report(client, target, places, how=how, options=options, interrupts=interrupts)
    _echo(report, OutputFormat(output_format))
    _raise_failure(report.run, places)


def _places(workspace: Workspace, benchmark: str, database: Path | None) -> "EvaluationPlaces":
    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.evaluation.target import EvaluationPlaces

    return EvaluationPlaces(
        benchmark=BenchmarkFolder(workspace.benchmark(benchmark)),
        database=database or workspace.database,
        runs=workspace.leaderboard / "runs",
    )


def _report(
    client: "DockerClient",
    target: "EvaluationTarget",
    places: "EvaluationPlaces",
    *,
    how: "RunnerChoice",
    options: "EvaluationOptions",
    interrupts: "Interrupts",
) -> "EvaluationReport":
    """Return the run of the same key that is known, or else a new one, with its scores."""
    from harness.evaluation.evaluate import reuse_run
    from harness.records.ranking import EvaluationReport

    known = None
    if not options.again:
        known = reuse_run(target, places, waived=how.allow_unenforced, on_note=_note)
    if known is not None:
        click.echo(f"already run as {known.run_id}; --again runs it once more", err=True)
    run = known or _run(client, target, places, how=how, options=options, interrupts=interrupts)
    return EvaluationReport(run=run, reused=known is not None, scores=_scores(run, places))


def _run(
    client: "DockerClient",
    target: "EvaluationTarget",
    places: "EvaluationPlaces",
    *,
    how: "RunnerChoice",
    options: "EvaluationOptions",
    interrupts: "Interrupts",
) -> "RunRecord":
    import secrets
    from dataclasses import replace

    from harness.cli.interrupts import StoppableRunner
    from harness.cli.progress import Progress
    from harness.cli.worker_options import make_runner
    from harness.evaluation.evaluate import evaluate
    from harness.evaluation.feed import scored_samples
    from harness.sandbox.engine import describe

    machine, total = describe(client), len(scored_samples(places.benchmark))
    salt = places.benchmark.header().digest
    runner = make_runner(client, target, machine, how=how, samples=total, salt=salt)
    with Progress(f"evaluate {target.manifest.name}", total=total, unit="images") as progress:
        return evaluate(
            target,
            places,
            runner=StoppableRunner(runner, interrupts),
            engine=machine.summary(),
            run_id=secrets.token_hex(6),
            on_scored=progress.advance,
            on_note=_note,
            options=replace(options, waived=how.allow_unenforced),
        )


def _note(note: str) -> None:
    click.echo(note, err=True)


def _scores(run: "RunRecord", places: "EvaluationPlaces") -> "RankedSubmission | None":
    """Return the run's row of the board, or None where the board does not show this run."""
    from harness.leaderboard.board import build_board
    from harness.records.run import RunStatus
    from harness.store.reader import ResultsReader

    if run.outcome.status is not RunStatus.COMPLETED:
        return None
    store = ResultsReader(places.database)
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
            raise SubmissionFailedError(message, remedy=_remedy(run, places))
        case RunStatus.HARNESS_FAILED:
            message = f"run {run.run_id} could not be finished: {outcome.detail}"
            raise RunInterruptedError(message, remedy="It is safe to run it again.")


def _remedy(run: "RunRecord", places: "EvaluationPlaces") -> str:
    """Return the first thing to try of a failed run, and where the rest is told."""
    from harness.evaluation.run_folder import LOG_NAME
    from harness.records.advice import advise

    advice = advise(run, benchmark=places.benchmark.header().name)
    first = f"{advice.tries[0]} " if advice is not None else ""
    return (
        f"{first}`harness runs show {run.run_id}` tells more, `harness check {run.submission.name}`"
        f" tries three images; the whole log is in {places.runs / run.run_id / LOG_NAME}."
    )
