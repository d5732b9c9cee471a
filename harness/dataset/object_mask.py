"""The mask of a picture's object as a user's file: which pixels it names, or what is wrong."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.dataset.picture_file import Picture, Pixels, StoredPixels, read_stored
from harness.errors import ImageEditError

_AS_IT_SHOULD_BE = (
    "Save it as a PNG with 0 outside the object and one other level, as 255, inside, unsmoothed."
)
_SHOWN_LEVELS = 4


@dataclass(frozen=True, kw_only=True)
class ObjectMask:
    """The mask of a picture's object."""

    path: Path
    """Its file."""
    sha256: str
    """The sha256 of the file."""
    mask: NDArray[np.bool_]
    """The object's pixels, [H, W]."""


def read_object_mask(path: Path, picture: Picture) -> ObjectMask:
    """Return the mask of the object in `picture`: where the file is not black.

    Raises:
        SourceDataError: There is no such file, or it is no still picture.
        ImageEditError: It is of another size, empty, full or not of two levels.
    """
    stored = read_stored(path)
    _check_size(path, stored, picture)
    values = _one_number_a_pixel(stored.pixels)
    inside = values != 0
    _check_levels(path, stored, values, inside=inside)
    return ObjectMask(path=path, sha256=stored.sha256, mask=inside)


def _check_size(path: Path, stored: StoredPixels, picture: Picture) -> None:
    size = (stored.pixels.shape[1], stored.pixels.shape[0])
    if size == picture.size:
        return
    msg = (
        f"the mask {path} is {size[0]}x{size[1]}, "
        f"its picture {picture.path} {picture.size[0]}x{picture.size[1]}"
    )
    remedy = "Bring the mask to the picture's size, without interpolation."
    if size == picture.stored_size:
        msg += " once it stands upright"
        remedy = "Turn the mask as the picture's EXIF orientation turns the picture."
    raise ImageEditError(msg, remedy=remedy)


def _one_number_a_pixel(pixels: Pixels) -> NDArray[np.int64] | Pixels:
    """Return [H, W] with one number a colour, 0 for black."""
    if pixels.ndim == 2:
        return pixels
    red, green, blue = (pixels[:, :, i].astype(np.int64) for i in range(3))
    # A grey picture in three channels keeps its levels as they are.
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return red
    return (red << 32) | (green << 16) | blue


def _check_levels(
    path: Path,
    stored: StoredPixels,
    values: NDArray[np.int64] | Pixels,
    *,
    inside: NDArray[np.bool_],
) -> None:
    if not inside.any():
        msg = f"the mask {path} is empty: every pixel is 0"
        raise ImageEditError(msg, remedy=_AS_IT_SHOULD_BE)
    levels = values[inside]
    least, most = int(levels.min()), int(levels.max())
    whole = bool(inside.all())
    if least == most and not whole:
        return
    if least == most:
        msg = f"the mask {path} is full: every pixel is {_level(least)}"
        raise ImageEditError(msg, remedy=f"Leave out what is not the object. {_AS_IT_SHOULD_BE}")
    found = np.unique(values)
    shown = ", ".join(_level(int(level)) for level in found[:_SHOWN_LEVELS])
    more = ", ..." if len(found) > _SHOWN_LEVELS else ""
    lack = "; none is 0" if whole else ""
    msg = f"the mask {path} is not binary: it has {len(found)} levels ({shown}{more}{lack}), not 2"
    if whole and len(found) == 2:
        msg = f"the mask {path} is not binary: its levels are {shown}, none is 0"
    jpeg = " (JPEG blurs every edge)" if stored.format == "JPEG" else ""
    raise ImageEditError(msg + jpeg, remedy=_AS_IT_SHOULD_BE)


def _level(value: int) -> str:
    """Return a level as people write it: a number, or the three channels of a colour."""
    if value < 1 << 16:
        return str(value)
    return f"({value >> 32}, {value >> 16 & 0xFFFF}, {value & 0xFFFF})"
