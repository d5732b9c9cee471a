"""Scores the kept predictions of a completed run anew; nothing of containers, ranks or pages."""

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness import __version__
from harness.errors import BenchmarkError, RunError
from harness.evaluation.archive import PREDICTIONS_NAME, read_archive
from harness.evaluation.class_map import own_label_space, prediction_table
from harness.evaluation.feed import scored_samples
from harness.evaluation.full_disk import disk_errors
from harness.evaluation.kept_scores import score_kept, scorer_on
from harness.evaluation.run_folder import RESCORED, remove_if_empty, write_run_folder
from harness.evaluation.sample_table import SampleTable
from harness.evaluation.scoring import RejectedSampleError, Scorer
from harness.evaluation.target import STORING_PATIENCE_SECONDS, EvaluationPlaces
from harness.records.run import ClassCounts, RunRecord, RunStatus
from harness.records.submission import SubmissionManifest
from harness.store.counts import CountsTable
from harness.store.database import ResultsStore


@dataclass(frozen=True, kw_only=True)
class Rescoring:
    """What came of scoring a run's predictions anew."""

    run: RunRecord
    """The run that counts now: a new one, or the same where nothing changed."""
    identical: bool
    """Whether all counts are the stored ones and the manifest is the same."""
    samples: int
    """Number of predictions that were scored."""
    changed_samples: int
    """Number of samples with another count than the stored one."""


def rescore(
    run: RunRecord,
    places: EvaluationPlaces,
    *,
    manifest: SubmissionManifest,
    run_id: str,
    on_scored: Callable[[int], None],
) -> Rescoring:
    """Return the run that counts after its predictions were scored by this harness.

    The benchmark is proven to be the one that was predicted, its labels as they are read. Where
    every count is the stored one and the manifest is the same, nothing is written. Otherwise
    another run is stored, which keeps the same predictions and counts on the board from now on.

    Args:
        run: A stored run.
        places: The benchmark as it is built here, the database, and the runs' folders.
        manifest: What the submission says of itself now; its class map decides what counts as what.
        run_id: The id of the run that is stored where something changed.
        on_scored: Told the number of samples scored just now, from any thread.

    Raises:
        RunError: It did not complete, or its predictions are not kept, damaged, or refused.
        BenchmarkError: The benchmark is not built here, or is another build.
        SourceDataError: A label can't be decoded.
        SubmissionError: The submission's classes can't be brought to the benchmark's.
        DatabaseBusyError: Another process is writing the database.
        DatabaseError: The scores can't be stored.
        DiskFullError: The disk is full.
        OSError: The predictions can't be read, or the run's folder can't be written.
    """
    started_at = datetime.now(UTC)
    _refuse_incomplete(run)
    _prove_benchmark(run, places)
    samples = scored_samples(places.benchmark)
    kept = places.runs / run.run_id / PREDICTIONS_NAME
    _refuse_missing(run, kept, samples)
    with _scorer(manifest, places, samples, on_scored) as scorer:
        _score(run, kept, samples=samples, scorer=scorer)
    changed = _changed_samples(run, places, scorer)
    if not changed and manifest == run.submission:
        return Rescoring(run=run, identical=True, samples=len(samples), changed_samples=0)
    anew = run.model_copy(
        update={
            "run_id": run_id,
            "submission": manifest,
            "harness_version": __version__,
            "started_at": started_at,
            "finished_at": datetime.now(UTC),
            "forced": True,
            "rescored_from": run.run_id,
        }
    )
    _store(anew, scorer, places, kept)
    return Rescoring(run=anew, identical=False, samples=len(samples), changed_samples=len(changed))


def _refuse_incomplete(run: RunRecord) -> None:
    status = run.outcome.status
    if status is not RunStatus.COMPLETED:
        reason = f", {run.outcome.reason.value}" if run.outcome.reason else ""
        msg = f"run {run.run_id} did not complete ({status.value}{reason}), so it has no scores"
        raise RunError(
            msg,
            remedy=f"`harness runs show {run.run_id}` says why and what to try; then evaluate"
            f" {run.submission.name} again.",
        )
    if not run.predictions_kept:
        msg = f"run {run.run_id} kept no predictions"
        raise RunError(msg, remedy=f"Evaluate {run.submission.name} again with --again.")


def _prove_benchmark(run: RunRecord, places: EvaluationPlaces) -> None:
    places.benchmark.assert_whole()
    header = places.benchmark.header()
    if header.digest != run.benchmark_digest:
        msg = (
            f"run {run.run_id} predicted build {run.benchmark_digest[:12]} of the benchmark; in"
            f" {places.benchmark.path} lies {header.digest[:12]}"
        )
        raise BenchmarkError(
            msg,
            remedy="Put that build in its place, or evaluate the submission on this one.",
        )


