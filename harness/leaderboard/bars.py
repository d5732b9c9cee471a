"""Where the bars of a submission's page stand on the scale they share; nothing of colours."""

from dataclasses import dataclass

from harness.records.ranking import (
    AttributeScore,
    ClassIou,
    Interval,
    RankedSubmission,
    ValueScore,
)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A drop and its interval, all on a scale from 0 to 100."""

    zero: float
    """Where no drop stands."""
    x: float
    """Where the bar begins on the left."""
    width: float
    """Its length."""
    low: float | None
    """The interval's lower end; None without interval."""
    high: float | None
    """The interval's upper end; None without interval."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """From edited to clean IoU of a class, on a scale from 0 to 100."""

    clean: float
    """The clean IoU."""
    edited: float
    """The edited IoU."""
    x: float
    """Where the span begins on the left."""
    width: float
    """Its length."""


@dataclass(frozen=True, kw_only=True)
class BarScale:
    """The percentage points at both ends of every bar's scale."""

    low: float
    """The left end."""
    high: float
    """The right end."""

    def at(self, value: float) -> float:
        """Return the place of `value`, 0-100."""
        return round(100.0 * (value - self.low) / (self.high - self.low), 2)

    def bar(self, drop_pp: float | None, interval: Interval | None) -> Bar | None:
        """Return the bar of a drop, or None where there is no drop."""
        if drop_pp is None:
            return None
        zero, end = self.at(0.0), self.at(drop_pp)
        return Bar(
            zero=zero,
            x=min(zero, end),
            width=round(abs(end - zero), 2),
            low=None if interval is None else self.at(interval.low),
            high=None if interval is None else self.at(interval.high),
        )


def bar_scale(row: RankedSubmission) -> BarScale:
    """Return a scale that holds every drop and interval of one submission, zero included."""
    reach = [0.0]
    for attribute in row.attributes:
        reach += _reach(attribute)
        for value in attribute.values:
            reach += _reach(value)
    low, high = min(reach), max(reach)
    return BarScale(low=low, high=high if high > low else low + 1.0)


def _reach(score: AttributeScore | ValueScore) -> list[float]:
    interval = score.drop_interval
    ends = [] if interval is None else [interval.low, interval.high]
    return ends if score.drop_pp is None else [score.drop_pp, *ends]


def class_span(score: ClassIou) -> Span | None:
    """Return the span of a class, or None where one of its ends is not defined."""
    if score.clean_iou is None or score.edited_iou is None:
        return None
    clean, edited = round(100 * score.clean_iou, 2), round(100 * score.edited_iou, 2)
    return Span(
        clean=clean, edited=edited, x=min(clean, edited), width=round(abs(clean - edited), 2)
    )
