"""The acceptance scores of a built benchmark, counted and spread; nothing of how they are printed.

Percentiles are interpolated linearly between the two nearest scores.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.benchmark.assessing.judging import judge_samples
from harness.benchmark.assessing.reapplying import AppliedThresholds, check_rule
from harness.benchmark.assessing.suggesting import BoundSuggestion, suggest_bounds
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.records.acceptance import AcceptanceRule, AcceptanceScores, RejectionReason
from harness.records.attributes import Attribute, Edit
from harness.records.base import Record
from harness.records.manifest import BenchmarkHeader, Sample

SCORES = tuple(AcceptanceScores.model_fields)
"""The scores, by their names in the manifest."""
BINS = 12
"""Bars of a histogram."""
_WORST_IS_GREATEST = frozenset({"voided_fraction"})
_PERCENTILES = (0, 5, 25, 50, 75, 95, 100)
_DECIMALS = 6


class ScoreSpread(Record):
    """How one score is spread over edits."""

    score: str
    """The score, by its name in the manifest."""
    edits: int
    """Number of edits that have it; it does not apply to the others."""
    minimum: float
    """The least."""
    p5: float
    """The 5th percentile."""
    p25: float
    """The 25th percentile."""
    median: float
    """The 50th percentile."""
    p75: float
    """The 75th percentile."""
    p95: float
    """The 95th percentile."""
    maximum: float
    """The greatest."""
    histogram: tuple[int, ...]
    """Number of edits in each of 12 equal bins, which together reach from the least to the greatest
    of the score over all edits of the report."""


class ValueScores(Record):
    """The edits of one value."""

    edit: Edit
    """The edit."""
    edits: int
    """Number of edits, rejected ones included."""
    accepted: int
    """Number of those that are accepted."""
    rejected: dict[RejectionReason, int]
    """Number of rejected edits, by reason."""
    would_accept: int | None
    """Number that the report's `rule` would accept; None where there is no such rule."""
    scores: tuple[ScoreSpread, ...]
    """How each score is spread; those that no edit of the value has are left out."""


class ScoredEdit(Record):
    """One edit to look at."""

    sample_id: str
    """Its id."""
    source_name: str
    """The name of its source."""
    edit: Edit
    """The edit."""
    score: float
    """Its score."""
    accepted: bool
    """Whether it is accepted."""
    rejection: RejectionReason | None
    """Why it is not; None where accepted."""
    image: str
    """The path of its image."""
    source_image: str
    """The path of its source's."""


class AcceptanceReport(Record):
    """The scores of a benchmark's edits; the JSON of `harness acceptance`."""

    benchmark: str
    """The benchmark's name."""
    digest: str
    """Its identity."""
    edits: int
    """Number of edits in the report, rejected ones included."""
    accepted: int
    """Number of those that are accepted."""
    rejected: dict[RejectionReason, int]
    """Number of rejected edits, by reason."""
    rule: AcceptanceRule | None
    """The rule that was tried, and changed nothing; None where none was."""
    would_accept: int | None
    """Number of edits that it would accept."""
    scores: tuple[ScoreSpread, ...]
    """How each score is spread over all edits of the report."""
    values: tuple[ValueScores, ...]
    """The same by value, in the benchmark's order."""
    worst_by: str | None
    """The score of `worst`; None where nothing was asked for."""
    worst: tuple[ScoredEdit, ...]
    """The edits with the worst of that score, the worst first: the lowest, but for
    `voided_fraction` the highest."""
    suggestions: tuple[BoundSuggestion, ...]
    """For each score the bound that would reject the share that was asked for; else none."""
    applied: AppliedThresholds | None
    """What applying the recipe's thresholds has changed; None where they were not applied."""


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """What a report is asked to show."""

    rule: AcceptanceRule | None = None
    """A rule to try on the scores; None tries none."""
    attributes: frozenset[Attribute] = field(default_factory=frozenset)
    """The attributes that are shown; none shows all."""
    worst_by: str = "object_change"
    """The score of the edits to look at, one of SCORES."""
    worst: int = 0
    """How many edits to look at are named."""
    suggest: float | None = None
    """The share of the edits, 0-1, that suggested bounds reject; None suggests none."""
    applied: AppliedThresholds | None = None
    """What was changed before the report."""


def report_scores(folder: BenchmarkFolder, request: ReportRequest) -> AcceptanceReport:
    """Return how the scores of the benchmark in `folder` are spread; nothing is written.

    Raises:
        BenchmarkError: It is not built, the rule to try needs scores of another model or such as
            were never computed, or no edit has the score of the worst.
    """
    header, samples = folder.header(), folder.samples()
    kept = _kept_by(request.rule, header, samples)
    edits = [s for s in samples if s.edit is not None and s.scores is not None]
    if request.attributes:
        edits = [s for s in edits if s.edit is not None and s.edit.attribute in request.attributes]
    table = _ScoreTable(edits)
    return AcceptanceReport(
        benchmark=header.name,
        digest=header.digest,
        edits=len(edits),
        accepted=sum(1 for sample in edits if sample.accepted),
        rejected=_reasons(edits),
        rule=request.rule,
        would_accept=_would_accept(edits, kept),
        scores=table.spreads(range(len(edits))),
        values=_values(header, edits, table=table, kept=kept),
        worst_by=request.worst_by if request.worst else None,
        worst=_worst(folder, edits, table=table, request=request),
        suggestions=() if request.suggest is None else suggest_bounds(edits, share=request.suggest),
        applied=request.applied,
    )