def _refuse_missing(run: RunRecord, kept: Path, samples: SampleTable) -> None:
    """Refuse an archive that is not this run's, or lacks a prediction."""
    remedy = (
        f"Put a backup of the file in its place, or evaluate {run.submission.name} again with"
        " --again."
    )
    try:
        content = read_archive(kept)
    except FileNotFoundError as error:
        msg = f"the predictions of run {run.run_id} are gone: there is no {kept}"
        raise RunError(msg, remedy=remedy) from error
    if content is None:
        msg = f"the predictions of run {run.run_id} can't be read: {kept} is damaged at its begin"
        raise RunError(msg, remedy=remedy)
    if content.header.key() != run.key():
        msg = f"{kept} holds the predictions of another image, benchmark or limits"
        raise RunError(msg, remedy=remedy)
    missing = [sample_id for sample_id in samples if sample_id not in content.predicted]
    if missing:
        named = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        msg = (
            f"{len(missing):,} of the {len(samples):,} predictions of run {run.run_id} are missing"
            f" or damaged in {kept}: {named}"
        )
        raise RunError(msg, remedy=remedy)


def _scorer(
    manifest: SubmissionManifest,
    places: EvaluationPlaces,
    samples: SampleTable,
    on_scored: Callable[[int], None],
) -> Scorer:
    label_space = places.benchmark.header().label_space
    own = own_label_space(manifest, benchmark=label_space)
    table = prediction_table(manifest, own=own, benchmark=label_space)
    return scorer_on(places.benchmark, samples, table=table, on_scored=on_scored)


def _score(run: RunRecord, kept: Path, *, samples: SampleTable, scorer: Scorer) -> None:
    """Score the kept prediction of every sample."""
    try:
        missing = score_kept(kept, samples, scorer)
        scorer.finish()
    except RejectedSampleError as error:
        msg = (
            f"this harness refuses the kept prediction of sample {error.sample_id} of run"
            f" {run.run_id}: {error.detail}"
        )
        raise RunError(msg, remedy=f"Evaluate {run.submission.name} again with --again.") from error
    if missing or scorer.counted != len(samples):
        msg = f"{scorer.counted:,} of the {len(samples):,} predictions in {kept} could be scored"
        raise RunError(msg, remedy="The file changed while it was read: look who writes to it.")


def _changed_samples(run: RunRecord, places: EvaluationPlaces, scorer: Scorer) -> set[str]:
    """Return the samples with another count than the stored one."""
    with ResultsStore.open_read_only(places.database) as store:
        own, paired = store.counts([run.run_id]), store.paired_counts([run.run_id])
    changed = _differing(own, scorer.class_counts())
    return changed | _differing(paired, scorer.paired_counts())


def _differing(stored: CountsTable, rows: Iterable[ClassCounts]) -> set[str]:
    ids = stored.sample_ids
    columns = (stored.sample, stored.class_id, stored.tp, stored.fp, stored.fn)
    left = set(zip(*(column.tolist() for column in columns), strict=True))
    place = {sample_id: number for number, sample_id in enumerate(ids)}
    changed = set()
    for row in rows:
        found = (place.get(row.sample_id, -1), row.class_id, row.tp, row.fp, row.fn)
        if found in left:
            left.remove(found)
        else:
            changed.add(row.sample_id)
    return changed | {ids[sample] for sample, *_ in left}


def _store(anew: RunRecord, scorer: Scorer, places: EvaluationPlaces, kept: Path) -> None:
    """Give the run its folder and predictions, then store it: what can fail comes first.

    The folder gets to its place when the run is stored. What is interrupted in between is settled
    by `repair_runs`, which knows whether it was.
    """
    waiting = places.runs / RESCORED
    folder = write_run_folder(waiting, anew)
    try:
        _link(kept, folder / PREDICTIONS_NAME)
        with ResultsStore.open(places.database, patience_seconds=STORING_PATIENCE_SECONDS) as store:
            store.add_run(anew, scorer.class_counts(), paired=scorer.paired_counts())
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        remove_if_empty(waiting)
        raise
    with suppress(FileNotFoundError):  # another process has just repaired it
        folder.rename(places.runs / anew.run_id)
    remove_if_empty(waiting)


def _link(kept: Path, other: Path) -> None:
    """Give the predictions a second name; a copy where the file system knows no such thing."""
    try:
        os.link(kept, other)
    except OSError:
        with disk_errors(other):
            shutil.copyfile(kept, other)
