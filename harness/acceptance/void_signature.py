"""Where in an object the noise filter took pixels, coarsely; nothing of why."""

import base64

import numpy as np
from numpy.typing import NDArray

COLUMNS = 12
ROWS = 9
_WHOLE = 65535
"""How a cell writes the whole object."""


def void_signature(noise: NDArray[np.bool_], mask: NDArray[np.bool_]) -> str:
    """Return the base64 of the 12x9 grid that says where in the object `noise` lies.

    The grid is laid over the object's box. A cell holds the number of noisy pixels in it as a share
    of the object's, as big-endian uint16 of 65535, row by row.

    Args:
        noise: The pixels that are taken, [H, W]; outside of `mask` there are none.
        mask: The object's pixels, [H, W]; at least one.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = rows[0], columns[0]
    height, width = rows[-1] + 1 - top, columns[-1] + 1 - left
    y, x = np.nonzero(noise)
    cells = (y - top) * ROWS // height * COLUMNS + (x - left) * COLUMNS // width
    taken = np.bincount(cells, minlength=ROWS * COLUMNS)
    pixels = int(np.count_nonzero(mask))
    shares = (2 * taken * _WHOLE + pixels) // (2 * pixels)
    return base64.b64encode(shares.astype(">u2").tobytes()).decode("ascii")


def void_difference(one: str | None, other: str | None) -> float:
    """Return the least share of the object that was taken in one of the two only, 0-1.

    Pixels of one cell that differ may go unseen; rounding adds up to 0.0017. None is the signature
    of an object that nothing was taken of; what is no signature differs by the whole object.
    """
    first, second = _shares(one), _shares(other)
    if first is None or second is None:
        return 1.0
    return min(float(np.abs(first - second).sum()) / _WHOLE, 1.0)


def _shares(signature: str | None) -> NDArray[np.int64] | None:
    if signature is None:
        return np.zeros(ROWS * COLUMNS, np.int64)
    try:
        shares = np.frombuffer(base64.b64decode(signature, validate=True), ">u2")
    except ValueError:
        return None
    return shares.astype(np.int64) if len(shares) == ROWS * COLUMNS else None
