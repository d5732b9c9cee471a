"""Images and labels as files: decoded strictly, encoded alike, digested; nothing of benchmarks."""

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from harness.errors import SourceDataError
from harness.records.base import sha256_hex

SIGNATURE_COLUMNS = 12
SIGNATURE_ROWS = 9
RGB_FORMATS = ("PNG", "JPEG", "WEBP")
"""The kinds of file that a source image may be."""
MAX_PIXELS = 80_000_000
"""Larger images are refused: no data set of segmentation labels has them."""

# Level 1 costs 10 ms an image of 480x360 where level 6 costs 70, and 5 % of size. Photographs
# hold few repetitions, so run lengths beat the general search in size, too.
_RGB_SETTINGS = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
)
_GRAY_SETTINGS = (cv2.IMWRITE_PNG_COMPRESSION, 6)
_LYING = (5, 6, 7, 8)
"""The EXIF orientations that are a quarter turn away from upright."""
_SPREAD = MappingProxyType({2: 85, 4: 17})
"""By what Pillow multiplies the grey levels of a PNG of so many bits, so that they fill 0-255."""
_REPLACE = "Restore the file from its source."


def read_file(path: Path) -> bytes:
    """Return the bytes of a source file.

    Raises:
        SourceDataError: There is no such file.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        msg = f"{path} is missing"
        raise SourceDataError(msg, remedy=_REPLACE) from error


def decode_rgb(data: bytes, *, name: str) -> NDArray[np.uint8]:
    """Return the RGB pixels [H, W, 3] of a PNG, JPEG or WebP file, upright and read-only.

    Args:
        data: The file's bytes.
        name: What errors call it.

    Raises:
        SourceDataError: It is truncated, no such file, or of a mode with no one reading as RGB.
    """
    image = open_image(data, name=name, formats=RGB_FORMATS)
    if image.mode in {"RGBA", "LA"} or "transparency" in image.info:
        image = without_alpha(image, name=name)
    if image.mode not in {"RGB", "L", "P"}:
        msg = f"{name} has mode {image.mode}, which has no one reading as 8-bit RGB"
        raise SourceDataError(
            msg,
            remedy="Convert it to 8-bit RGB.",
        )
    upright = ImageOps.exif_transpose(image)
    return np.asarray(upright.convert("RGB"), dtype=np.uint8)


def decode_label(data: bytes, *, name: str) -> NDArray[np.uint8]:
    """Return the class ids [H, W] of a one-channel PNG of up to 8 bits, as they are stored.

    Neither a palette is applied, nor are levels of fewer bits spread over 0-255.

    Args:
        data: The file's bytes.
        name: What errors call it.

    Raises:
        SourceDataError: It is truncated or no such PNG.
    """
    image = open_image(data, name=name, formats=("PNG",))
    if (values := stored_values(image, data)) is None:
        kind = " (colours, no ids)" if image.mode in {"RGB", "RGBA"} else ""
        msg = f"{name} has mode {image.mode}{kind}, not one channel of 8 bits"
        raise SourceDataError(
            msg,
            remedy="Save the class ids as a one-channel 8-bit PNG.",
        )
    return values


def decode_mask(data: bytes, *, name: str) -> NDArray[np.bool_]:
    """Return where a mask PNG is not 0, [H, W].

    Args:
        data: The file's bytes.
        name: What errors call it.

    Raises:
        SourceDataError: It is truncated or not one channel of up to 8 bits.
    """
    return decode_label(data, name=name).astype(np.bool_)


def stored_values(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """Return the values [H, W] that a one-channel PNG of up to 8 bits stores; None of another.

    Args:
        image: The decoded image.
        data: The bytes of its file.
    """
    if image.mode not in {"L", "P", "1"}:
        return None
    values = np.asarray(image, dtype=np.uint8)
    # The places in a palette are left as they are, and so is 1 bit.
    spread = _SPREAD.get(_png_depth(data)) if image.mode == "L" else None
    return values if spread is None else values // np.uint8(spread)


def _png_depth(data: bytes) -> int:
    """Return how many bits a sample of a PNG has, from its header: width and height precede it."""
    return data[data.index(b"IHDR") + 12]


def encode_rgb_png(image: NDArray[np.uint8]) -> bytes:
    """Return `image` [H, W, 3] as a PNG without metadata: nothing but size and pixels shows."""
    return _encode(np.ascontiguousarray(image[:, :, ::-1]), settings=_RGB_SETTINGS)


def encode_gray_png(label: NDArray[np.uint8]) -> bytes:
    """Return `label` [H, W] as a one-channel 8-bit PNG without metadata or palette."""
    return _encode(label, settings=_GRAY_SETTINGS)


def read_stored_size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG, JPEG or WebP file as stored, from its header alone.

    Raises:
        SourceDataError: There is no such file, it is too large, or it is none.
    """
    try:
        with path.open("rb") as file:
            return _opened(file, name=str(path), formats=RGB_FORMATS).size
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        msg = f"{path} is missing"
        raise SourceDataError(msg, remedy=_REPLACE) from error


