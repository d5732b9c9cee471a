"""How a figure is written on the site; nothing of how it came about.

Ratios are written as percentages, drops as percentage points; what is not defined is a dash.
"""

import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from markupsafe import Markup

from harness.records.ranking import Interval

MISSING = "\N{EN DASH}"
"""Stands wherever a figure is not defined."""
MINUS = "\N{MINUS SIGN}"
LINK_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the colour scale on which drops are shaded."""

    name: str
    """The CSS class, which has colours for light and dark."""
    below: float
    """Drops under this many percentage points belong to the step."""
    label: str
    """The step's range in the scale's legend, percentage points."""


STEPS = (
    Step(name="n2", below=-3.0, label=f"under {MINUS}3"),
    Step(name="n1", below=-1.0, label=f"{MINUS}3 to {MINUS}1"),
    Step(name="z0", below=1.0, label=f"{MINUS}1 to 1"),
    Step(name="p1", below=3.0, label="1 to 3"),
    Step(name="p2", below=6.0, label="3 to 6"),
    Step(name="p3", below=10.0, label="6 to 10"),
    Step(name="p4", below=15.0, label="10 to 15"),
    Step(name="p5", below=25.0, label="15 to 25"),
    Step(name="p6", below=40.0, label="25 to 40"),
    Step(name="p7", below=float("inf"), label="40 and over"),
)
"""The scale is the same on every board, so that equal colours mean equal drops."""


def _fixed(value: float, digits: int) -> str:
    # "z": what rounds to nothing has no sign.
    return f"{value:z.{digits}f}".replace("-", MINUS)


def percent(ratio: float | None, digits: int = 1) -> str:
    """Return a ratio as a percentage without its sign: 0.5899 is `59.0`."""
    return MISSING if ratio is None else _fixed(100.0 * ratio, digits)


def points(value: float | None, digits: int = 1) -> str:
    """Return percentage points: -0.42 with one digit and a real minus sign."""
    return MISSING if value is None else _fixed(value, digits)


def percent_interval(interval: Interval | None, digits: int = 1) -> str:
    """Return an interval of ratios as percentages: `[57.1, 61.0]`; empty where there is none."""
    if interval is None:
        return ""
    return f"[{percent(interval.low, digits)}, {percent(interval.high, digits)}]"


def points_interval(interval: Interval | None, digits: int = 1) -> str:
    """Return an interval of percentage points: `[1.2, 3.4]`; empty where there is none."""
    if interval is None:
        return ""
    return f"[{points(interval.low, digits)}, {points(interval.high, digits)}]"


def rank_interval(interval: tuple[int, int] | None) -> str:
    """Return a rank's interval from best to worst; one rank where they agree, empty for none."""
    if interval is None:
        return ""
    low, high = interval
    return str(low) if low == high else f"{low}{MISSING}{high}"


def whole(count: int | None) -> str:
    """Return a count with its thousands apart: `1,344`."""
    return MISSING if count is None else f"{count:,}"


def parameters(count: int | None) -> str:
    """Return a number of parameters as people say it: `26.1 M`."""
    if count is None:
        return MISSING
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            scaled = count / size
            return f"{scaled:.0f} {unit}" if scaled >= 100 else f"{scaled:.3g} {unit}"
    return str(count)


def rate(per_second: float | None) -> str:
    """Return images a second."""
    return MISSING if per_second is None else f"{per_second:,.1f}"


def decimal(value: float | None, digits: int = 3) -> str:
    """Return a plain number."""
    return MISSING if value is None else _fixed(value, digits)


def sort_key(value: float | None) -> str:
    """Return what the sort script compares: the exact number, or nothing."""
    return "" if value is None else repr(float(value))


def step(drop_pp: float | None) -> str:
    """Return the CSS class of a drop's step on the colour scale."""
    if drop_pp is None:
        return "none"
    return next(step.name for step in STEPS if drop_pp < step.below)


def plain(text: str) -> str:
    """Return hostile text without control characters, which no page needs to show."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"})


def sentence(text: str) -> str:
    """Return hostile text as a sentence: a capital first, a full stop last."""
    said = text.strip()
    if not said:
        return said
    return f"{said[0].upper()}{said[1:]}{'' if said[-1] in '.!?…' else '.'}"


def coded(text: str) -> Markup:
    """Return hostile text with what stands between two backticks as code, all of it escaped."""
    parts = plain(text).split("`")
    marked = [
        Markup("<code>{}</code>").format(part) if place % 2 and place + 1 < len(parts) else part
        for place, part in enumerate(parts)
    ]
    return Markup("").join(marked)


def shortened(text: str, length: int) -> str:
    """Return text of at most `length` characters, with an ellipsis where some were left out."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= length else f"{flat[: length - 1].rstrip()}…"


def safe_url(url: str | None) -> str | None:
    """Return `url` where it is an absolute http or https address, else None."""
    if url is None or any(c.isspace() or unicodedata.category(c) == "Cc" for c in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme.lower() in LINK_SCHEMES and parts.hostname else None


def words(name: str) -> str:
    """Return an attribute, value or class name as words: `oil-pastel` is `oil pastel`."""
    return name.replace("-", " ").replace("_", " ")
