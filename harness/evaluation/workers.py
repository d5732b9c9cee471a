"""Shares one run's samples among several containers; nothing of what a container is."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from types import TracebackType

from harness.errors import RunInterruptedError, RunStoppedError
from harness.evaluation.scoring import RejectedSampleError
from harness.evaluation.shared_samples import SharedSamples
from harness.evaluation.worker_plan import WorkerPlan
from harness.records.run import RunOutcome, RunStatus, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.log_buffer import LogBuffer
from harness.sandbox.runner import ONLY_CONTAINER, ContainerSlot, PredictionSink, SubmissionRunner

_LOOK_SECONDS = 0.1
_LEAST_HELPINGS = 8
"""In how many helpings, at least, a container gets its share; others may idle during the last."""
_REMEMBERED_ANSWERS = 4096
"""How many answers back a refusal is traced to its container: more than ever wait for scoring."""

RunOne = Callable[[Iterable[StreamedSample], PredictionSink, ContainerSlot], RunOutcome]
"""Runs one container: over these samples, with this sink, in this slot."""


class ParallelRunner:
    """A `SubmissionRunner` that has several containers of another one share a run's samples."""

    def __init__(
        self, runner: SubmissionRunner, plan: WorkerPlan, *, samples: int | None = None
    ) -> None:
        """Use `runner` for each container of `plan`, from a thread each where there are several.

        `samples` is the number of samples that will come, where it is known: few are then handed
        out in smaller helpings, lest one container sits on the last ones while others are idle.
        """
        self._runner = runner
        self._plan = plan
        self._samples = samples

    def run(
        self,
        image_digest: str,
        samples: Iterable[StreamedSample],
        *,
        limits: ContainerLimits,
        run_id: str,
        on_prediction: PredictionSink,
        slot: ContainerSlot = ONLY_CONTAINER,
    ) -> RunOutcome:
        """Return how all containers fared; `on_prediction` is never called twice at a time.

        Each sample goes to one container, as soon as it has room. The first fault ends the others
        and is the outcome. Every container is gone when this returns or raises, but for a second
        Ctrl-C while they are removed. A container that has got no sample when all are answered is
        given up: neither its start nor its end says anything of the submission.

        Raises:
            EngineError: The engine is down or refuses.
            ImageBuildError: There is no such image, or it is not one that can be run.
            RunInterruptedError: The engine was lost while a container ran.
            RunStoppedError: `slot.stop` was set.
        """
        told = self._in_helpings(limits)

        def run_one(
            share: Iterable[StreamedSample], sink: PredictionSink, place: ContainerSlot
        ) -> RunOutcome:
            return self._runner.run(
                image_digest,
                share,
                limits=told,
                run_id=run_id,
                on_prediction=sink,
                slot=place,
            )

        gpu_ids = self._plan.gpu_ids
        if len(gpu_ids) == 1:
            alone = ContainerSlot(number=slot.number, gpu_ids=gpu_ids[0], stop=slot.stop)
            return run_one(samples, on_prediction, alone)
        coming = iter(samples)
        first = list(islice(coming, len(gpu_ids)))
        team = _Team(
            run_one,
            SharedSamples(chain(first, coming)),
            on_prediction,
            # fewer samples than containers leave the rest of them unstarted
            gpu_ids=gpu_ids[: max(len(first), 1)],
            log_bytes=limits.log_bytes,
        )
        return team.run(slot.stop)

    def _in_helpings(self, limits: ContainerLimits) -> ContainerLimits:
        """Return `limits` with no more in flight than a small part of a container's share."""
        if self._samples is None or self._plan.workers == 1:
            return limits
        helping = max(1, self._samples // (self._plan.workers * _LEAST_HELPINGS))
        # The container is told, so that it never waits to fill a batch that can't come.
        return limits.model_copy(update={"max_in_flight": min(limits.max_in_flight, helping)})


class _Worker(Iterator[StreamedSample]):
    """One container's share of the samples, taken as it asks for them, and what became of it."""

    def __init__(self, shared: SharedSamples, slot: ContainerSlot) -> None:
        self._shared = shared
        self.slot = slot
        self.taken = self.accepted = 0
        self.came_late = False
        self.refusal: RejectedSampleError | None = None

    def __next__(self) -> StreamedSample:
        sample = self._shared.take()
        if sample is None:
            # where there never was a sample, nobody was too late for one
            self.came_late = not self.taken and self._shared.taken > 0
            raise StopIteration
        self.taken += 1
        return sample


class _Ending(AbstractContextManager["_Ending"]):
    """How a container's thread ended: its outcome, or what was raised for the main thread."""

    def __init__(self, worker: _Worker) -> None:
        self.worker = worker
        self.outcome: RunOutcome | None = None
        self.error: BaseException | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Keep what was raised; the main thread raises it again."""
        self.error = error
        return True

    @property
    def completed(self) -> bool:
        return self.outcome is not None and self.outcome.status is RunStatus.COMPLETED


class _Team:
    """Containers at work on one run, each in a thread; the main thread only waits and decides."""

    def __init__(
        self,
        run_one: RunOne,
        shared: SharedSamples,
        on_prediction: PredictionSink,
        *,
        gpu_ids: Sequence[tuple[str, ...]],
        log_bytes: int,
    ) -> None:
        self._run_one = run_one
        self._shared = shared
        self._on_prediction = on_prediction
        self._log_bytes = log_bytes
        self._stop = threading.Event()
        self._workers = [
            _Worker(shared, ContainerSlot(number=number, gpu_ids=ids, stop=self._stop))
            for number, ids in enumerate(gpu_ids)
        ]
        self._sink_lock = threading.Lock()
        self._answers: deque[tuple[str, _Worker]] = deque(maxlen=_REMEMBERED_ANSWERS)
        self._ends: queue.SimpleQueue[_Ending] = queue.SimpleQueue()
        self._ended: list[_Ending] = []

    def run(self, told_to_stop: threading.Event) -> RunOutcome:
        """Return how the containers fared together, once they are gone; see `ParallelRunner`."""
        began = time.monotonic()
        # Daemons: who insists on leaving, by a second Ctrl-C, need not wait for an engine.
        threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True)
            for worker in self._workers
        ]
        try:
            for thread in threads:
                thread.start()
            decisive = self._watch(threads, told_to_stop)
        finally:
            self._stop.set()
            _wait_for(threads)
        while not self._ends.empty():
            self._ended.append(self._ends.get())
        outcome = self._conclude(decisive)
        return outcome.model_copy(
            update={
                "total_seconds": time.monotonic() - began,
                "predictions": sum(worker.accepted for worker in self._workers),
            }
        )

    def _work(self, worker: _Worker) -> None:
        with _Ending(worker) as ending:
            ending.outcome = self._run_one(worker, self._sink(worker), worker.slot)
        self._ends.put(ending)

    def _sink(self, worker: _Worker) -> PredictionSink:
        def deliver(sample_id: str, png: bytes) -> None:
            with self._sink_lock:
                self._answers.append((sample_id, worker))
                try:
                    self._on_prediction(sample_id, png)
                except RejectedSampleError as refusal:
                    worker.refusal = refusal
                    raise
            worker.accepted += 1

        return deliver

    def _watch(
        self, threads: Sequence[threading.Thread], told_to_stop: threading.Event
    ) -> _Ending | None:
        """Return the end that decides the run, or None where none does; wakes up for Ctrl-C."""
        while len(self._ended) < len(threads):
            if told_to_stop.is_set():
                self._stop.set()
            try:
                ending = self._ends.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if not any(thread.is_alive() for thread in threads) and self._ends.empty():
                    return None
                continue
            self._ended.append(ending)
            if self._decides(ending):
                return ending
            if self._is_answered():
                return None
        return None

    def _decides(self, ending: _Ending) -> bool:
        if ending.error is not None:
            return not (isinstance(ending.error, RunStoppedError) and self._stop.is_set())
        return not ending.completed and not ending.worker.came_late

    def _is_answered(self) -> bool:
        """Return whether every sample is answered, by containers that have completed."""
        completed = {ending.worker for ending in self._ended if ending.completed}
        accepted = sum(worker.accepted for worker in self._workers)
        return (
            self._shared.exhausted
            and accepted == self._shared.taken
            and all(worker in completed for worker in self._workers if worker.taken)
            and bool(completed)
        )

    def _conclude(self, decisive: _Ending | None) -> RunOutcome:
        if decisive is not None and decisive.error is not None:
            raise decisive.error
        if decisive is not None and decisive.outcome is not None:
            return self._failure(decisive, decisive.outcome)
        if self._is_answered():
            return self._success()
        for ending in self._ended:
            if ending.error is not None:
                raise ending.error
        msg = (
            f"{len(self._workers)} containers ended with {self._shared.taken} samples taken and"
            f" {sum(worker.accepted for worker in self._workers)} answered"
        )
        raise RunInterruptedError(
            msg, remedy="What was predicted is kept: run the same command again to go on."
        )

    def _success(self) -> RunOutcome:
        outcomes = [e.outcome for e in self._ended if e.outcome is not None and e.completed]
        starts = [o.startup_seconds for o in outcomes if o.startup_seconds is not None]
        update = {"startup_seconds": max(starts, default=None), "log": self._joined_log(None)}
        return outcomes[0].model_copy(update=update)

    def _failure(self, decisive: _Ending, outcome: RunOutcome) -> RunOutcome:
        refusal, culprit = decisive.worker.refusal, decisive.worker
        sample_id = outcome.sample_id
        if refusal is not None:
            # Scoring is behind: what it refuses now may have been another container's answer.
            sample_id = refusal.sample_id
            culprit = next((w for answer, w in self._answers if answer == sample_id), culprit)
        update = {
            "sample_id": sample_id,
            "detail": f"{outcome.detail} ({self._name(culprit)})",
            "log": self._joined_log(culprit),
        }
        return outcome.model_copy(update=update)

    def _name(self, worker: _Worker) -> str:
        return f"worker {worker.slot.number + 1} of {len(self._workers)}"

    def _joined_log(self, last: _Worker | None) -> str:
        """Return all logs under headings, that of `last` at the end, where a log is looked at."""
        share = self._log_bytes // len(self._workers)
        ended = sorted(self._ended, key=lambda e: (e.worker is last, e.worker.slot.number))
        parts = []
        for ending in ended:
            if ending.outcome is not None and ending.outcome.log:
                buffer = LogBuffer(limit=share)
                buffer.write(ending.outcome.log.encode())
                parts.append(f"=== {self._name(ending.worker)} ===\n{buffer.text().rstrip()}\n")
        return "".join(parts)


def _wait_for(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)
