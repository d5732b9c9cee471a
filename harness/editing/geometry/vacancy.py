"""What an object leaves when it goes: its label's pixels, its rim and its contact shadow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.editing.geometry.nearest import grown, nearest_pixel
from harness.editing.roles import Role

_RING = 6
"""How far from its object an ignored pixel may lie and still belong to its outline, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Vacancy:
    """A label without its object."""

    pixels: NDArray[np.bool_]
    """What the object leaves: its pixels and the ring of ignored ones around them."""
    label: NDArray[np.uint8]
    """Class ids: each vacated pixel takes the nearest class around it."""
    known: bool
    """Whether there is a class around it to take; where there is none, the label stays."""


def vacate(label: NDArray[np.uint8], mask: NDArray[np.bool_], roles: NDArray[np.uint8]) -> Vacancy:
    """Return `label` without the object of `mask`.

    Other objects and the ignore label do not spread, unless nothing else is in the image; the
    object's ring of ignored pixels goes with it.

    Args:
        label: Class ids, [H, W].
        mask: The object, [H, W].
        roles: A `Role` per pixel, [H, W].
    """
    ring = (roles == Role.UNKNOWN) & grown(mask, _RING)
    vacant = mask | ring
    spreads = ~vacant & (roles != Role.UNKNOWN) & (roles != Role.THING)
    if not spreads.any():
        spreads = ~vacant & (roles != Role.UNKNOWN)
    if not spreads.any():
        return Vacancy(pixels=vacant, label=label.copy(), known=False)
    result = label.copy()
    result[vacant] = label[nearest_pixel(spreads)][vacant]
    return Vacancy(pixels=vacant, label=result, known=True)


def rim_of(mask: NDArray[np.bool_]) -> int:
    """Return how far the object of `mask` colours what is around it, in pixels."""
    side = float(np.sqrt(np.float64(np.count_nonzero(mask))))
    return max(3, round(side * 0.025))


def with_traces(mask: NDArray[np.bool_], rim: int) -> NDArray[np.bool_]:
    """Return `mask` with what its object does to its surroundings: a rim and a contact shadow.

    The shadow lies under the object and goes with it.
    """
    around = grown(mask, rim)
    for _ in range(2):
        around |= np.roll(around, rim, axis=0) & (np.arange(mask.shape[0])[:, None] >= rim)
    return around
