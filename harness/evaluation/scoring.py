"""Scores predictions while the container works on the next ones."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Condition
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.dataset.benchmark_folder import LabelFile
from harness.distribution.local import processors
from harness.errors import PredictionRejectedError
from harness.evaluation.prediction import decode_prediction
from harness.evaluation.run_counts import RunCounts
from harness.evaluation.sample_table import SampleTable
from harness.metrics.confusion import ClassCounter
from harness.records.label_space import LabelSpace
from harness.records.run import ClassCounts

MOST_SCORING_THREADS = 4
MAX_WAITING = 32
MAX_WAITING_BYTES = 64 * 2**20
"""What waits to be scored: so many answers, and so many bytes or one answer."""


def keep_nothing(_sample_id: str, _png: bytes) -> None:
    """Let a counted prediction go."""


class RejectedSampleError(PredictionRejectedError):
    """A rejected prediction with the sample that it was for.

    Attributes:
        sample_id: The sample.
    """

    def __init__(self, error: PredictionRejectedError, sample_id: str) -> None:
        super().__init__(error.reason, error.detail)
        self.sample_id = sample_id


class Scorer:
    """Turns answers into counts on threads of its own; a context manager.

    Labels are read here, one at a time, and never leave the harness. Waiting answers are bounded,
    so a fast container waits for us and memory stays flat. After the first failure nothing more is
    scored.

    A source's prediction is counted under its own label and once more under the filtered label of
    each of its edits that has one and moves nothing: the clean side of those edits' drops, judged
    on the same pixels as they are.
    """

    def __init__(
        self,
        samples: SampleTable,
        *,
        read_label: Callable[[LabelFile], NDArray[np.uint8]],
        label_space: LabelSpace,
        table: NDArray[np.uint16],
        on_scored: Callable[[int], None],
        on_counted: Callable[[str, bytes], None] = keep_nothing,
    ) -> None:
        """Prepare to score `samples`.

        Args:
            samples: What may be answered.
            read_label: Returns the class ids in a label, [H, W]; called on any thread.
            label_space: That of the labels.
            table: Maps predicted ids (see `prediction_table`).
            on_scored: Called on a scoring thread with the number of samples scored just now.
            on_counted: Called on a scoring thread with the id and the PNG bytes, as they came, of
                each prediction that was counted. What it raises is ours, no rejection: it comes
                out of `accept` or `finish` as it is.
        """
        class_ids = tuple(c.id for c in label_space.classes)
        self._samples = samples
        self._read_label = read_label
        self._counter = ClassCounter(
            class_ids=class_ids, ignore_id=label_space.ignore_id, table=table
        )
        self._on_scored = on_scored
        self._on_counted = on_counted
        self._own, self._paired = RunCounts(class_ids), RunCounts(class_ids)
        self._answers: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()
        self._changed = Condition()
        self._waiting = self._waiting_bytes = self._counted = 0
        self._failure: BaseException | None = None
        self._over = False
        self._threads = max(2, min(MOST_SCORING_THREADS, processors()))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="scoring")

    def __enter__(self) -> Self:
        """Return the scorer; its threads run from here on."""
        for _ in range(self._threads):
            self._pool.submit(self._work).add_done_callback(self._ended)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the threads; what waits is dropped where an error is on its way."""
        self._over = error is not None
        self._end()

    def accept(self, sample_id: str, png: bytes) -> None:
        """Take one answer, from any thread; blocks while too much waits.

        Raises:
            RejectedSampleError: This or an earlier prediction was refused.
            Exception: What `on_counted` or reading a label raised.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or self._has_room(len(png)))
            if self._failure is not None:
                raise self._failure
            self._waiting += 1
            self._waiting_bytes += len(png)
        self._answers.put((sample_id, png))

    def finish(self) -> None:
        """Wait until every answer is scored.

        Raises:
            RejectedSampleError: A prediction was refused.
            Exception: What `on_counted` or reading a label raised.
        """
        self._end()
        if self._failure is not None:
            raise self._failure

    @property
    def counted(self) -> int:
        """The number of predictions that were counted."""
        return self._counted

    def class_counts(self) -> Iterator[ClassCounts]:
        """Yield the counts as rows to store: classes with a pixel only, by sample and class."""
        return self._own.rows()

    def paired_counts(self) -> Iterator[ClassCounts]:
        """Yield the counts of sources under edits' filtered labels as rows, by edit and class.

        They are named by the edit, and are none where no label was filtered.
        """
        return self._paired.rows()

    def _has_room(self, size: int) -> bool:
        if not self._waiting:
            return True
        enough_bytes = self._waiting_bytes + size <= MAX_WAITING_BYTES
        return enough_bytes and self._waiting < MAX_WAITING

    def _end(self) -> None:
        for _ in range(self._threads):
            self._answers.put(None)
        self._pool.shutdown(wait=True)

    def _work(self) -> None:
        """Score answers until there are no more, or one fails."""
        while (answer := self._answers.get()) is not None:
            if self._over or self._failure is not None:
                return
            sample_id, png = answer
            self._score(sample_id, png)
            with self._changed:
                self._waiting -= 1
                self._waiting_bytes -= len(png)
                self._changed.notify()

    def _score(self, sample_id: str, png: bytes) -> None:
        sample = self._samples[sample_id]
        try:
            prediction = decode_prediction(png, width=sample.width, height=sample.height)
        except PredictionRejectedError as error:
            raise RejectedSampleError(error, sample_id) from error
        counts = self._counter.count(self._read_label(sample.label), prediction)
        paired = {
            edit.id: self._counter.count(self._read_label(edit.label), prediction)
            for edit in self._samples.judging(sample_id)
        }
        with self._changed:
            self._own.add(sample_id, counts)
            self._counted += 1
            for edit_id, judged in paired.items():
                self._paired.add(edit_id, judged)
        self._on_counted(sample_id, png)
        self._on_scored(1)

    def _ended(self, worker: Future[None]) -> None:
        """Keep what ended a thread before its time; the first failure is the one that is told."""
        error = worker.exception()
        if error is not None:
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()
