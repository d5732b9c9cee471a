"""Where a data set says which pixels are one object, and its class; nothing of what is selected."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from harness.dataset.image_io import open_image, stored_values
from harness.dataset.label_format import cityscapes_class_id
from harness.errors import SourceDataError
from harness.records.base import sha256_hex

_VOC_BOUNDARY = 255
_CITYSCAPES_FIRST = 1000


class InstanceFormat(StrEnum):
    """How an instance file's values say instances."""

    VOC = "voc"
    """8 bits: 0 is none, 255 a boundary, else the object's number."""
    CITYSCAPES = "cityscapes"
    """16 bits: 1000 * label id + number; smaller values are label ids of what is no instance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceFile:
    """A picture of a source's instances."""

    path: Path
    """The file."""
    format: InstanceFormat
    """How its values are to be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceOutlines:
    """A source's instances as COCO's run lengths."""

    height: int
    """The image's height in pixels."""
    width: int
    """The image's width in pixels."""
    rles: tuple[bytes, ...]
    """The compressed run lengths of each instance."""
    classes: tuple[int, ...] = ()
    """The class id of each instance; empty where the data set doesn't say them."""

    def digest(self) -> str:
        """Return the sha256 of what the outlines say."""
        sizes = f"{self.height}x{self.width}:{','.join(str(len(rle)) for rle in self.rles)}:"
        classes = f":{','.join(map(str, self.classes))}" if self.classes else ""
        return sha256_hex(sizes.encode() + b"".join(self.rles) + classes.encode())


def decode_instances(
    data: bytes, instance_format: InstanceFormat, *, name: str
) -> NDArray[np.int32]:
    """Return the number of the instance each pixel belongs to, [H, W]; 0 is none.

    Raises:
        SourceDataError: `data` is truncated, or no PNG of the format's depth.
    """
    image = open_image(data, name=name, formats=("PNG",))
    match instance_format:
        case InstanceFormat.VOC:
            stored, depth = stored_values(image, data), 8
        case InstanceFormat.CITYSCAPES:
            stored, depth = np.asarray(image) if image.mode in {"I;16", "I"} else None, 16
        case _:
            assert_never(instance_format)
    if stored is None:
        msg = f"{name} has mode {image.mode}, not one channel of {depth} bits"
        raise SourceDataError(msg, remedy="Restore the instance file from its data set.")
    values = stored.astype(np.int32)
    if instance_format is InstanceFormat.VOC:
        values[values == _VOC_BOUNDARY] = 0
    else:
        values[values < _CITYSCAPES_FIRST] = 0
    return values


def instance_classes(
    instances: InstanceFile | InstanceOutlines, numbers: NDArray[np.int32]
) -> Mapping[int, int] | None:
    """Return the class id of each instance by its number, without those of no class.

    None is returned where the data set doesn't say classes of instances.

    Args:
        instances: Where they are said.
        numbers: The number of the instance each pixel belongs to, [H, W].
    """
    if isinstance(instances, InstanceOutlines):
        return dict(enumerate(instances.classes, start=1)) if instances.classes else None
    match instances.format:
        case InstanceFormat.VOC:
            return None
        case InstanceFormat.CITYSCAPES:
            found = np.flatnonzero(np.bincount(numbers.reshape(-1))).tolist()
            said = {n: cityscapes_class_id(n // _CITYSCAPES_FIRST) for n in found}
            return {number: class_id for number, class_id in said.items() if class_id is not None}
        case _:
            assert_never(instances.format)


def paint_outlines(outlines: InstanceOutlines, *, name: str) -> NDArray[np.int32]:
    """Return the place (from 1) of the outline each pixel belongs to, [H, W]; 0 is none.

    Where outlines overlap, the smaller instance is seen: it would else vanish in the larger one.

    Raises:
        SourceDataError: Run lengths are not of the image's size.
    """
    columns = np.zeros(outlines.width * outlines.height, np.int32)
    runs = [run_lengths(rle) for rle in outlines.rles]
    for index, lengths in enumerate(runs):
        apart = (lengths < 0) | (lengths > columns.size)
        if apart.any() or int(lengths.sum()) != columns.size:
            msg = (
                f"instance {index + 1} of {name} has run lengths that don't add up to "
                f"{outlines.width}x{outlines.height} pixels"
            )
            raise SourceDataError(msg, remedy="Restore the instances file.")
    areas = [int(lengths[1::2].sum()) for lengths in runs]
    for index in sorted(range(len(runs)), key=lambda i: (-areas[i], i)):
        lengths = runs[index]
        columns[np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)] = index + 1
    return np.ascontiguousarray(columns.reshape(outlines.width, outlines.height).T)


def run_lengths(rle: bytes) -> NDArray[np.int64]:
    """Return how many pixels, column by column, are outside, inside, outside and so on.

    In COCO's text a number is written in groups of five bits from the least, each in a character
    from `0` on; the next bit says that more groups follow, the last group's highest is the sign.
    From the fourth number on it is the difference to the length two before (maskApi.c,
    rleFrString).
    """
    groups = np.frombuffer(rle, np.uint8).astype(np.int64) - ord("0")
    ends = np.flatnonzero(groups & 0x20 == 0)
    groups = groups[: int(ends[-1]) + 1 if len(ends) else 0]
    if len(groups) == 0:
        return np.zeros(0, np.int64)
    starts = np.concatenate(([0], ends[:-1] + 1))
    widths = ends - starts + 1
    shifts = 5 * (np.arange(len(groups)) - np.repeat(starts, widths))
    numbers = np.add.reduceat((groups & 0x1F) << shifts, starts)
    numbers -= np.where(groups[ends] & 0x10, np.int64(1) << 5 * widths, 0)
    # The third number counts from nothing, as the first two do.
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers
