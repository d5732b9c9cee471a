"""Where the marks of the scatter stand, in SVG user units; nothing of colours."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from harness.leaderboard.figures import MINUS, percent, shortened
from harness.records.ranking import Board, Interval, RankedSubmission

WIDTH, HEIGHT = 760.0, 440.0
POINT_RADIUS = 11.0
LABEL_LENGTH = 30
CHARACTER_WIDTH = 6.9
"""An upper estimate at the labels' size, since the reader's font is not known."""
LABEL_HEIGHT = 15.0

Place = Callable[[float], float]


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle that a mark or a label covers."""

    left: float
    """Its left side."""
    top: float
    """Its upper side."""
    right: float
    """Its right side."""
    bottom: float
    """Its lower side."""

    def overlaps(self, other: "Box") -> bool:
        """Return whether the two share more than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: "Box") -> bool:
        """Return whether `other` lies wholly inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


PLOT = Box(left=64.0, top=20.0, right=WIDTH - 24.0, bottom=HEIGHT - 58.0)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One tick of an axis."""

    at: float
    """Its place."""
    label: str
    """Its text."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """A point's name where it covers nothing else."""

    x: float
    """Where the text is anchored."""
    y: float
    """Its baseline."""
    anchor: str
    """The SVG text-anchor."""
    text: str
    """The submission's title, shortened."""
    box: Box
    """What it covers."""


@dataclass(frozen=True, kw_only=True)
class ScatterPoint:
    """One submission."""

    row: RankedSubmission
    """The submission."""
    x: float
    """Where its clean mIoU stands."""
    y: float
    """Where its overall drop stands."""
    x_interval: Interval | None
    """Where the clean mIoU's interval stands."""
    y_interval: Interval | None
    """Where the drop's interval stands; the smaller drop is `low`, and higher up."""
    label: Label | None = None
    """Its name; None where no place was free, since the table has it anyway."""


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """Clean mIoU to the right, overall drop downwards: better is up and to the right."""

    x_ticks: tuple[Tick, ...]
    """Clean mIoU, per cent."""
    y_ticks: tuple[Tick, ...]
    """Overall drop, percentage points."""
    points: tuple[ScatterPoint, ...]
    """The submissions that have both figures."""
    front: str
    """The Pareto front as the points of an SVG polyline; empty under two submissions."""
    qualifying_x: float | None
    """Where the qualifying clean mIoU stands; None where it is off the chart."""


def scatter(board: Board) -> Scatter | None:
    """Return the scatter of a board, or None where no submission has both figures."""
    figures = [
        (row, row.clean_miou, row.drop_pp)
        for row in (*board.ranked, *board.unranked)
        if row.clean_miou is not None and row.drop_pp is not None
    ]
    if not figures:
        return None
    cleans = [c for row, clean, _ in figures for c in (clean, *_ends(row.clean_interval))]
    drops = [d for row, _, drop in figures for d in (drop, *_ends(row.drop_interval))]
    x_values = nice_ticks(min(cleans), max(cleans))
    y_values = nice_ticks(min(drops), max(drops))

    def place_x(value: float) -> float:
        return _between(value, x_values, start=PLOT.left, end=PLOT.right)

    def place_y(value: float) -> float:
        return _between(value, y_values, start=PLOT.top, end=PLOT.bottom)

    bare = [
        ScatterPoint(
            row=row,
            x=place_x(clean),
            y=place_y(drop),
            x_interval=_placed(row.clean_interval, place_x),
            y_interval=_placed(row.drop_interval, place_y),
        )
        for row, clean, drop in figures
    ]
    qualifying = board.benchmark.qualifying_miou
    corners = _front(bare)
    return Scatter(
        x_ticks=tuple(Tick(at=place_x(v), label=_percent_tick(v)) for v in x_values),
        y_ticks=tuple(Tick(at=place_y(v), label=f"{v:g}".replace("-", MINUS)) for v in y_values),
        points=_labelled(bare, corners),
        front=" ".join(f"{x:g},{y:g}" for x, y in corners),
        qualifying_x=place_x(qualifying) if x_values[0] <= qualifying <= x_values[-1] else None,
    )


def nice_ticks(low: float, high: float, *, about: int = 5) -> tuple[float, ...]:
    """Return round numbers that enclose `low` and `high`, in about `about` equal steps."""
    raw = max(high - low, 1e-3) / about
    magnitude = 10.0 ** math.floor(math.log10(raw))
    size = next(m * magnitude for m in (1.0, 2.0, 5.0, 10.0) if m * magnitude >= raw * 0.999)
    first, last = math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9)
    return tuple(round(i * size, 10) for i in range(first, max(last, first + 1) + 1))


def _ends(interval: Interval | None) -> tuple[float, ...]:
    return () if interval is None else (interval.low, interval.high)


def _percent_tick(ratio: float) -> str:
    return percent(ratio, 0 if math.isclose(100 * ratio, round(100 * ratio)) else 1)


def _between(value: float, ticks: Sequence[float], *, start: float, end: float) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(start + share * (end - start), 2)


def _placed(interval: Interval | None, place: Place) -> Interval | None:
    if interval is None:
        return None
    return Interval(low=place(interval.low), high=place(interval.high))


def _front(scattered: Sequence[ScatterPoint]) -> list[tuple[float, float]]:
    """Return the corners of the stairs along the Pareto front; none under two submissions."""
    on_front = sorted((p.x, p.y) for p in scattered if p.row.pareto)
    if len(on_front) < 2:
        return []
    corners = on_front[:1]
    for (before_x, _), (after_x, after_y) in pairwise(on_front):
        corners += [(before_x, after_y), (after_x, after_y)]
    return corners


def _labelled(
    scattered: Sequence[ScatterPoint], corners: Sequence[tuple[float, float]]
) -> tuple[ScatterPoint, ...]:
    """Return the points with names put, in rank order, wherever they cover nothing."""
    room = Box(left=PLOT.left, top=2.0, right=WIDTH, bottom=PLOT.bottom)
    taken = [_around(p) for p in scattered]
    taken += [_along(a, b) for a, b in pairwise(corners)]
    named = []
    for point in scattered:
        free = (
            label
            for label in _candidates(point)
            if room.holds(label.box) and not any(label.box.overlaps(box) for box in taken)
        )
        label = next(free, None)
        if label is not None:
            taken.append(label.box)
        named.append(replace(point, label=label))
    return tuple(named)


def _along(start: tuple[float, float], end: tuple[float, float]) -> Box:
    (x0, y0), (x1, y1) = start, end
    return Box(
        left=min(x0, x1) - 1, top=min(y0, y1) - 1, right=max(x0, x1) + 1, bottom=max(y0, y1) + 1
    )


def _around(point: ScatterPoint) -> Box:
    r = POINT_RADIUS
    return Box(left=point.x - r, top=point.y - r, right=point.x + r, bottom=point.y + r)


def _candidates(point: ScatterPoint) -> Iterator[Label]:
    text = shortened(point.row.submission.title, LABEL_LENGTH)
    width = len(text) * CHARACTER_WIDTH
    for dy in (-9.0, 17.0, 4.5, -24.0, 32.0):
        for anchor, dx, left in (("start", 15.0, 0.0), ("end", -15.0, -width)):
            x, y = point.x + dx, point.y + dy
            box = Box(left=x + left, top=y - LABEL_HEIGHT + 3, right=x + left + width, bottom=y + 3)
            yield Label(x=round(x, 2), y=round(y, 2), anchor=anchor, text=text, box=box)
