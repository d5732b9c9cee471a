"""`harness evaluate`: runs a submission over a benchmark and stores its scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.limit_options import LIMIT_FIELDS, limit_options
from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, figure, format_option
from harness.cli.submission_choice import SubmissionChoice, prepare_target, submission_options
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget
    from harness.records.ranking import RankedSubmission
    from harness.records.run import RunRecord


@dataclass(frozen=True, kw_only=True)
class _Result:
    record: "RunRecord"
    reused: bool


@click.command("evaluate")
@click.argument("submission")
@click.option("--benchmark", default="mini", show_default=True, help="A built benchmark's name.")
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The results database.  [default: leaderboard/results.duckdb]",
)
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
    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.evaluation.evaluate import EvaluationPlaces, find_run
    from harness.sandbox.engine import connect

    workspace = Workspace(root=root)
    places = EvaluationPlaces(
        benchmark=BenchmarkFolder(workspace.benchmark(benchmark)),
        database=database or workspace.database,
        runs=workspace.leaderboard / "runs",
    )
    places.benchmark.header()
    choice = SubmissionChoice(
        submission=submission,
        weights_dir=weights_dir,
        base_image=base_image,
        limits={name: limits[name] for name in LIMIT_FIELDS},
    )
    client = connect()
    target = prepare_target(client, choice, workspace)
    known = None if again else find_run(target, places)
    if known is not None:
        click.echo(f"already run as {known.run_id}; --again runs it once more", err=True)
        result = _Result(record=known, reused=True)
    else:
        result = _Result(record=_run(client, target, places), reused=False)
    _echo(result, places, OutputFormat(output_format))
    _raise_failure(result.record)


def _run(
    client: "DockerClient", target: "EvaluationTarget", places: "EvaluationPlaces"
) -> "RunRecord":
    import secrets

    from harness.cli.progress import Progress
    from harness.evaluation.evaluate import evaluate
    from harness.evaluation.feed import scored_samples
    from harness.sandbox.docker_runner import DockerRunner
    from harness.sandbox.engine import describe
    from harness.sandbox.orphans import remove_orphans

    remove_orphans(client)
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


def _echo(result: _Result, places: "EvaluationPlaces", output_format: OutputFormat) -> None:
    from harness.records.run import RunStatus

    row = _board_row(result, places) if _is(result, RunStatus.COMPLETED) else None
    match output_format:
        case OutputFormat.JSON:
            run = result.record.model_dump(mode="json")
            scores = None if row is None else row.model_dump(mode="json")
            echo_json({"run": run, "reused": result.reused, "scores": scores})
        case OutputFormat.CSV if row is not None:
            echo_csv(("condition", "clean_miou", "edited_miou", "drop_pp"), _rows(row))
        case OutputFormat.TABLE if row is not None:
            title = f"{row.submission.title} · run {row.run_id}"
            echo_table(title, ("condition", "clean mIoU", "edited mIoU", "drop (pp)"), _rows(row))
        case _:
            pass


def _is(result: _Result, status: object) -> bool:
    return result.record.outcome.status is status


def _board_row(result: _Result, places: "EvaluationPlaces") -> "RankedSubmission | None":
    from harness.leaderboard.board import build_board
    from harness.store.database import ResultsStore

    with ResultsStore.open_read_only(places.database) as store:
        board = build_board(
            store, benchmark_digest=result.record.benchmark_digest, resamples=0, seed=0
        )
    rows = (*board.ranked, *board.unranked)
    return next((row for row in rows if row.run_id == result.record.run_id), None)


def _rows(row: "RankedSubmission") -> list[tuple[str, str, str, str]]:
    def cells(name: str, *figures: float | None) -> tuple[str, str, str, str]:
        clean, edited, drop = figures
        return (name, figure(clean, digits=4), figure(edited, digits=4), figure(drop, digits=2))

    rows = [cells("overall", row.clean_miou, row.edited_miou, row.drop_pp)]
    for attribute in row.attributes:
        name = attribute.attribute.value
        rows.append(cells(name, attribute.clean_miou, attribute.edited_miou, attribute.drop_pp))
        rows.extend(
            cells(f"{name}={v.value}", v.clean_miou, v.edited_miou, v.drop_pp)
            for v in attribute.values
        )
    return rows


def _raise_failure(record: "RunRecord") -> None:
    from harness.errors import RunInterruptedError, SubmissionFailedError
    from harness.records.run import RunStatus

    outcome = record.outcome
    match outcome.status:
        case RunStatus.COMPLETED:
            return
        case RunStatus.SUBMISSION_FAILED:
            reason = outcome.reason.value if outcome.reason else "failed"
            where = f" at sample {outcome.sample_id}" if outcome.sample_id else ""
            tail = outcome.log.rstrip()[-2000:]
            if tail:
                click.echo(f"--- the end of its log ---\n{tail}\n---", err=True)
            message = f"{record.submission.name} failed ({reason}{where}): {outcome.detail}"
            raise SubmissionFailedError(
                message,
                remedy=f"Run `harness check {record.submission.name}`; the whole log is in"
                f" leaderboard/runs/{record.run_id}/log.txt.",
            )
        case RunStatus.HARNESS_FAILED:
            message = f"run {record.run_id} could not be finished: {outcome.detail}"
            raise RunInterruptedError(message, remedy="It is safe to run it again.")
