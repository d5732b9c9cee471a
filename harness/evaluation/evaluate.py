"""One evaluation from the key to the stored run; nothing of containers or SQL.

A run may take several processes: each goes on where the one before was cut off (see `attempt` for
the rules, `archive` for what is kept and `unfinished` for where).
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.attempt import Wish, take_up
from harness.evaluation.class_map import own_label_space, prediction_table
from harness.evaluation.feed import scored_samples
from harness.evaluation.label_cache import LabelCache
from harness.evaluation.part import PartAtWork
from harness.evaluation.sample_table import SampleTable
from harness.evaluation.scoring import Scorer
from harness.evaluation.target import EvaluationOptions, EvaluationPlaces, EvaluationTarget
from harness.evaluation.unfinished import repair_runs, unfinished_run
from harness.records.archive import ArchiveHeader
from harness.records.manifest import BenchmarkHeader
from harness.records.run import RunRecord
from harness.sandbox.runner import SubmissionRunner
from harness.store.database import UNPAIRED, ResultsStore

_DEFAULTS = EvaluationOptions()
_LOG = logging.getLogger(__name__)


def reuse_run(target: EvaluationTarget, places: EvaluationPlaces) -> RunRecord | None:
    """Return the completed run of the same key, which counts on the board from now on, or None.

    A submission that has come back to an earlier image is judged by that image again. One whose
    submission.toml reads otherwise now is run anew: its class map may score the same answers
    otherwise. So is one that lacks its sources' counts under filtered labels, which the log says.
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
    known = _completed_run(target, places, places.benchmark.header())
    if known is None or known.submission != target.manifest:
        return None
    with ResultsStore.open(places.database) as store:
        if known.run_id in store.unpaired_runs(known.benchmark_digest):
            _LOG.warning("run %s of the same key is not reused: %s", known.run_id, UNPAIRED)
            return None
        store.count_again(known.run_id, now=datetime.now(UTC))
    return known


def _completed_run(
    target: EvaluationTarget, places: EvaluationPlaces, header: BenchmarkHeader
) -> RunRecord | None:
    if not places.database.exists():
        return None
    with ResultsStore.open_read_only(places.database) as store:
        return store.completed_run(target.key_on(header))


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
    new = _new_run(target, places, header, run_id=run_id, again=options.again)
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
        scorer = Scorer(
            samples,
            read_label=LabelCache(places.benchmark).read,
            label_space=header.label_space,
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
    again: bool,
) -> ArchiveHeader:
    return ArchiveHeader(
        run_id=run_id,
        benchmark_digest=header.digest,
        image_digest=target.image_digest,
        limits_digest=target.limits.content_digest(),
        submission=target.manifest,
        forced=_completed_run(target, places, header) is not None,
        again=again,
    )
