"""One evaluation from the key to the stored run; nothing of containers or SQL."""

import logging
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness import __version__
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import (
    BenchmarkError,
    EngineError,
    HarnessError,
    RunInterruptedError,
    SourceDataError,
)
from harness.evaluation.class_map import own_label_space, prediction_table
from harness.evaluation.feed import scored_samples, stream_samples
from harness.evaluation.run_folder import write_run_folder
from harness.evaluation.scoring import RejectedSampleError, Scorer
from harness.records.manifest import BenchmarkHeader, Sample
from harness.records.run import (
    ClassCounts,
    FailureReason,
    LimitSource,
    RunOutcome,
    RunRecord,
    RunStatus,
)
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.sandbox.runner import SubmissionRunner
from harness.store.database import UNPAIRED, ResultsStore

_LOG = logging.getLogger(__name__)

OUR_FAULTS = (BenchmarkError, EngineError, RunInterruptedError, SourceDataError)
"""What ends a run without being the submission's doing."""
STORING_PATIENCE_SECONDS = 300.0
"""How long a finished run waits for another process to leave the database: it cost too much."""


@dataclass(frozen=True, kw_only=True)
class EvaluationTarget:
    """What is evaluated."""

    manifest: SubmissionManifest
    """What the submission says of itself."""
    image_digest: str
    """The content digest of its image."""
    limits: ContainerLimits
    """The walls it runs behind."""
    limit_sources: Mapping[str, LimitSource] = field(default_factory=dict)
    """Who set each limit; those left out are defaults."""


@dataclass(frozen=True, kw_only=True)
class EvaluationPlaces:
    """Where an evaluation reads and writes."""

    benchmark: BenchmarkFolder
    """The built benchmark."""
    database: Path
    """The results database."""
    runs: Path
    """The folder of the runs' records."""


def reuse_run(target: EvaluationTarget, places: EvaluationPlaces) -> RunRecord | None:
    """Return the completed run of the same key, which counts on the board from now on, or None.

    A submission that has come back to an earlier image is judged by that image again. One whose
    submission.toml reads otherwise now is run anew: its class map may score the same answers
    otherwise. So is one that lacks its sources' counts under filtered labels, which the log says.

    Raises:
        BenchmarkError: The benchmark is not built.
        DatabaseBusyError: Another process is writing the database.
        DatabaseError: The database can't be read.
        PermissionRefusedError: This user can't read it.
    """
    known = _completed_run(target, places)
    if known is None or known.submission != target.manifest:
        return None
    with ResultsStore.open(places.database) as store:
        if known.run_id in store.unpaired_runs(known.benchmark_digest):
            _LOG.warning("run %s of the same key is not reused: %s", known.run_id, UNPAIRED)
            return None
        store.count_again(known.run_id, now=datetime.now(UTC))
    return known


def _completed_run(target: EvaluationTarget, places: EvaluationPlaces) -> RunRecord | None:
    key = (
        places.benchmark.header().digest,
        target.image_digest,
        target.limits.content_digest(),
    )
    if not places.database.exists():
        return None
    with ResultsStore.open_read_only(places.database) as store:
        return store.completed_run(key)


