"""The board of a benchmark: who is ranked, where, and why the others are not; no pixels of it."""

import numpy as np

from harness.errors import BenchmarkError
from harness.leaderboard.design import ScoredBenchmark
from harness.leaderboard.scoring import Place, ScoredRun, board_row, score_run
from harness.metrics.bootstrap import DEFAULT_RESAMPLES
from harness.metrics.iou import Floats
from harness.metrics.ranks import RankInterval, pareto_front, rank_intervals, ranks_ascending
from harness.records.manifest import BenchmarkHeader
from harness.records.ranking import Board, FailedRun, RankedSubmission
from harness.records.run import RunRecord, RunStatus
from harness.store.database import UNPAIRED, ResultsStore
from harness.store.reader import ResultsReader


def build_board(
    store: ResultsStore | ResultsReader,
    *,
    benchmark_digest: str,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
) -> Board:
    """Return the board of the benchmark with this digest.

    Each submission is judged by the completed run that was asked for last. Those that reach the
    qualifying clean mIoU are ranked by overall drop; the others are listed, as are submissions
    without a completed run, or with none that has all its counts.

    Args:
        store: The results; a reader keeps nobody from writing while runs are resampled.
        benchmark_digest: The benchmark.
        resamples: The number of bootstrap resamples behind the intervals; 0 for no intervals.
        seed: The bootstrap's seed.

    Raises:
        BenchmarkError: No benchmark of this digest is stored.
    """
    benchmark = _scored_benchmark(store, benchmark_digest)
    runs, unpaired = store.runs(benchmark_digest), store.unpaired_runs(benchmark_digest)
    latest = _latest_completed(runs, leaving_out=unpaired)
    scored = [
        score_run(
            run,
            benchmark.counts(store.counts([run.run_id]), store.paired_counts([run.run_id])),
            benchmark,
            resamples=resamples,
            seed=seed,
        )
        for run in latest
    ]
    qualified = [s for s in scored if _reaches(s, benchmark.header.qualifying_miou)]
    others = [s for s in scored if not _reaches(s, benchmark.header.qualifying_miou)]
    ranked = [
        board_row(s, benchmark, place)
        for s, place in zip(qualified, _places(qualified), strict=True)
    ]
    return Board(
        benchmark=benchmark.header,
        sources=benchmark.design.sources.size,
        edits=benchmark.edits,
        rejected=benchmark.rejected,
        resamples=resamples,
        seed=seed,
        ranked=tuple(sorted(ranked, key=_by_rank)),
        unranked=tuple(
            sorted((board_row(s, benchmark, Place()) for s in others), key=_by_clean_miou)
        ),
        failed=tuple(
            _unpaired_run(run, benchmark.header) if run.run_id in unpaired else _failed_run(run)
            for run in _latest_others(runs, {run.submission.name for run in latest})
        ),
    )


def run_row(store: ResultsStore, run: RunRecord) -> RankedSubmission:
    """Return the figures of a completed run by themselves: no intervals, no rank.

    Raises:
        BenchmarkError: Its benchmark is not stored.
    """
    benchmark = _scored_benchmark(store, run.benchmark_digest)
    counts = benchmark.counts(store.counts([run.run_id]), store.paired_counts([run.run_id]))
    scored = score_run(run, counts, benchmark, resamples=0, seed=0)
    reaches = _reaches(scored, benchmark.header.qualifying_miou)
    return board_row(scored, benchmark, Place(qualified=reaches))


def _scored_benchmark(store: ResultsStore | ResultsReader, digest: str) -> ScoredBenchmark:
    header = next((h for h in store.benchmarks() if h.digest == digest), None)
    if header is None:
        msg = f"no results of benchmark {digest[:12]} are stored"
        raise BenchmarkError(
            msg,
            remedy="Run `harness evaluate SUBMISSION --benchmark NAME` first.",
        )
    return ScoredBenchmark.of(header, store.samples(digest))


def _latest_completed(
    runs: tuple[RunRecord, ...], *, leaving_out: frozenset[str]
) -> list[RunRecord]:
    """Return each submission's completed run that was asked for last, by name."""
    completed = (run for run in runs if run.outcome.status is RunStatus.COMPLETED)
    latest = {run.submission.name: run for run in completed if run.run_id not in leaving_out}
    return [latest[name] for name in sorted(latest)]


def _latest_others(runs: tuple[RunRecord, ...], shown: set[str]) -> list[RunRecord]:
    """Return the latest run of each submission that is not `shown`, by name."""
    latest = {run.submission.name: run for run in runs if run.submission.name not in shown}
    return [latest[name] for name in sorted(latest)]


def _reaches(scored: ScoredRun, qualifying_miou: float) -> bool:
    # An undefined clean mIoU is NaN here and reaches nothing.
    return bool(scored.drawn.clean[0] >= qualifying_miou)


def _places(qualified: list[ScoredRun]) -> list[Place]:
    """Return the place of each qualified submission among them, in their order."""
    if not qualified:
        return []
    clean = np.array([s.drawn.clean[0] for s in qualified])
    drops = np.array([s.drawn.overall.drop[0] for s in qualified])
    intervals = rank_intervals(np.stack([s.resampled.overall.drop for s in qualified]))
    by_attribute = {
        attribute: _ranks(np.array([s.drawn.attributes[attribute].drop[0] for s in qualified]))
        for attribute in qualified[0].drawn.attributes
    }
    return [
        Place(
            qualified=True,
            rank=rank,
            rank_interval=_ends(interval) if rank is not None else None,
            pareto=bool(on_front),
            attribute_ranks={name: ranks[row] for name, ranks in by_attribute.items()},
        )
        for row, (rank, interval, on_front) in enumerate(
            zip(_ranks(drops), intervals, pareto_front(clean, drops), strict=True)
        )
    ]


def _ranks(drops: Floats) -> list[int | None]:
    # Ranks are taken of percentage points, in which the views round as well.
    return [rank or None for rank in ranks_ascending(100 * drops).tolist()]


def _ends(interval: RankInterval | None) -> tuple[int, int] | None:
    return None if interval is None else (interval.best, interval.worst)


def _by_rank(row: RankedSubmission) -> tuple[bool, int, str]:
    return (row.rank is None, row.rank or 0, row.submission.name)


def _by_clean_miou(row: RankedSubmission) -> tuple[bool, float, str]:
    return (row.clean_miou is None, -(row.clean_miou or 0.0), row.submission.name)


def _failed_run(run: RunRecord) -> FailedRun:
    outcome = run.outcome
    return FailedRun(
        run_id=run.run_id,
        submission=run.submission,
        status=outcome.status,
        reason=outcome.reason,
        sample_id=outcome.sample_id,
        detail=outcome.detail,
        log_tail=outcome.log_tail,
        finished_at=run.finished_at,
    )


def _unpaired_run(run: RunRecord, header: BenchmarkHeader) -> FailedRun:
    command = f"harness evaluate {run.submission.name} --benchmark {header.name}"
    detail = f"It is to be run again, by `{command}`: {UNPAIRED}."
    return _failed_run(run).model_copy(update={"detail": detail})
