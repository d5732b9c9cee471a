"""Where an object stands after a size or position edit; nothing of pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.editing.editor import EditRequest, EditSource
from harness.errors import ImageEditError
from harness.records.attributes import Scope

DEFAULT_AMOUNT = {"larger": 0.25, "smaller": 0.25, "left": 0.15, "right": 0.15}
"""How much an edit scales (of the object's size) or moves (of the image's width) if not told."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the object's bounding box goes, in pixels; it may lie outside the frame."""

    top: int
    left: int
    height: int
    width: int

    @property
    def foot(self) -> int:
        """The row of the box's lower edge."""
        return self.top + self.height - 1


def place(mask: NDArray[np.bool_], value: str, amount: float) -> Placement:
    """Return the box of the object of `mask` after the edit.

    Scaling keeps the middle of its lower edge, so that it goes on standing where it stood.
    """
    rows, columns = box_of(mask)
    top, left = rows.start, columns.start
    height, width = rows.stop - top, columns.stop - left
    if value in ("left", "right"):
        step = round(amount * mask.shape[1])
        return Placement(
            top=top, left=left + (step if value == "right" else -step), height=height, width=width
        )
    scale = 1.0 + amount if value == "larger" else max(0.05, 1.0 - amount)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    return Placement(
        top=top + height - new_height,
        left=left + (width - new_width) // 2,
        height=new_height,
        width=new_width,
    )


def amount_of(request: EditRequest) -> float:
    """Return how much `request` scales or moves: what it says, or else its value's default."""
    return DEFAULT_AMOUNT[request.edit.value] if request.amount is None else request.amount


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and the columns of the bounding box of `mask`, which is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def object_of(source: EditSource, request: EditRequest) -> NDArray[np.bool_]:
    """Return the mask of the object that `request` scales or moves.

    Raises:
        ImageEditError: It is no size or position edit, its value or amount is not one, or there is
            no object.
    """
    edit, amount = request.edit, request.amount
    if edit.scope is not Scope.GEOMETRY or edit.value not in DEFAULT_AMOUNT:
        known = ", ".join(DEFAULT_AMOUNT)
        msg = f"{edit} neither scales nor moves an object"
        raise ImageEditError(msg, remedy=f"Use a size or position edit, one of: {known}.")
    if amount is not None and not 0 < amount <= 1:
        msg = f"{edit} needs an amount over 0 and up to 1, not {amount}"
        raise ImageEditError(msg, remedy="Set the amount as a share: 0.2 is by 20 %.")
    if source.mask is None or not source.mask.any():
        lack = "has no object mask" if source.mask is None else "has an empty object mask"
        msg = f"{edit} needs an object, and the source {lack}"
        raise ImageEditError(msg, remedy="Name the object by a mask.")
    return source.mask
