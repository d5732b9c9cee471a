"""Which samples of a benchmark are scored and how they pair; nothing of predictions."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.metrics.estimates import EditPairs, PairedDesign
from harness.metrics.iou import PixelCounts
from harness.records.manifest import BenchmarkHeader, Sample
from harness.store.counts import CountsTable


@dataclass(frozen=True, kw_only=True)
class ScoredBenchmark:
    """A benchmark's accepted samples in a fixed order, and how they belong together."""

    header: BenchmarkHeader
    """The benchmark."""
    sample_ids: tuple[str, ...]
    """The accepted samples: the axis of all counts."""
    rejected: int
    """Number of rejected edits."""
    design: PairedDesign
    """Sources, and the pairs of each value, as positions among `sample_ids`."""

    @classmethod
    def of(cls, header: BenchmarkHeader, samples: tuple[Sample, ...]) -> Self:
        """Return the scored part of the benchmark of `samples`."""
        accepted = sorted((s for s in samples if s.accepted), key=lambda sample: sample.id)
        sources = [row for row, sample in enumerate(accepted) if sample.edit is None]
        place = {accepted[row].id: order for order, row in enumerate(sources)}
        rows: dict[str, list[int]] = {str(edit): [] for edit in header.edits}
        for row, sample in enumerate(accepted):
            if sample.source_id in place:
                rows.get(str(sample.edit), []).append(row)
        values: dict[str, dict[str, EditPairs]] = {}
        for edit in header.edits:
            edits = rows[str(edit)]
            values.setdefault(edit.attribute.value, {})[edit.value] = EditPairs(
                sources=np.array([place[accepted[row].source_id] for row in edits], dtype=np.intp),
                edits=np.array(edits, dtype=np.intp),
            )
        return cls(
            header=header,
            sample_ids=tuple(sample.id for sample in accepted),
            rejected=len(samples) - len(accepted),
            design=PairedDesign(sources=np.array(sources, dtype=np.intp), values=values),
        )

    @property
    def edits(self) -> int:
        """Number of accepted edits."""
        return int(self.paired_edits().size)

    def paired_edits(self) -> NDArray[np.intp]:
        """Return the positions of all accepted edits among `sample_ids`."""
        edits = [p.edits for by_value in self.design.values.values() for p in by_value.values()]
        return np.concatenate([np.empty(0, dtype=np.intp), *edits])

    def counts(self, table: CountsTable) -> PixelCounts:
        """Return the counts [N, C] of the one run in `table`, samples and classes in order."""
        class_ids = np.array([c.id for c in self.header.label_space.classes], dtype=np.int64)
        place = {sample_id: row for row, sample_id in enumerate(self.sample_ids)}
        rows_of = np.array(
            [place.get(sample_id, -1) for sample_id in table.sample_ids], dtype=np.intp
        )
        shape = (len(self.sample_ids), class_ids.size)
        kept = np.isin(table.class_id, class_ids) & (rows_of[table.sample] >= 0)
        row = rows_of[table.sample[kept]]
        column = np.searchsorted(class_ids, table.class_id[kept])
        tp, fp, fn = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        tp[row, column] = table.tp[kept]
        fp[row, column] = table.fp[kept]
        fn[row, column] = table.fn[kept]
        return PixelCounts.of(tp, fp, fn)
