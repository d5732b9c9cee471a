"""One part of a run at work: predicts what is missing, and stores how it ended or was cut off."""

import logging
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from harness import __version__
from harness.errors import (
    DatabaseBusyError,
    DatabaseError,
    DiskFullError,
    HarnessError,
    ImageBuildError,
    PermissionRefusedError,
    RunInterruptedError,
    RunStoppedError,
    UnexplainedKillError,
)
from harness.evaluation.attempt import Attempt
from harness.evaluation.blame import (
    harness_failure,
    refuse_unexplained_kill,
    rejected,
    rejected_before,
)
from harness.evaluation.feed import reading_ahead, stream_samples
from harness.evaluation.kept_scores import score_kept
from harness.evaluation.run_folder import settle
from harness.evaluation.sample_table import SampleTable
from harness.evaluation.scoring import RejectedSampleError, Scorer
from harness.evaluation.target import (
    STORING_PATIENCE_SECONDS,
    EvaluationOptions,
    EvaluationPlaces,
    EvaluationTarget,
)
from harness.records.run import RunOutcome, RunRecord, RunStatus
from harness.sandbox.runner import SubmissionRunner
from harness.store.database import ResultsStore

CUT_PATIENCE_SECONDS = 2.0
"""How long one that was cut off waits to say so: its user is waiting for the error."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PartAtWork:
    """A part of a run with all that it takes to bring the run to its end."""

    target: EvaluationTarget
    """The submission."""
    places: EvaluationPlaces
    """Where its samples come from and its run goes."""
    options: EvaluationOptions
    """How to go about it."""
    samples: SampleTable
    """The samples of the whole run."""
    engine: str
    """The container engine, for the record."""
    attempt: Attempt
    """What the run has so far, taken up by this process."""

    def complete(self, runner: SubmissionRunner, scorer: Scorer) -> RunRecord:
        """Return the run as it is stored, once it has come to its end.

        Raises:
            HarnessError: It was cut off, or can't be stored; the next part goes on with it.
            OSError: Likewise.
        """
        with self._cut_noted():
            with scorer:
                outcome = self._outcome(runner, scorer)
            self._assert_all_counted(outcome, scorer)
            if self.attempt.before.outcome is None:
                self.attempt.archive.end_run(outcome)
        try:
            return self._conclude(outcome, scorer)
        except KeyboardInterrupt as error:
            raise self._stopped(ended=True) from error

    def _outcome(self, runner: SubmissionRunner, scorer: Scorer) -> RunOutcome:
        """Return how the run ended, with every prediction counted where it completed."""
        ended = self.attempt.before.outcome
        if ended is not None and ended.status is not RunStatus.COMPLETED:
            return ended
        try:
            known = {s for s in self.attempt.before.predicted if s in self.samples}
            score_kept(self.attempt.archive.path, known, scorer)
            if ended is not None:
                scorer.finish()
                return ended
        except RejectedSampleError as rejection:
            return rejected_before(rejection)
        outcome = self._predict(runner, scorer)
        refuse_unexplained_kill(outcome, kills_before=self.attempt.before.unexplained_kills)
        return self.attempt.whole(outcome)

    def _assert_all_counted(self, outcome: RunOutcome, scorer: Scorer) -> None:
        """Refuse a completed run that lacks counts, as where what was kept can't be read back."""
        if outcome.status is not RunStatus.COMPLETED or scorer.counted == len(self.samples):
            return
        msg = (
            f"the submission is done, but only {scorer.counted:,} of {len(self.samples):,}"
            f" predictions were counted: {self.attempt.archive.path} does not give back what it was"
            " given"
        )
        raise RunInterruptedError(
            msg,
            remedy="See whether its disk is sound (`dmesg`) and run the same command again: what is"
            " lost is predicted again.",
        )

    def _predict(self, runner: SubmissionRunner, scorer: Scorer) -> RunOutcome:
        """Return how the submission fared with the samples that nobody has predicted."""
        missing = stream_samples(
            self.places.benchmark,
            self.samples,
            image_digest=self.target.image_digest,
            answered=self.attempt.before.predicted,
        )
        with reading_ahead(missing) as stream:
            outcome = runner.run(
                self.target.image_digest,
                stream,
                limits=self.target.limits,
                run_id=self.attempt.header.run_id,
                on_prediction=scorer.accept,
            )
        try:
            scorer.finish()
        except RejectedSampleError as rejection:
            return rejected(outcome, rejection)
        return outcome

    def _conclude(self, outcome: RunOutcome, scorer: Scorer) -> RunRecord:
        """Store the run with its counts and give it its folder.

        The order matters: once the database has it the run is over, and a folder that is missing
        then is made by the next start (see `unfinished`).
        """
        completed = outcome.status is RunStatus.COMPLETED
        reason = "" if outcome.reason is None else f" ({outcome.reason.value})"
        record = self._record(
            outcome,
            ending="completed" if completed else f"the submission failed{reason}",
            predictions_kept=completed and self.options.keep_predictions,
        )
        self._store(record, scorer)
        settle(record, self.attempt.archive, runs=self.places.runs)
        return record

    def _store(self, record: RunRecord, scorer: Scorer) -> None:
        try:
            with ResultsStore.open(
                self.places.database, patience_seconds=STORING_PATIENCE_SECONDS
            ) as store:
                if record.outcome.status is RunStatus.COMPLETED:
                    store.add_run(record, scorer.class_counts(), paired=scorer.paired_counts())
                else:
                    store.add_run(record, ())
        except KeyboardInterrupt:
            self._end_unstored()
            raise
        except (DatabaseBusyError, DatabaseError, DiskFullError, PermissionRefusedError) as error:
            self._end_unstored()
            msg = f"run {record.run_id} has ended and is kept, but not stored: {error}"
            remedy = f"{error.remedy} It will be stored, and nothing is run again."
            raise type(error)(msg, remedy=remedy) from error

    def _end_unstored(self) -> None:
        ending = "ended, but could not be stored"
        self.attempt.cut(datetime.now(UTC), ending, unexplained_kill=False)

    def _record(
        self, outcome: RunOutcome, *, ending: str, predictions_kept: bool = False
    ) -> RunRecord:
        now, attempt = datetime.now(UTC), self.attempt
        return RunRecord(
            run_id=attempt.header.run_id,
            benchmark_digest=attempt.header.benchmark_digest,
            image_digest=self.target.image_digest,
            submission=self.target.manifest,
            limits=self.target.limits,
            outcome=outcome,
            engine=f"{self.engine}; {platform.system()} {platform.machine()}",
            harness_version=__version__,
            started_at=attempt.run_started_at,
            finished_at=now,
            forced=attempt.header.forced,
            limit_sources=dict(self.target.limit_sources),
            waived=attempt.header.waived,
            workers=self.options.workers,
            parts=attempt.parts(now, ending),
            predictions_kept=predictions_kept,
        )

    @contextmanager
    def _cut_noted(self) -> Iterator[None]:
        """Keep and store that the run was cut off, where the block fails or is interrupted.

        Whatever fails in doing so is logged: the first error is the one to see.
        """
        try:
            yield
        except (RunStoppedError, KeyboardInterrupt) as error:
            stopped = self._stopped(ended=self.attempt.before.outcome is not None)
            self._note_cut(stopped, "stopped by the user")
            raise stopped from error
        except ImageBuildError:  # the submission's, and it says nothing of what was predicted
            if not self.attempt.archive.predictions:
                self.attempt.archive.discard()
            raise
        except (HarnessError, OSError) as error:
            self._note_cut(error, f"cut off: {error}")
            raise

    def _stopped(self, *, ended: bool) -> RunStoppedError:
        if ended:
            next_time = " again: it will be stored, and nothing is run again"
        elif not self.target.manifest.stateless:
            next_time = " again to begin anew: it is not stateless"
        else:
            next_time = f" again{' without --fresh' if self.options.fresh else ''} to go on"
        return RunStoppedError(
            f"stopped; {self.attempt.kept} are kept",
            remedy=f"Run the same command{next_time}.",
        )

    def _note_cut(self, error: HarnessError | OSError, ending: str) -> None:
        now = datetime.now(UTC)
        if self.options.fresh and self.attempt.archive.predictions:
            _LOG.warning("to go on with this run, leave --fresh out: it begins another")
        self.attempt.cut(now, ending, unexplained_kill=isinstance(error, UnexplainedKillError))
        seconds = self.attempt.before.seconds + (now - self.attempt.started_at).total_seconds()
        outcome = harness_failure(
            error, predictions=self.attempt.archive.predictions, seconds=seconds
        )
        try:
            with ResultsStore.open(
                self.places.database, patience_seconds=CUT_PATIENCE_SECONDS
            ) as store:
                store.add_run(self._record(outcome, ending=ending), ())
        except (HarnessError, OSError) as second:
            _LOG.warning("that the run was cut off can't be stored: %s", second)
