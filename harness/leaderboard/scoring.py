"""One submission's figures, intervals and row of the board; nothing of how places are given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.leaderboard.design import ScoredBenchmark
from harness.metrics.bootstrap import percentile_interval
from harness.metrics.drops import DropEstimate
from harness.metrics.estimates import EditPairs, Estimates, estimate, resampled_estimates
from harness.metrics.iou import Floats, PixelCounts, class_iou, defined, divided, once_each
from harness.records.attributes import Attribute
from harness.records.ranking import AttributeScore, ClassIou, Interval, RankedSubmission, ValueScore
from harness.records.run import RunRecord

PERCENT = 100
MIN_SOURCES = 2
"""With one source every resample is that source, and an interval of no width would be a lie."""


@dataclass(frozen=True, kw_only=True)
class ScoredRun:
    """A completed run with everything that placing it needs."""

    run: RunRecord
    """The run."""
    counts: PixelCounts
    """Its counts [N, C], see `ScoredBenchmark.counts`."""
    drawn: Estimates
    """Its figures, shape [1]."""
    resampled: Estimates
    """Its figures in each resample, shape [B]."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a submission stands among the others; the default is that of the unqualified."""

    qualified: bool = False
    """Whether it is ranked at all."""
    rank: int | None = None
    """By overall drop."""
    rank_interval: tuple[int, int] | None = None
    """The rank's 95 % interval."""
    pareto: bool = False
    """Whether it is on the Pareto front."""
    attribute_ranks: Mapping[str, int | None] = field(default_factory=dict)
    """By the drop of each attribute."""


def score_run(
    run: RunRecord,
    counts: PixelCounts,
    benchmark: ScoredBenchmark,
    *,
    resamples: int,
    seed: int,
) -> ScoredRun:
    """Return the figures of `run`, as drawn and resampled."""
    return ScoredRun(
        run=run,
        counts=counts,
        drawn=estimate(counts, benchmark.design),
        resampled=resampled_estimates(counts, benchmark.design, resamples=resamples, seed=seed),
    )


def board_row(scored: ScoredRun, benchmark: ScoredBenchmark, place: Place) -> RankedSubmission:
    """Return the row of the board that shows `scored` at `place`."""
    run, drawn, resampled = scored.run, scored.drawn, scored.resampled
    pairs = (p for by_value in benchmark.design.values.values() for p in by_value.values())
    return RankedSubmission(
        submission=run.submission,
        run_id=run.run_id,
        image_digest=run.image_digest,
        finished_at=run.finished_at,
        images_per_second=run.outcome.images_per_second,
        qualified=place.qualified,
        rank=place.rank,
        rank_interval=place.rank_interval,
        pareto=place.pareto,
        clean_miou=defined(drawn.clean[0]),
        clean_interval=_interval(resampled.clean, sources=benchmark.design.sources.size),
        pixel_accuracy=defined(drawn.accuracy[0]),
        edited_miou=defined(drawn.overall.edited[0]),
        drop_pp=defined(PERCENT * drawn.overall.drop[0]),
        drop_interval=_interval(PERCENT * resampled.overall.drop, sources=_distinct(pairs)),
        relative_drop=defined(divided(drawn.overall.drop, drawn.clean)[0]),
        attributes=tuple(
            _attribute_score(name, scored, by_value, rank=place.attribute_ranks.get(name))
            for name, by_value in benchmark.design.values.items()
        ),
        classes=_class_ious(scored.counts, benchmark),
    )


def _attribute_score(
    name: str, scored: ScoredRun, pairs: Mapping[str, EditPairs], *, rank: int | None
) -> AttributeScore:
    drawn, resampled = scored.drawn.attributes[name], scored.resampled.attributes[name]
    return AttributeScore(
        attribute=Attribute(name),
        clean_miou=defined(drawn.clean[0]),
        edited_miou=defined(drawn.edited[0]),
        drop_pp=defined(PERCENT * drawn.drop[0]),
        drop_interval=_interval(PERCENT * resampled.drop, sources=_distinct(pairs.values())),
        rank=rank,
        values=tuple(
            _value_score(
                (Attribute(name), value),
                scored.drawn.values[name][value],
                scored.resampled.values[name][value],
                sources=of_value.sources.size,
            )
            for value, of_value in pairs.items()
        ),
    )


def _value_score(
    edit: tuple[Attribute, str], drawn: DropEstimate, resampled: DropEstimate, *, sources: int
) -> ValueScore:
    attribute, value = edit
    return ValueScore(
        attribute=attribute,
        value=value,
        sources=sources,
        clean_miou=defined(drawn.clean[0]),
        edited_miou=defined(drawn.edited[0]),
        drop_pp=defined(PERCENT * drawn.drop[0]),
        drop_interval=_interval(PERCENT * resampled.drop, sources=sources),
        relative_drop=defined(drawn.relative[0]),
    )


def _class_ious(counts: PixelCounts, benchmark: ScoredBenchmark) -> tuple[ClassIou, ...]:
    sources = counts.at(benchmark.design.sources)
    edits = counts.at(benchmark.paired_edits())
    clean = sources.pooled(once_each(len(sources.hits)))
    edited = edits.pooled(once_each(len(edits.hits)))
    clean_iou, edited_iou = class_iou(clean)[0], class_iou(edited)[0]
    return tuple(
        ClassIou(
            class_name=label_class.name,
            clean_iou=defined(clean_iou[column]),
            edited_iou=defined(edited_iou[column]),
        )
        for column, label_class in enumerate(benchmark.header.label_space.classes)
        if clean.labelled[0, column] > 0
    )


def _interval(values: Floats, *, sources: int) -> Interval | None:
    bounds = percentile_interval(values) if sources >= MIN_SOURCES else None
    return None if bounds is None else Interval(low=bounds.low, high=bounds.high)


def _distinct(pairs: Iterable[EditPairs]) -> int:
    """Return how many sources have an edit among `pairs`."""
    sources = [of_value.sources for of_value in pairs]
    return int(np.unique(np.concatenate(sources)).size) if sources else 0