class _ScoreTable:
    """Every score of every edit, as columns; NaN where it does not apply."""

    def __init__(self, edits: Sequence[Sample]) -> None:
        found = [sample.scores for sample in edits]
        self._columns: dict[str, NDArray[np.float64]] = {
            name: np.array([getattr(scores, name) for scores in found], np.float64)
            for name in SCORES
        }
        self._ranges = {
            name: (float(np.nanmin(column)), float(np.nanmax(column)))
            for name, column in self._columns.items()
            if not np.isnan(column).all()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The scores that some edit has."""
        return tuple(self._ranges)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one score of all edits, [N]."""
        return self._columns[name]

    def spreads(self, rows: Iterable[int]) -> tuple[ScoreSpread, ...]:
        """Return how the scores of the edits in `rows` are spread."""
        picked = np.fromiter(rows, np.intp)
        spreads = (self._spread(name, self._columns[name][picked]) for name in self._ranges)
        return tuple(spread for spread in spreads if spread is not None)

    def _spread(self, name: str, column: NDArray[np.float64]) -> ScoreSpread | None:
        values = column[~np.isnan(column)]
        if values.size == 0:
            return None
        figures = [round(float(v), _DECIMALS) for v in np.percentile(values, _PERCENTILES)]
        low, high = self._ranges[name]
        places = (values - low) / (high - low) * BINS if high > low else np.zeros(values.size)
        bins = np.minimum(places.astype(np.intp), BINS - 1)
        return ScoreSpread(
            score=name,
            edits=int(values.size),
            minimum=figures[0],
            p5=figures[1],
            p25=figures[2],
            median=figures[3],
            p75=figures[4],
            p95=figures[5],
            maximum=figures[6],
            histogram=tuple(np.bincount(bins, minlength=BINS).tolist()),
        )


def _kept_by(
    rule: AcceptanceRule | None, header: BenchmarkHeader, samples: tuple[Sample, ...]
) -> frozenset[str] | None:
    """Return the ids of the edits that `rule` accepts, or None without a rule."""
    if rule is None:
        return None
    # What was built before its rule was recorded was built before there were filters.
    built_by = header.acceptance or AcceptanceRule()
    check_rule(rule, header.name, built_by=built_by, samples=samples)
    return frozenset(sample.id for sample in judge_samples(samples, rule) if sample.accepted)


def _values(
    header: BenchmarkHeader,
    edits: list[Sample],
    *,
    table: _ScoreTable,
    kept: frozenset[str] | None,
) -> tuple[ValueScores, ...]:
    rows: dict[Edit, list[int]] = {edit: [] for edit in header.edits}
    for row, sample in enumerate(edits):
        if sample.edit is not None:
            rows.setdefault(sample.edit, []).append(row)
    found = ((edit, places, [edits[row] for row in places]) for edit, places in rows.items())
    return tuple(
        ValueScores(
            edit=edit,
            edits=len(own),
            accepted=sum(1 for sample in own if sample.accepted),
            rejected=_reasons(own),
            would_accept=_would_accept(own, kept),
            scores=table.spreads(places),
        )
        for edit, places, own in found
        if own
    )


def _worst(
    folder: BenchmarkFolder,
    edits: list[Sample],
    *,
    table: _ScoreTable,
    request: ReportRequest,
) -> tuple[ScoredEdit, ...]:
    if not request.worst:
        return ()
    if request.worst_by not in table.names:
        msg = f"no edit that is shown of {folder.path.name} has the score {request.worst_by}"
        there = ", ".join(table.names) or "none"
        raise BenchmarkError(msg, remedy=f"Scores that are there: {there}.")
    column = table.column(request.worst_by)
    sign = -1 if request.worst_by in _WORST_IS_GREATEST else 1
    order = np.argsort(sign * column, kind="stable")  # NaN comes last
    rows = [int(row) for row in order[: request.worst] if not np.isnan(column[row])]
    return tuple(_scored_edit(folder, edits[row], float(column[row])) for row in rows)


def _scored_edit(folder: BenchmarkFolder, sample: Sample, score: float) -> ScoredEdit:
    return ScoredEdit.model_validate(
        {
            "sample_id": sample.id,
            "source_name": sample.source_name,
            "edit": sample.edit,
            "score": score,
            "accepted": sample.accepted,
            "rejection": sample.rejection,
            "image": str(folder.image_path(sample.id)),
            "source_image": str(folder.image_path(sample.source_id)),
        }
    )


def _reasons(edits: Iterable[Sample]) -> dict[RejectionReason, int]:
    counted = Counter(sample.rejection for sample in edits if sample.rejection is not None)
    return dict(sorted(counted.items()))


def _would_accept(edits: Iterable[Sample], kept: frozenset[str] | None) -> int | None:
    return None if kept is None else sum(1 for sample in edits if sample.id in kept)