def evaluate(
    target: EvaluationTarget,
    places: EvaluationPlaces,
    *,
    runner: SubmissionRunner,
    engine: str,
    run_id: str,
    on_scored: Callable[[int], None],
) -> RunRecord:
    """Return the run of `target` over the benchmark, stored with its counts.

    A run that the harness could not finish is stored as `harness_failed`, without counts, and its
    error is raised again; it is never scored.

    Raises:
        BenchmarkError: The benchmark is not built, or a file is not the promised one.
        SourceDataError: A label can't be decoded.
        SubmissionError: The submission's classes can't be brought to the benchmark's.
        ImageBuildError: There is no such image, or it is not one that can be run.
        EngineError: The engine is down or refuses.
        RunInterruptedError: The engine was lost while the container ran.
        DatabaseBusyError: Another process is writing the database.
        DatabaseError: The results can't be stored.
        PermissionRefusedError: This user can't write the database.
        OSError: The run's folder can't be written.
    """
    places.benchmark.assert_whole()
    header = places.benchmark.header()
    samples = scored_samples(places.benchmark)
    draft = _Draft(
        target=target,
        header=header,
        engine=engine,
        run_id=run_id,
        started_at=datetime.now(UTC),
        forced=_completed_run(target, places) is not None,
    )
    _store_benchmark(places, header)
    with _scorer(target, places, header, samples, on_scored) as scorer:
        try:
            outcome = _run(target, places, samples, runner=runner, run_id=run_id, scorer=scorer)
        except (*OUR_FAULTS, OSError) as error:
            _store(draft.record(_harness_failure(error)), places, ())
            raise
    record = draft.record(outcome)
    if outcome.status is RunStatus.COMPLETED:
        _store(record, places, scorer.class_counts(), paired=scorer.paired_counts())
    else:
        _store(record, places, ())
    return record


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A run record without its end."""

    target: EvaluationTarget
    header: BenchmarkHeader
    engine: str
    run_id: str
    started_at: datetime
    forced: bool

    def record(self, outcome: RunOutcome) -> RunRecord:
        return RunRecord(
            run_id=self.run_id,
            benchmark_digest=self.header.digest,
            image_digest=self.target.image_digest,
            submission=self.target.manifest,
            limits=self.target.limits,
            outcome=outcome,
            engine=f"{self.engine}; {platform.system()} {platform.machine()}",
            harness_version=__version__,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            forced=self.forced,
        )


def _store_benchmark(places: EvaluationPlaces, header: BenchmarkHeader) -> None:
    """Put the benchmark in the database, which proves that it can be written before a run is."""
    places.runs.mkdir(parents=True, exist_ok=True)
    with ResultsStore.open(places.database) as store:
        store.add_benchmark(header, places.benchmark.samples())


def _scorer(
    target: EvaluationTarget,
    places: EvaluationPlaces,
    header: BenchmarkHeader,
    samples: dict[str, Sample],
    on_scored: Callable[[int], None],
) -> Scorer:
    own = own_label_space(target.manifest, benchmark=header.label_space)
    return Scorer(
        samples,
        read_label=places.benchmark.label,
        label_space=header.label_space,
        table=prediction_table(target.manifest, own=own, benchmark=header.label_space),
        on_scored=on_scored,
    )


def _run(
    target: EvaluationTarget,
    places: EvaluationPlaces,
    samples: dict[str, Sample],
    *,
    runner: SubmissionRunner,
    run_id: str,
    scorer: Scorer,
) -> RunOutcome:
    outcome = runner.run(
        target.image_digest,
        stream_samples(places.benchmark, samples),
        limits=target.limits,
        run_id=run_id,
        on_prediction=scorer.accept,
    )
    try:
        scorer.finish()
    except RejectedSampleError as rejection:
        return _blame(outcome, rejection)
    return outcome


def _blame(outcome: RunOutcome, rejection: RejectedSampleError) -> RunOutcome:
    """Return `outcome` as the failure that the scoring threads found."""
    if outcome.status is RunStatus.HARNESS_FAILED:
        return outcome
    found = {
        "status": RunStatus.SUBMISSION_FAILED,
        "reason": FailureReason(rejection.reason),
        "sample_id": rejection.sample_id,
        "detail": rejection.detail,
    }
    return RunOutcome.model_validate(outcome.model_dump() | found)


def _harness_failure(error: HarnessError | OSError) -> RunOutcome:
    detail = error.one_line() if isinstance(error, HarnessError) else str(error)
    return RunOutcome(
        status=RunStatus.HARNESS_FAILED, detail=detail, total_seconds=0.0, predictions=0
    )


def _store(
    record: RunRecord,
    places: EvaluationPlaces,
    counts: tuple[ClassCounts, ...],
    *,
    paired: tuple[ClassCounts, ...] = (),
) -> None:
    with ResultsStore.open(places.database, patience_seconds=STORING_PATIENCE_SECONDS) as store:
        store.add_run(record, counts, paired=paired)
    write_run_folder(places.runs, record)
