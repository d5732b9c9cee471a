"""A user's own picture as a file of one of many kinds; nothing of masks or editing.

What a benchmark is made of is read strictly (`image_io`); what a user wants to try is read wherever
it has one reading, and what was done to read it is said.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from harness.dataset.image_io import open_image, without_alpha
from harness.errors import ImageEditError, SourceDataError
from harness.records.base import sha256_hex

FORMATS = ("PNG", "JPEG", "WEBP")
MIN_SIDE = 16
"""The least height and width of a picture, in pixels."""

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
"""Levels of 8 or 16 bits."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH_AT = 24
_SAVE_AS_RGB = "Save it as 8-bit RGB, as PNG, JPEG or WebP."


@dataclass(frozen=True, kw_only=True)
class StoredPixels:
    """The pixels of a still picture, upright, in the channels and depth they are stored in."""

    pixels: Pixels
    """[H, W] or [H, W, 3]; a palette is applied, an opaque alpha channel is dropped."""
    sha256: str
    """The sha256 of the file."""
    format: str
    """The file's format, as in `PNG`."""
    readings: tuple[str, ...]
    """What was done to read it so, in words."""
    stored_size: tuple[int, int]
    """Width and height before it was turned upright."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture, upright and in 8-bit RGB."""

    path: Path
    """Its file."""
    sha256: str
    """The sha256 of the file."""
    image: NDArray[np.uint8]
    """RGB pixels, [H, W, 3]."""
    readings: tuple[str, ...]
    """What was done to read it so, in words; empty where it is stored so."""
    stored_size: tuple[int, int]
    """Width and height before it was turned upright."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.image.shape[1], self.image.shape[0]


def read_picture(path: Path) -> Picture:
    """Return the picture in a PNG, JPEG or WebP file.

    16 bits are rounded to 8, CMYK is converted, by its profile where it has one, an alpha channel
    that is opaque throughout is dropped, and the EXIF orientation is applied.

    Raises:
        SourceDataError: There is no such file, or it has no one reading as a picture.
        ImageEditError: It is too small to be edited.
    """
    stored = read_stored(path)
    height, width = stored.pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        msg = f"{path} is {width}x{height} pixels, under {MIN_SIDE} a side"
        raise ImageEditError(msg, remedy="Use a larger picture.")
    levels, deep = _in_8_bits(stored.pixels)
    rgb = levels if levels.ndim == 3 else np.dstack([levels] * 3)
    return Picture(
        path=path,
        sha256=stored.sha256,
        image=np.ascontiguousarray(rgb),
        readings=(*deep, *stored.readings),
        stored_size=stored.stored_size,
    )


def read_stored(path: Path) -> StoredPixels:
    """Return the pixels of a still PNG, JPEG or WebP file.

    Raises:
        SourceDataError: There is no such file, it is broken or animated, transparent somewhere, or
            of a mode that has no one reading.
    """
    name, data = str(path), read_file_bytes(path)
    opened = open_image(data, name=name, formats=FORMATS)
    # JPEG files of phones hold several views as MPO; the first is the picture.
    if opened.format in ("PNG", "WEBP") and getattr(opened, "n_frames", 1) > 1:
        msg = f"{name} is animated"
        raise SourceDataError(msg, remedy="Save the one frame that is meant as a PNG.")
    orientation = _orientation(opened)
    readings: tuple[str, ...] = ()
    if _is_deep_png(data):
        pixels = _deep_pixels(data, opened, name=name)
    else:
        image, readings = _in_rgb_or_gray(opened, name=name)
        pixels = np.asarray(image)
    if orientation != 1:
        readings += ("turned upright by its EXIF orientation",)
    return StoredPixels(
        pixels=_upright(pixels, orientation),
        sha256=sha256_hex(data),
        format=opened.format or "",
        readings=readings + _profile_reading(opened),
        stored_size=opened.size,
    )


def read_file_bytes(path: Path) -> bytes:
    """Return the bytes of a file that the user names.

    Raises:
        SourceDataError: There is none.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        msg = f"there is no file {path}"
        raise SourceDataError(msg, remedy="Check the path.") from error


def _in_rgb_or_gray(opened: Image.Image, *, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    if opened.mode in {"RGBA", "LA", "PA"} or "transparency" in opened.info:
        return without_alpha(opened, name=name), ()
    match opened.mode:
        case "RGB" | "L":
            return opened, ()
        case "P":
            return opened.convert("RGB"), ()
        case "1":
            return opened.convert("L"), ()
        case "CMYK":
            return _from_cmyk(opened)
        case _:
            msg = f"{name} has mode {opened.mode}, which has no one reading as RGB"
            raise SourceDataError(msg, remedy=_SAVE_AS_RGB)


def _from_cmyk(opened: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    if profile := opened.info.get("icc_profile"):
        try:
            converted = ImageCms.profileToProfile(
                opened,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted, ("CMYK converted to sRGB by its colour profile",)
    reading = (
        "CMYK without a usable colour profile converted to RGB as (255 - ink)(255 - black)/255"
    )
    return opened.convert("RGB"), (reading,)


def _profile_reading(opened: Image.Image) -> tuple[str, ...]:
    profile = opened.info.get("icc_profile")
    if not profile or opened.mode == "CMYK":
        return ()
    try:
        described = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError):
        described = "unreadable"
    title = " ".join(described.split())
    if "srgb" in title.lower().replace(" ", ""):
        return ()
    return (f"its colour profile ({title}) not applied: levels are taken as sRGB",)


def _is_deep_png(data: bytes) -> bool:
    return data.startswith(_PNG_SIGNATURE) and data[_PNG_DEPTH_AT] == 16


def _deep_pixels(data: bytes, opened: Image.Image, *, name: str) -> NDArray[np.uint16]:
    """Return the pixels of a 16-bit PNG, which Pillow would cut to 8 bits."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        msg = f"{name} is a PNG of 16 bits that can't be decoded"
        raise SourceDataError(msg, remedy=_SAVE_AS_RGB)
    has_alpha = decoded.ndim == 3 and decoded.shape[2] == 4
    if "transparency" in opened.info or (has_alpha and int(decoded[:, :, 3].min()) < 65535):
        msg = f"{name} is partly transparent, so its colours depend on a background"
        raise SourceDataError(msg, remedy="Flatten it to 8-bit RGB.")
    pixels = decoded if decoded.ndim == 2 else decoded[:, :, 2::-1]
    return np.ascontiguousarray(pixels, dtype=np.uint16)


def _in_8_bits(pixels: Pixels) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False), ()
    # 65535 = 257 * 255, so this is the nearest level.
    nearest = (pixels.astype(np.uint32) + 128) // 257
    return nearest.astype(np.uint8), ("16 bits a channel rounded to 8",)


def _orientation(opened: Image.Image) -> int:
    """Return the EXIF orientation, 1-8; 1 where there is none that can be read."""
    try:
        found = opened.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, struct.error):
        return 1
    return found if found in range(1, 9) else 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return `pixels` as the EXIF orientation wants them shown."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