def upright_size(file: IO[bytes], *, name: str) -> tuple[int, int]:
    """Return width and height of a PNG, JPEG or WebP file as `decode_rgb` gives it, turned by EXIF.

    The pixels are not decoded.

    Raises:
        SourceDataError: It is too large, or no such file.
    """
    image = _opened(file, name=name, formats=RGB_FORMATS)
    with _decoding(name, RGB_FORMATS):
        # The method of PNG files decodes them, for EXIF data that follow the pixels.
        orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    width, height = image.size
    return (height, width) if orientation in _LYING else (width, height)


def open_image(data: bytes, *, name: str, formats: tuple[str, ...]) -> Image.Image:
    """Return the decoded image of a file of one of `formats`, in the mode it is stored in.

    Raises:
        SourceDataError: It is truncated, too large, or no such file.
    """
    image = _opened(io.BytesIO(data), name=name, formats=formats)
    with _decoding(name, formats):
        image.load()
    return image


def _opened(file: IO[bytes], *, name: str, formats: tuple[str, ...]) -> Image.Image:
    """Return the image with its header read."""
    with _decoding(name, formats), warnings.catch_warnings():
        # Our own bound is lower than the one that Pillow warns of.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(file, formats=formats)
    if image.width * image.height > MAX_PIXELS:
        message = f"{name} has {image.width}x{image.height} pixels, more than can be handled"
        raise SourceDataError(message, remedy=f"Scale it down to at most {MAX_PIXELS} pixels.")
    return image


@contextmanager
def _decoding(name: str, formats: tuple[str, ...]) -> Iterator[None]:
    """Say in our words what Pillow finds wrong with a file."""
    try:
        yield
    except UnidentifiedImageError as error:
        msg = f"{name} is no {' or '.join(formats)} file"
        raise SourceDataError(msg, remedy=_REPLACE) from error
    # Pillow raises SyntaxError and ValueError for broken chunks, OSError for truncated data.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        msg = f"{name} can't be decoded: {error}"
        raise SourceDataError(msg, remedy=_REPLACE) from error


def without_alpha(image: Image.Image, *, name: str) -> Image.Image:
    """Return `image` as RGB, its EXIF kept.

    Raises:
        SourceDataError: It is transparent somewhere.
    """
    with_alpha = image.convert("RGBA")
    if with_alpha.getchannel("A").getextrema() != (255, 255):
        msg = f"{name} is partly transparent, so its colours depend on a background"
        raise SourceDataError(
            msg,
            remedy="Flatten it to 8-bit RGB.",
        )
    flat = with_alpha.convert("RGB")
    flat.info.update({k: v for k, v in image.info.items() if k == "exif"})
    return flat


def pixel_sha256(pixels: NDArray[np.uint8]) -> str:
    """Return the sha256 of `pixels`, row by row, after `{width}x{height}x{channels}:`."""
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return sha256_hex(f"{width}x{height}x{channels}:".encode() + pixels.tobytes())


def signature(image: NDArray[np.uint8]) -> str:
    """Return the base64 of the 12x9 grid of mean colours, rounded half up, in integers only."""
    height, width = image.shape[:2]
    rows = np.arange(SIGNATURE_ROWS) * height // SIGNATURE_ROWS
    columns = np.arange(SIGNATURE_COLUMNS) * width // SIGNATURE_COLUMNS
    sums = np.add.reduceat(image, rows, axis=0, dtype=np.int64)
    sums = np.add.reduceat(sums, columns, axis=1)
    # reduceat takes one line where two edges coincide, as they do in images under 12x9.
    tall = np.maximum(np.diff(rows, append=height), 1)
    wide = np.maximum(np.diff(columns, append=width), 1)
    counts = (tall[:, None] * wide[None, :])[:, :, None]
    means = (2 * sums + counts) // (2 * counts)
    return base64.b64encode(means.astype(np.uint8).tobytes()).decode("ascii")


def object_signature(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> str:
    """Return the signature of the box around `mask`: it shows what the image's is too coarse for.

    Args:
        image: RGB pixels, [H, W, 3].
        mask: The object's pixels, [H, W]; at least one.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return signature(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def signature_psnr(one: str, other: str) -> float | None:
    """Return the PSNR in dB between two signatures; None where they are equal.

    Two signatures of other lengths, or that are no base64, are 0 dB apart.
    """
    if one == other:
        return None
    try:
        first, second = (
            np.frombuffer(base64.b64decode(text, validate=True), np.uint8).astype(np.float64)
            for text in (one, other)
        )
    except ValueError:
        return 0.0
    if first.shape != second.shape:
        return 0.0
    error = float(np.mean((first - second) ** 2))
    return 10 * float(np.log10(255.0**2 / error))


def _encode(pixels: NDArray[np.uint8], *, settings: tuple[int, ...]) -> bytes:
    done, encoded = cv2.imencode(".png", pixels, settings)
    if not done:
        msg = f"OpenCV encoded no PNG of shape {pixels.shape} and type {pixels.dtype}"
        raise ValueError(msg)
    return encoded.tobytes()
