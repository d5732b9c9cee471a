"""The list of runs: which are asked for, and how they are printed; nothing of a single one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import UNDEFINED, OutputFormat, echo_csv, echo_json, echo_table
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from harness.records.run_account import RunListing, RunSummary, UnfinishedSummary

UNFINISHED = "unfinished"
"""The status of what was cut off and waits for being resumed."""


@dataclass(frozen=True, kw_only=True)
class RunQuestion:
    """Which runs are asked for; None for any."""

    benchmark: str | None
    """The benchmark's name."""
    submission: str | None
    """The submission's name."""
    status: str | None
    """How they ended, or `unfinished`."""
    limit: int
    """The most that are listed of those that ended."""

    def fits(self, run: "UnfinishedSummary") -> bool:
        """Return whether an unfinished run is one of them."""
        benchmark = self.benchmark in (None, run.benchmark)
        return benchmark and self.submission in (None, run.submission)


_HEADER = (
    *("run", "submission", "benchmark", "status", "reason", "predictions", "took", "finished"),
    *("parts", "workers"),
)
_UNFINISHED_HEADER = (
    *("run", "submission", "benchmark", "predictions", "took", "started", "parts", "what next"),
)
_CSV_HEADER = (
    *("run_id", "submission", "benchmark", "status", "reason", "sample_id", "predictions"),
    *("seconds", "started_at", "finished_at", "parts", "workers", "rescored_from"),
    "predictions_kept",
)


def list_runs(
    question: RunQuestion, *, workspace: Workspace, database: Path | None
) -> "RunListing":
    """Return the stored runs that are asked for, the one that ended last first.

    Raises:
        BenchmarkError: No stored benchmark has that name.
        DatabaseError: There is no results database, or it can't be read.
        DatabaseBusyError: Another process is writing it.
    """
    from harness.cli.benchmark_choice import no_results
    from harness.evaluation.unfinished_listing import list_unfinished
    from harness.records.run import RunStatus
    from harness.records.run_account import RunListing, summary_of
    from harness.store.database import ResultsStore
    from harness.store.run_search import RunFilter

    only_unfinished = question.status == UNFINISHED
    status = RunStatus(question.status) if question.status and not only_unfinished else None
    wanted = RunFilter(benchmark=question.benchmark, submission=question.submission, status=status)
    place = database or workspace.database
    with ResultsStore.open_read_only(place) as store:
        stored = store.benchmarks()
        names = {header.digest: header.name for header in stored}
        if question.benchmark is not None and question.benchmark not in names.values():
            raise no_results(question.benchmark, stored)
        runs = () if only_unfinished else store.latest_runs(wanted, limit=question.limit)
        count = 0 if only_unfinished else store.count_runs(wanted)
    unfinished = () if status else list_unfinished(workspace.runs, benchmarks=names)
    return RunListing(
        unfinished=_not_ended([run for run in unfinished if question.fits(run)], place),
        stored=count,
        runs=tuple(summary_of(run, benchmark=names[run.benchmark_digest]) for run in runs),
    )


def _not_ended(
    runs: "Sequence[UnfinishedSummary]", database: Path
) -> "tuple[UnfinishedSummary, ...]":
    """Return those whose end is not stored: of others only the harness was killed too early."""
    from harness.records.run import RunStatus
    from harness.store.database import ResultsStore

    if not runs:
        return ()
    with ResultsStore.open_read_only(database) as store:
        stored = [store.run(run.run_id) for run in runs]
    return tuple(
        run
        for run, found in zip(runs, stored, strict=True)
        if found is None or found.outcome.status is RunStatus.HARNESS_FAILED
    )


def echo_listing(listing: "RunListing", output_format: OutputFormat) -> None:
    """Print the list; the table also says what is left out, and how to see one run."""
    match output_format:
        case OutputFormat.JSON:
            echo_json(listing.model_dump(mode="json"))
        case OutputFormat.CSV:
            rows = [_unfinished_csv_cells(run) for run in listing.unfinished]
            echo_csv(_CSV_HEADER, [*rows, *(_csv_cells(run) for run in listing.runs)])
        case OutputFormat.TABLE:
            _echo_table(listing)


def _echo_table(listing: "RunListing") -> None:
    if listing.unfinished:
        rows = [_unfinished_cells(run) for run in listing.unfinished]
        echo_table("Unfinished", _UNFINISHED_HEADER, rows)
    if not listing.runs:
        if not listing.unfinished:
            click.echo("No run fits; `harness evaluate SUBMISSION` makes one.")
        return
    echo_table("Runs", _HEADER, [_cells(run) for run in listing.runs])
    left_out = listing.stored - len(listing.runs)
    if left_out > 0:
        click.echo(f"{left_out} older ones are left out; --limit {listing.stored} lists all.")
    click.echo("`harness runs show RUN` tells all of one.")


def _cells(run: "RunSummary") -> list[str]:
    from harness.records.run_account import duration

    where = f" at {run.sample_id}" if run.sample_id else ""
    return [
        run.run_id,
        run.submission,
        run.benchmark,
        run.status.value,
        f"{run.reason.value}{where}" if run.reason else UNDEFINED,
        f"{run.predictions:,}",
        duration(run.seconds),
        moment(run.finished_at),
        str(run.parts),
        UNDEFINED if run.rescored_from else str(run.workers),
    ]


def _unfinished_cells(run: "UnfinishedSummary") -> list[str]:
    from harness.records.run_account import duration

    return [
        run.run_id,
        run.submission,
        run.benchmark or run.benchmark_digest[:12],
        f"{run.predictions:,}",
        duration(run.seconds),
        UNDEFINED if run.started_at is None else moment(run.started_at),
        str(run.parts),
        _what_next(run),
    ]


def _what_next(run: "UnfinishedSummary") -> str:
    if run.at_work:
        return "a harness works on it now"
    how = "goes on with it" if run.resumable else "begins it anew: it is not stateless"
    option = " with --again" if run.forced else ""
    return f"{run.ending or 'cut off'}; evaluating it again{option} {how}"


def _unfinished_csv_cells(run: "UnfinishedSummary") -> Sequence[str]:
    started = "" if run.started_at is None else run.started_at.isoformat()
    return [
        *(run.run_id, run.submission, run.benchmark or "", UNFINISHED, "", ""),
        *(str(run.predictions), str(run.seconds), started, "", str(run.parts), "", "", "yes"),
    ]


def _csv_cells(run: "RunSummary") -> Sequence[str]:
    return [
        *(run.run_id, run.submission, run.benchmark, run.status.value),
        run.reason.value if run.reason else "",
        *(run.sample_id or "", str(run.predictions), str(run.seconds)),
        *(run.started_at.isoformat(), run.finished_at.isoformat()),
        *(str(run.parts), str(run.workers), run.rescored_from or ""),
        "yes" if run.predictions_kept else "no",
    ]


def moment(when: "datetime") -> str:
    """Return a time as tables show it."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
