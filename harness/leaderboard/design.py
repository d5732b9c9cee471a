"""Which samples of a benchmark are scored and how they pair; nothing of predictions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.metrics.estimates import EditPairs, PairedDesign
from harness.metrics.iou import PixelCounts
from harness.records.manifest import BenchmarkHeader, Sample
from harness.store.counts import CountsTable


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Where samples stand, by id."""

    among_sources: dict[str, int]
    own: dict[str, int]
    judging: dict[str, int]

    def pairs(self, edits: list[Sample]) -> EditPairs:
        """Return how the accepted edits of one value are paired."""
        return EditPairs(
            sources=_positions(self.among_sources[edit.source_id] for edit in edits),
            edits=_positions(self.own[edit.id] for edit in edits),
            clean=_positions(self.judging.get(edit.id, self.own[edit.source_id]) for edit in edits),
        )


def _positions(places: Iterable[int]) -> NDArray[np.intp]:
    return np.array(list(places), dtype=np.intp)


@dataclass(frozen=True, kw_only=True)
class ScoredBenchmark:
    """A benchmark's accepted samples in a fixed order, and how they belong together."""

    header: BenchmarkHeader
    """The benchmark."""
    sample_ids: tuple[str, ...]
    """The accepted samples: the first part of the axis of all counts."""
    judge_ids: tuple[str, ...]
    """Edits under whose filtered labels their sources are counted as well: the rest of it."""
    rejected: int
    """Number of rejected edits."""
    design: PairedDesign
    """Sources, and the pairs of each value, as positions on that axis."""

    @classmethod
    def of(cls, header: BenchmarkHeader, samples: tuple[Sample, ...]) -> Self:
        """Return the scored part of the benchmark of `samples`."""
        accepted = sorted((s for s in samples if s.accepted), key=lambda sample: sample.id)
        sources = [row for row, sample in enumerate(accepted) if sample.edit is None]
        judges = [sample.id for sample in accepted if sample.judges_source]
        places = _Places(
            among_sources={accepted[row].id: order for order, row in enumerate(sources)},
            own={sample.id: row for row, sample in enumerate(accepted)},
            judging={judge: row for row, judge in enumerate(judges, start=len(accepted))},
        )
        edits: dict[str, list[Sample]] = {str(edit): [] for edit in header.edits}
        for sample in accepted:
            if sample.source_id in places.among_sources:
                edits.get(str(sample.edit), []).append(sample)
        values: dict[str, dict[str, EditPairs]] = {}
        for edit in header.edits:
            values.setdefault(edit.attribute.value, {})[edit.value] = places.pairs(edits[str(edit)])
        return cls(
            header=header,
            sample_ids=tuple(sample.id for sample in accepted),
            judge_ids=tuple(judges),
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

    def counts(self, own: CountsTable, paired: CountsTable) -> PixelCounts:
        """Return the counts [N, C] of one run, samples and judges down, classes across.

        Args:
            own: Its counts of samples under their own labels.
            paired: Its counts of sources under the labels of `judge_ids`.
        """
        return self._dense(own, self.sample_ids).then(self._dense(paired, self.judge_ids))

    def _dense(self, table: CountsTable, sample_ids: tuple[str, ...]) -> PixelCounts:
        class_ids = np.array([c.id for c in self.header.label_space.classes], dtype=np.int64)
        place = {sample_id: row for row, sample_id in enumerate(sample_ids)}
        rows_of = np.array(
            [place.get(sample_id, -1) for sample_id in table.sample_ids], dtype=np.intp
        )
        shape = (len(sample_ids), class_ids.size)
        kept = np.isin(table.class_id, class_ids) & (rows_of[table.sample] >= 0)
        row = rows_of[table.sample[kept]]
        column = np.searchsorted(class_ids, table.class_id[kept])
        tp, fp, fn = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        tp[row, column] = table.tp[kept]
        fp[row, column] = table.fp[kept]
        fn[row, column] = table.fn[kept]
        return PixelCounts.of(tp, fp, fn)
