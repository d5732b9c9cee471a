"""One evaluation from the key to the stored run; nothing of containers or SQL.

A run may take several processes: each goes on where the one before was cut off (see `attempt` for
the rules, `archive` for what is kept and `unfinished` for where).
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.archive import PREDICTIONS_NAME
from harness.evaluation.attempt import Wish, take_up
from harness.evaluation.class_map import own_label_space, prediction_table
from harness.evaluation.feed import scored_samples
from harness.evaluation.kept_scores import scorer_on
from harness.evaluation.part import PartAtWork
from harness.evaluation.sample_table import SampleTable
from harness.evaluation.target import EvaluationOptions, EvaluationPlaces, EvaluationTarget
from harness.evaluation.unfinished import repair_runs, unfinished_run
from harness.records.archive import ArchiveHeader
from harness.records.manifest import BenchmarkHeader
from harness.records.run import RunRecord
from harness.sandbox.runner import SubmissionRunner
from harness.store.database import UNPAIRED, ResultsStore

_DEFAULTS = EvaluationOptions()
_LOG = logging.getLogger(__name__)


def reuse_run(
    target: EvaluationTarget,
    places: EvaluationPlaces,
    *,
    waived: Collection[str] = (),
    on_note: Callable[[str], None] = _LOG.info,
) -> RunRecord | None:
    """Return the completed run of the same key, which counts on the board from now on, or None.

    A submission that has come back to an earlier image is judged by that image again. One whose
    submission.toml reads otherwise now is run anew, as its class map may score the same answers
    otherwise; `on_note` is told where its predictions are kept and can be scored without running.
    So is one that lacks its sources' counts under filtered labels, which the log says, and one
    whose engine was allowed to do without a wall that is not among `waived`.
    Stored runs whose harness was killed before it was done get their folder first.

    Raises:
        BenchmarkError: The benchmark is not built.
        DatabaseBusyError: Another process is writing the database.
        DatabaseError: The database can't be read.
        PermissionRefusedError: This user can't read it.
        DiskFullError: The disk is full.
        OSError: A run's folder can't be written.
    """
    repair_runs(places.runs, database=places.database, now=datetime.now(UTC))
    found = [
        run
        for run in _completed_runs(target, places, places.benchmark.header())
        if set(run.waived) <= set(waived)
    ]
    known = next((run for run in found if run.submission == target.manifest), None)
    if known is None:
        _tell_rescorable(found, target, places, on_note)
        return None
    with ResultsStore.open(places.database) as store:
        if known.run_id in store.unpaired_runs(known.benchmark_digest):
            _LOG.warning("run %s of the same key is not reused: %s", known.run_id, UNPAIRED)
            return None
        store.count_again(known.run_id, now=datetime.now(UTC))
    return known


def _tell_rescorable(
    found: Sequence[RunRecord],
    target: EvaluationTarget,
    places: EvaluationPlaces,
    on_note: Callable[[str], None],
) -> None:
    """Tell of the latest run whose kept predictions are those that running would give."""
    for run in found:
        kept = run.predictions_kept and (places.runs / run.run_id / PREDICTIONS_NAME).is_file()
        if kept and run.submission.name == target.manifest.name:
            on_note(
                f"run {run.run_id} has these predictions, scored as its submission.toml read then:"
                f" `harness rescore {run.run_id} --submission FOLDER` scores them as it reads now,"
                " without running"
            )
            return


def _completed_runs(
    target: EvaluationTarget, places: EvaluationPlaces, header: BenchmarkHeader
) -> tuple[RunRecord, ...]:
    if not places.database.exists():
        return ()
    with ResultsStore.open_read_only(places.database) as store:
        return store.completed_runs(target.key_on(header))


def evaluate(  # noqa: PLR0913 - what is run, where, through what, under which name, for whom
    target: EvaluationTarget,
    places: EvaluationPlaces,
    *,
    runner: SubmissionRunner,
    engine: str,
    run_id: str,
    on_scored: Callable[[int], None],
    on_note: Callable[[str], None] = _LOG.info,
    options: EvaluationOptions = _DEFAULTS,
) -> RunRecord:
    """Return the run of `target` over the benchmark, stored with its counts.

    Every prediction is kept as soon as it is counted. A run that is cut off, by whatever error or
    signal, is gone on with by the next call for the same key: what was predicted is scored anew
    from what was kept, through the same scorer, and only the rest is run. Its errors are raised
    again; it is stored as `harness_failed`, without counts, until its end takes that row's place.

    `run_id` names the run if it is a new one; `on_note` is told what the user should know of it.

    Raises:
        BenchmarkError: The benchmark is not built, or a file is not the promised one.
        SubmissionError: The submission's classes can't be brought to the benchmark's.
        ImageBuildError: There is no such image, or it is not one that can be run.
        EngineError: The engine is down or refuses.
        RunInterruptedError: The engine was lost, or the container killed for no known reason.
        RunStoppedError: The user stopped it.
        RunBusyError: Another process evaluates the same key.
        DatabaseBusyError: Another process is writing the database.
        DatabaseError: The results can't be stored.
        DiskFullError: The disk is full.
        OSError: What is kept, the database or the run's folder can't be written.
    """
    header = places.benchmark.header()
    table = _table(target, header)
    samples = _store_benchmark(places, header)
    new = _new_run(target, places, header, run_id=run_id, options=options)
    stateless = target.manifest.stateless
    wish = Wish(header=new, stateless=stateless, fresh=options.fresh, samples=len(samples))
    with unfinished_run(places.runs, new.key(), database=places.database) as archive:
        attempt = take_up(archive, wish, now=datetime.now(UTC))
        if attempt.note:
            on_note(attempt.note)
        part = PartAtWork(
            target=target,
            places=places,
            options=options,
            samples=samples,
            engine=engine,
            attempt=attempt,
        )
        scorer = scorer_on(
            places.benchmark,
            samples,
            table=table,
            on_scored=on_scored,
            on_counted=attempt.keep,
        )
        return part.complete(runner, scorer)


def _table(target: EvaluationTarget, header: BenchmarkHeader) -> NDArray[np.uint16]:
    own = own_label_space(target.manifest, benchmark=header.label_space)
    return prediction_table(target.manifest, own=own, benchmark=header.label_space)


def _store_benchmark(places: EvaluationPlaces, header: BenchmarkHeader) -> SampleTable:
    """Return the samples of the benchmark, proven and put in the database.

    So the database is known to be writable before a run is.
    """
    places.benchmark.assert_whole()
    samples = scored_samples(places.benchmark)
    places.runs.mkdir(parents=True, exist_ok=True)
    with ResultsStore.open(places.database) as store:
        store.add_benchmark(header, places.benchmark.each_sample())
    return samples


def _new_run(
    target: EvaluationTarget,
    places: EvaluationPlaces,
    header: BenchmarkHeader,
    *,
    run_id: str,
    options: EvaluationOptions,
) -> ArchiveHeader:
    return ArchiveHeader(
        run_id=run_id,
        benchmark_digest=header.digest,
        image_digest=target.image_digest,
        limits_digest=target.limits.content_digest(),
        submission=target.manifest,
        forced=bool(_completed_runs(target, places, header)),
        again=options.again,
        waived=tuple(sorted(set(options.waived))),
    )
