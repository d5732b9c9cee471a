"""Small pictures with their labels: what the source trees are made of."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 96, 128


@dataclass(frozen=True, kw_only=True)
class Shape:
    """An object of a class, later ones before earlier ones."""

    class_id: int
    box: tuple[int, int, int, int]
    """Top, left, bottom and right, in pixels."""
    color: tuple[int, int, int]
    round: bool = False
    instance: int = 0
    """Its number among the instances; 0 is none."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    image: np.ndarray
    label: np.ndarray
    instances: np.ndarray


def draw_scene(
    shapes: tuple[Shape, ...],
    *,
    seed: int,
    ground: int = 0,
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Scene:
    """A gradient with grain, before it shaded shapes."""
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width]
    grain = np.random.default_rng(seed).normal(0, 6, (height, width, 1))
    ramps = np.dstack([90 + rows, 110 + columns * 80 / width, 170 - rows * 60 / height])
    image = ramps + grain
    label = np.full(size, ground, np.uint8)
    instances = np.zeros(size, np.int32)
    for shape in shapes:
        top, left, bottom, right = shape.box
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        if shape.round:
            y, x = (2 * rows - top - bottom + 1) / (bottom - top), (2 * columns - left - right + 1)
            inside &= y**2 + (x / (right - left)) ** 2 <= 1
        shade = 0.7 + 0.5 * (columns - left) / (right - left)
        painted = np.array(shape.color) * shade[:, :, None] + grain
        image = np.where(inside[:, :, None], painted, image)
        label[inside], instances[inside] = shape.class_id, shape.instance
    return Scene(image=image.clip(0, 255).astype(np.uint8), label=label, instances=instances)


def outlined(values: np.ndarray, instances: np.ndarray, *, boundary: int = 255) -> np.ndarray:
    """`values` with the pixels along the instances' outlines set to `boundary`."""
    kernel = np.ones((3, 3), np.uint8)
    numbers = instances.astype(np.uint16)
    edge = cv2.dilate(numbers, kernel) != cv2.erode(numbers, kernel)
    return np.where(edge, boundary, values).astype(np.uint8)


def bit_palette() -> list[int]:
    """The palette of the VOC development kit: an id's bits, spread over the channels."""
    channels = np.zeros((256, 3), int)
    for class_id in range(256):
        for bit in range(8):
            channels[class_id, bit % 3] |= ((class_id >> bit) & 1) << (7 - bit // 3)
    return channels.reshape(-1).tolist()


def save_photo(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    how = {".jpg": {"quality": 92}, ".webp": {"lossless": True}}.get(path.suffix, {})
    Image.fromarray(image).save(path, **how)


def few_bits_png(values: np.ndarray, *, bits: int, palette: bool = False) -> bytes:
    """The bytes of a PNG that stores `values` in 1, 2, 4 or 8 bits, which Pillow can't write."""
    places = np.arange(bits - 1, -1, -1)
    expanded = (values[:, :, None] >> places) & 1
    rows = np.packbits(expanded.reshape(len(values), -1).astype(np.uint8), axis=1)
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(
        ">IIBBBBB", values.shape[1], values.shape[0], bits, 3 if palette else 0, 0, 0, 0
    )
    colors = [(b"PLTE", bytes(range(2**bits)) * 3)] if palette else []
    chunks = [(b"IHDR", header), *colors, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def save_values(path: Path, values: np.ndarray, *, palette: list[int] | None = None) -> None:
    """One channel of 8 or, where `values` is of that type, 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values)
    if palette is not None:
        picture.putpalette(palette)
    picture.save(path)
