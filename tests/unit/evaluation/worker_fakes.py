"""Containers that play a part each, in place of real ones; they wait for events, never for time."""

import threading
from collections.abc import Callable, Mapping

from harness.errors import PredictionRejectedError, RunStoppedError
from harness.evaluation.worker_plan import WorkerPlan
from harness.evaluation.workers import ParallelRunner
from harness.records.run import FailureReason, RunOutcome, RunStatus, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.runner import ContainerSlot

PATIENCE = 20.0
"""Seconds after which a test's event counts as missed: never reached where all is well."""

SAMPLES = [StreamedSample(id=f"{n:016x}", png=bytes([n])) for n in range(6)]


def done(**changes) -> RunOutcome:
    """A container that did all that it was asked."""
    fields = {"status": RunStatus.COMPLETED, "total_seconds": 1.0, "predictions": 0, "exit_code": 0}
    return RunOutcome.model_validate(fields | changes)


def failed(reason=FailureReason.EXITED_EARLY, **changes) -> RunOutcome:
    """A container that failed."""
    changes = {"exit_code": 1, "detail": "it exited with code 1"} | changes
    return done(status=RunStatus.SUBMISSION_FAILED, reason=reason, **changes)


def wait_for(event: threading.Event) -> None:
    """Wait until something has happened in another thread."""
    assert event.wait(PATIENCE)


def answer_all(samples, sink, slot) -> RunOutcome:
    """Answer what is asked, as the sandbox does: a refusal is an outcome."""
    del slot
    for sample in samples:
        try:
            sink(sample.id, sample.png)
        except PredictionRejectedError as refusal:
            return failed(FailureReason(refusal.reason), sample_id=sample.id, detail=refusal.detail)
    return done()


def until_stopped(samples, sink, slot) -> RunOutcome:
    """Never become ready, until told to stop."""
    del samples, sink
    wait_for(slot.stop)
    message = "told to stop"
    raise RunStoppedError(message, remedy="Again.")


def take_one_until_stopped(samples, sink, slot) -> RunOutcome:
    """Take a sample and keep it, until told to stop."""
    next(iter(samples))
    return until_stopped(samples, sink, slot)


class Stage:
    """A `SubmissionRunner` whose containers each play the part of their number."""

    def __init__(self, parts: Mapping[int, Callable] | None = None) -> None:
        """Prepare; who has no part answers everything."""
        self.parts = parts or {}
        self.slots = []
        self.limits = []
        self.left = []
        self.threads = []

    def run(self, image_digest, samples, *, limits, run_id, on_prediction, slot):
        """Play a part."""
        del image_digest, run_id
        self.slots.append(slot)
        self.limits.append(limits)
        self.threads.append(threading.current_thread())
        try:
            return self.parts.get(slot.number, answer_all)(samples, on_prediction, slot)
        finally:
            self.left.append(slot.number)


def play(stage, *, workers=2, samples=SAMPLES, sink=None, slot=None, log_bytes=1000, gpu_ids=None):
    """Run the stage's containers over `samples` and return their outcome."""
    plan = WorkerPlan(gpu_ids=gpu_ids or ((),) * workers)
    return ParallelRunner(stage, plan).run(
        "sha256:0",
        samples,
        limits=ContainerLimits(log_bytes=log_bytes),
        run_id="0123456789ab",
        on_prediction=sink or (lambda _id, _png: None),
        slot=slot or ContainerSlot(),
    )
