"""The pixel counts of a run while it goes on, in columns; nothing of how they were counted.

A run of a hundred thousand samples has some four hundred thousand rows: 34 bytes each here, and
made into records only while they are stored.
"""

from collections.abc import Iterator

import numpy as np

from harness.metrics.confusion import SampleCounts
from harness.records.run import ClassCounts

OTHER_CLASS_ID = -1
_COLUMNS = np.dtype(
    [("sample", "<u8"), ("place", "<u2"), ("tp", "<i8"), ("fp", "<i8"), ("fn", "<i8")]
)
"""A sample's id as a number, its class's place among the classes, and the counts."""
_ROWS_AT_ONCE = 4096


class RunCounts:
    """Grows by one sample at a time; the rows come out by sample and class."""

    def __init__(self, class_ids: tuple[int, ...]) -> None:
        """Prepare to take counts of these classes, in their order, and of "other" after them."""
        self._class_ids = (*class_ids, OTHER_CLASS_ID)
        self._packed = bytearray()

    def add(self, sample_id: str, counts: SampleCounts) -> None:
        """Take the counts of a sample, once; those of classes without a pixel are left out."""
        places = np.flatnonzero(counts.tp | counts.fp | counts.fn)
        rows = np.empty(places.size, _COLUMNS)
        rows["sample"] = int(sample_id, 16)
        rows["place"] = places
        rows["tp"], rows["fp"], rows["fn"] = counts.tp[places], counts.fp[places], counts.fn[places]
        self._packed += rows.tobytes()

    def rows(self) -> Iterator[ClassCounts]:
        """Yield the rows to store, each made when it is asked for; take no counts meanwhile."""
        found = np.frombuffer(self._packed, _COLUMNS)
        order = np.lexsort((found["place"], found["sample"]))
        for first in range(0, order.size, _ROWS_AT_ONCE):
            for sample, place, tp, fp, fn in found[order[first : first + _ROWS_AT_ONCE]].tolist():
                yield ClassCounts(
                    sample_id=f"{sample:016x}",
                    class_id=self._class_ids[place],
                    tp=tp,
                    fp=fp,
                    fn=fn,
                )
