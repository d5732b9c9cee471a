"""The bounds that would reject a given share of a benchmark's edits; nothing of what is good."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records.acceptance import AcceptanceScores
from harness.records.attributes import Scope
from harness.records.base import Record
from harness.records.manifest import Sample

_DECIMALS = range(2, 6)
"""How long a bound may be written before it is the score itself."""
_ALL = frozenset(Scope)
_LOCAL, _GEOMETRY = frozenset({Scope.LOCAL}), frozenset({Scope.GEOMETRY})


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """A bound, what it is on, and whom it judges; `judgement.judge` says the same in code."""

    key: str
    score: str
    scopes: frozenset[Scope] = _ALL
    greatest: bool = False


_BOUNDS = (
    _Bound(key="min_object_change", score="object_change"),
    _Bound(key="min_background_psnr", score="background_psnr", scopes=_LOCAL),
    _Bound(key="min_visible_fraction", score="visible_fraction", scopes=_GEOMETRY),
    _Bound(key="min_background_ssim", score="background_ssim", scopes=_LOCAL),
    _Bound(key="min_edge_agreement", score="edge_agreement", scopes=_ALL - _GEOMETRY),
    _Bound(key="clip.min_image_image", score="clip_image_image"),
    _Bound(key="clip.min_image_text", score="clip_image_text"),
    _Bound(key="clip.min_directional", score="clip_directional"),
    _Bound(key="noise.max_voided_fraction", score="voided_fraction", greatest=True),
)


class BoundSuggestion(Record):
    """The bound that would reject the worst of a score, and no more than the share asked for."""

    key: str
    """Its key in the recipe's [acceptance]."""
    score: str
    """The score that it is on."""
    bound: float
    """The bound; the shortest number that rejects these edits."""
    edits: int
    """Number of edits that have the score and are judged by it."""
    rejected: int
    """Number of those that it would reject, whatever other bounds say; fewer than the share where
    many have the same score."""
    by_value: dict[str, int]
    """The same by value, as `color=violet`; every value of which an edit is judged is there."""


def suggest_bounds(edits: Sequence[Sample], *, share: float) -> tuple[BoundSuggestion, ...]:
    """Return for each score that is there the bound that rejects the worst `share` of its edits.

    The share is taken of all edits together, not of each value: what a bound does to one value
    stands in `by_value`.

    Args:
        edits: Edits with scores.
        share: 0 to 1, exclusively.
    """
    found = (_suggestion(bound, edits, share=share) for bound in _BOUNDS)
    return tuple(suggestion for suggestion in found if suggestion is not None)


def _suggestion(bound: _Bound, edits: Iterable[Sample], *, share: float) -> BoundSuggestion | None:
    # A greatest value is a least one with the sign turned round.
    sign = -1 if bound.greatest else 1
    judged = [
        (str(sample.edit), sign * value)
        for sample in edits
        if sample.edit is not None and sample.edit.scope in bound.scopes
        for value in _values(sample.scores, bound.score)
    ]
    if not judged:
        return None
    ordered = sorted(value for _, value in judged)
    # Floor, but 0.29 * 100 is 28.999999999999996.
    count = math.floor(share * len(ordered) + 1e-9)
    kept = ordered[min(count, len(ordered) - 1)]
    rejected = [value for value in ordered if value < kept]
    short = _short(kept, above=rejected[-1] if rejected else -math.inf)
    counted = Counter(edit for edit, value in judged if value < kept)
    return BoundSuggestion(
        key=bound.key,
        score=bound.score,
        bound=sign * short + 0.0,  # no negative zero
        edits=len(judged),
        rejected=len(rejected),
        by_value={edit: counted[edit] for edit in sorted({edit for edit, _ in judged})},
    )


def _values(scores: AcceptanceScores | None, name: str) -> tuple[float, ...]:
    """Return the score, or nothing where it does not apply."""
    value = None if scores is None else getattr(scores, name)
    return () if value is None else (value,)


def _short(value: float, *, above: float) -> float:
    """Return the number with the fewest decimals that is at most `value` and greater than `above`.

    Two decimals are the fewest.
    """
    for decimals in _DECIMALS:
        scale = 10.0**decimals
        short = round(math.floor(value * scale) / scale, decimals)
        if above < short <= value:
            return short
    return value
