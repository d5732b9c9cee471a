"""Class losses as 16-bit PNG files: encoded small, decoded strictly; nothing of what they judge."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.dataset.image_io import open_image
from harness.errors import SourceDataError

_FASTEST = (cv2.IMWRITE_PNG_COMPRESSION, 1)
_REMOVE = "Remove it; it is made again."


def encode_losses(losses: NDArray[np.uint16]) -> bytes:
    """Return `losses` [H, W] as a one-channel 16-bit PNG."""
    done, encoded = cv2.imencode(".png", losses, _FASTEST)
    if not done:
        msg = f"OpenCV encoded no PNG of shape {losses.shape} and type {losses.dtype}"
        raise ValueError(msg)
    return encoded.tobytes()


def decode_losses(data: bytes, *, name: str, size: tuple[int, int]) -> NDArray[np.uint16]:
    """Return the losses in a PNG file, [H, W].

    Args:
        data: The file's bytes.
        name: What errors call it.
        size: The height and width that it must have.

    Raises:
        SourceDataError: It is truncated, has a flipped bit, or is no such PNG of that size.
    """
    _check_sums(data, name=name)
    image = open_image(data, name=name, formats=("PNG",))
    if image.mode != "I;16" or (image.height, image.width) != size:
        found = f"{image.width}x{image.height} of mode {image.mode}"
        msg = f"{name} is {found}, not {size[1]}x{size[0]} of 16 bits"
        raise SourceDataError(msg, remedy=_REMOVE)
    return np.asarray(image, dtype=np.uint16)


def _check_sums(data: bytes, *, name: str) -> None:
    """Raise where a chunk is cut or its checksum is wrong; a decoder alone lets some of it pass."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
            opened.verify()
    # Pillow raises SyntaxError and ValueError for broken chunks, OSError for truncated data.
    except (OSError, SyntaxError, ValueError) as error:
        msg = f"{name} is broken: {error}"
        raise SourceDataError(msg, remedy=_REMOVE) from error
