"""Pixel counts of one prediction against its label; nothing of files, samples or ratios."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BYTE_VALUES = 256
WORD_VALUES = 65536
BAND_PIXELS = 2**24
"""How many pixels one histogram takes: OpenCV returns it in 32-bit floats, exact up to this."""

_Pairs = NDArray[np.float32] | NDArray[np.float64]
"""Whole numbers."""


@dataclass(frozen=True, kw_only=True)
class SampleCounts:
    """Counts per class in the order of `class_ids`; the last entry is "other".

    "Other" gathers predictions outside the classes: it has false positives only.
    """

    tp: NDArray[np.int64]
    """Pixels of the class that were predicted as it."""
    fp: NDArray[np.int64]
    """Pixels of another class that were predicted as it."""
    fn: NDArray[np.int64]
    """Pixels of the class that were predicted as another, or as none."""


class ClassCounter:
    """Counts predictions against labels of one label space.

    Ignored pixels are masked on the label's side only. A prediction outside the classes, the ignore
    id included, counts against the model: fn for the true class, fp for "other".

    Pixels are only read to count how often each pair (label id, predicted id) occurs. What the ids
    mean is looked up in those counts, of which there are few: so a table costs nothing a pixel.
    """

    def __init__(
        self,
        *,
        class_ids: tuple[int, ...],
        ignore_id: int,
        table: NDArray[np.uint16] | None = None,
    ) -> None:
        """Prepare to count.

        Args:
            class_ids: The classes' ids.
            ignore_id: The label id that is not counted.
            table: The class id that each of 65,536 predicted ids stands for; None is each its own.

        Raises:
            ValueError: The class ids are none of 8-bit labels.
        """
        if not class_ids or len(class_ids) >= BYTE_VALUES or not set(class_ids) < set(range(256)):
            msg = "8-bit labels have 1 to 255 class ids between 0 and 255"
            raise ValueError(msg)
        self._classes = np.array(class_ids, np.intp)
        self._ignore_id = ignore_id
        columns = np.full(WORD_VALUES, len(class_ids), np.uint8)
        columns[self._classes] = np.arange(len(class_ids))
        self._columns = columns if table is None else columns[table]
        """By predicted id the position of its class; one past the last class for "other"."""

    def count(
        self, label: NDArray[np.uint8], prediction: NDArray[np.uint8] | NDArray[np.uint16]
    ) -> SampleCounts:
        """Return tp, fp and fn for each class, and "other" last.

        Args:
            label: Class ids, [H, W].
            prediction: Predicted ids, [H, W].

        Raises:
            ValueError: Shapes or types don't fit, or the label holds an id that is neither a class
                nor ignored.
        """
        _check_arrays(label, prediction)
        if prediction.dtype == np.uint8:
            pairs = _count_pairs(label, prediction.astype(np.uint8, copy=False))
            columns = self._columns[:BYTE_VALUES]
        else:
            pairs = _count_pairs(label, self._columns[prediction])
            columns = np.minimum(np.arange(BYTE_VALUES), len(self._classes)).astype(np.uint8)
        scored = pairs[self._classes].astype(np.int64)
        ignored = int(pairs[self._ignore_id].sum()) if self._ignore_id < BYTE_VALUES else 0
        if scored.sum() + ignored != label.size:
            self._refuse_label_ids(pairs)
        return self._summed(scored, columns)

    def _summed(self, scored: NDArray[np.int64], columns: NDArray[np.uint8]) -> SampleCounts:
        """Return the counts in `scored`, [classes, 256], whose columns stand for `columns`."""
        others = len(self._classes)
        labelled = scored.sum(axis=1)
        predicted = _gathered(columns, scored.sum(axis=0), size=others + 1)
        meant = np.flatnonzero(columns < others)
        rows = columns[meant]
        tp = _gathered(rows, scored[rows, meant], size=others + 1)
        return SampleCounts(tp=tp, fp=predicted - tp, fn=np.append(labelled, 0) - tp)

    def _refuse_label_ids(self, pairs: _Pairs) -> None:
        found = pairs.sum(axis=1)
        found[self._classes] = 0
        found[self._ignore_id : self._ignore_id + 1] = 0
        msg = (
            "the label holds ids that are neither classes nor ignored: "
            f"{np.flatnonzero(found).tolist()}"
        )
        raise ValueError(msg)


def count_classes(
    label: NDArray[np.uint8],
    prediction: NDArray[np.uint8] | NDArray[np.uint16],
    *,
    class_ids: tuple[int, ...],
    ignore_id: int,
) -> SampleCounts:
    """Return what a `ClassCounter` counts, for who counts once.

    Raises:
        ValueError: As for `ClassCounter` and its `count`.
    """
    return ClassCounter(class_ids=class_ids, ignore_id=ignore_id).count(label, prediction)


def _gathered(
    places: NDArray[np.uint8], counts: NDArray[np.int64], *, size: int
) -> NDArray[np.int64]:
    """Return the sum of `counts` at each place; doubles are exact up to 2^53 pixels."""
    return np.bincount(places, weights=counts, minlength=size).astype(np.int64)


def _count_pairs(label: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> _Pairs:
    """Return how often each pair (label id, predicted id) occurs, as a 256 x 256 array.

    OpenCV's histogram of two images is four times as fast as NumPy's of their 16-bit words at
    256x256, and other threads go on meanwhile.
    """
    rows = max(1, BAND_PIXELS // max(1, label.shape[1]))
    if label.shape[0] <= rows:
        return _histogram(label, prediction)
    pairs = np.zeros((BYTE_VALUES, BYTE_VALUES))
    for top in range(0, label.shape[0], rows):
        pairs += _histogram(label[top : top + rows], prediction[top : top + rows])
    return pairs


def _histogram(label: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> NDArray[np.float32]:
    pairs = cv2.calcHist([label, prediction], [0, 1], None, [BYTE_VALUES] * 2, [0, BYTE_VALUES] * 2)
    return pairs.astype(np.float32, copy=False)


def _check_arrays(
    label: NDArray[np.uint8], prediction: NDArray[np.uint8] | NDArray[np.uint16]
) -> None:
    if label.ndim != 2 or label.shape != prediction.shape:
        msg = f"a prediction of shape {prediction.shape} does not fit a label of {label.shape}"
        raise ValueError(msg)
    if label.dtype != np.uint8 or prediction.dtype not in (np.uint8, np.uint16):
        msg = f"labels are uint8 and predictions uint8 or uint16, not {label.dtype} and {prediction.dtype}"  # noqa: E501 - one message
        raise ValueError(msg)
