"""Scores predictions while the container works on the next ones."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.errors import PredictionRejectedError
from harness.evaluation.prediction import decode_prediction
from harness.metrics.confusion import SampleCounts, count_classes
from harness.records.label_space import LabelSpace
from harness.records.manifest import Sample
from harness.records.run import ClassCounts

SCORING_THREADS = 2
MAX_WAITING = 32
OTHER_CLASS_ID = -1


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
    so a fast container waits for us and memory stays flat.

    A source's prediction is counted under its own label and once more under the filtered label of
    each of its edits that has one and moves nothing: the clean side of those edits' drops, judged
    on the same pixels as they are.
    """

    def __init__(
        self,
        samples: Mapping[str, Sample],
        *,
        read_label: Callable[[Sample], NDArray[np.uint8]],
        label_space: LabelSpace,
        table: NDArray[np.uint16],
        on_scored: Callable[[int], None],
    ) -> None:
        """Prepare to score `samples`; `table` maps predicted ids (see `prediction_table`)."""
        self._samples = samples
        self._judges = _judging_edits(samples)
        self._read_label = read_label
        self._ignore_id = label_space.ignore_id
        self._class_ids = tuple(c.id for c in label_space.classes)
        self._table = table
        self._on_scored = on_scored
        self._pool = ThreadPoolExecutor(SCORING_THREADS, thread_name_prefix="scoring")
        self._room = threading.Semaphore(MAX_WAITING)
        self._lock = threading.Lock()
        self._counts: dict[str, SampleCounts] = {}
        self._paired: dict[str, SampleCounts] = {}
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        """Return the scorer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the threads; what waits is dropped where an error is on its way."""
        self._pool.shutdown(wait=True, cancel_futures=error is not None)

    def accept(self, sample_id: str, png: bytes) -> None:
        """Take one answer; blocks while too many wait.

        Raises:
            RejectedSampleError: This or an earlier prediction was refused.
        """
        self._raise_failure()
        self._room.acquire()
        self._pool.submit(self._score, sample_id, png).add_done_callback(self._finished)

    def finish(self) -> dict[str, SampleCounts]:
        """Return the counts by sample id, once all waiting answers are scored.

        Raises:
            RejectedSampleError: A prediction was refused.
        """
        self._pool.shutdown(wait=True)
        self._raise_failure()
        return dict(self._counts)

    def class_counts(self) -> tuple[ClassCounts, ...]:
        """Return the counts as rows to store: classes with a pixel only, by sample and class."""
        return self._rows(self._counts)

    def paired_counts(self) -> tuple[ClassCounts, ...]:
        """Return the counts of sources under edits' filtered labels as rows, by edit and class.

        They are named by the edit, and are none where no label was filtered.
        """
        return self._rows(self._paired)

    def _rows(self, counted: Mapping[str, SampleCounts]) -> tuple[ClassCounts, ...]:
        ids = (*self._class_ids, OTHER_CLASS_ID)
        return tuple(
            ClassCounts(sample_id=sample_id, class_id=class_id, tp=tp, fp=fp, fn=fn)
            for sample_id, counts in sorted(counted.items())
            for class_id, tp, fp, fn in zip(
                ids, counts.tp.tolist(), counts.fp.tolist(), counts.fn.tolist(), strict=True
            )
            if tp or fp or fn
        )

    def _score(self, sample_id: str, png: bytes) -> None:
        sample = self._samples[sample_id]
        try:
            prediction = decode_prediction(png, width=sample.width, height=sample.height)
        except PredictionRejectedError as error:
            raise RejectedSampleError(error, sample_id) from error
        mapped = self._table[prediction]
        counts = self._count(sample, mapped)
        paired = {edit.id: self._count(edit, mapped) for edit in self._judges.get(sample_id, ())}
        with self._lock:
            self._counts[sample_id] = counts
            self._paired |= paired
        self._on_scored(1)

    def _count(self, judge: Sample, mapped: NDArray[np.uint16]) -> SampleCounts:
        """Return the counts of a mapped prediction under the label that `judge` is scored by."""
        return count_classes(
            self._read_label(judge), mapped, class_ids=self._class_ids, ignore_id=self._ignore_id
        )

    def _finished(self, future: Future[None]) -> None:
        self._room.release()
        error = None if future.cancelled() else future.exception()
        if error is not None:
            with self._lock:
                self._failure = self._failure or error

    def _raise_failure(self) -> None:
        with self._lock:
            if self._failure is not None:
                raise self._failure


def _judging_edits(samples: Mapping[str, Sample]) -> dict[str, tuple[Sample, ...]]:
    """Return, by source, the edits whose filtered label it is counted under as well."""
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples.values():
        if sample.judges_source:
            found[sample.source_id].append(sample)
    return {source: tuple(edits) for source, edits in found.items()}
