"""Where the nearest pixel of a mask lies; nothing of what masks mean."""

import cv2
import numpy as np
from numpy.typing import NDArray


def nearest_pixel(wanted: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each pixel the row and the column of the nearest pixel of `wanted`."""
    _, ids = cv2.distanceTransformWithLabels(
        (~wanted).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(wanted)
    row_of = np.zeros(int(ids.max()) + 1, np.intp)
    column_of = np.zeros(int(ids.max()) + 1, np.intp)
    row_of[ids[rows, columns]] = rows
    column_of[ids[rows, columns]] = columns
    return row_of[ids], column_of[ids]


def grown(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Return `mask` with every pixel within `radius` of it."""
    side = 2 * radius + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    dilated: NDArray[np.bool_] = cv2.dilate(mask.astype(np.uint8), kernel) > 0
    return dilated
