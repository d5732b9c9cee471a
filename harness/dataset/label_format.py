"""How a data set writes class ids into its label files; nothing of files."""

from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.coco_ids import COCO_STUFF_TABLE

IGNORE = 255
"""The class id that every format but plain ids has for what is not scored."""
_NONE = -1
_MOST_NAMED = 5

_CITYSCAPES_TRAIN_IDS = MappingProxyType(
    {
        7: 0,  # road
        8: 1,  # sidewalk
        11: 2,  # building
        12: 3,  # wall
        13: 4,  # fence
        17: 5,  # pole
        19: 6,  # traffic light
        20: 7,  # traffic sign
        21: 8,  # vegetation
        22: 9,  # terrain
        23: 10,  # sky
        24: 11,  # person
        25: 12,  # rider
        26: 13,  # car
        27: 14,  # truck
        28: 15,  # bus
        31: 16,  # train
        32: 17,  # motorcycle
        33: 18,  # bicycle
    }
)
"""Of the label ids, those that are evaluated (Cityscapes' own label table)."""


class LabelFormat(StrEnum):
    """How a label file's values say classes."""

    IDS = "ids"
    """The value is the class id."""
    ADE20K = "ade20k"
    """SceneParse150: 0 is other and ignored, n is the class id n - 1."""
    CITYSCAPES = "cityscapes"
    """The label ids 0-33, and 255 for -1; the 19 that are evaluated have a class id."""
    COCO_STUFF = "coco-stuff"
    """The pixel maps of COCO-Stuff 164k: 182 ids, of which 171 are used."""


def to_class_ids(
    raw: NDArray[np.uint8], label_format: LabelFormat, *, name: str
) -> NDArray[np.uint8]:
    """Return the class ids [H, W] that the values of a label file say.

    Args:
        raw: The file's values, [H, W].
        label_format: How they are to be read.
        name: What errors call the file.

    Raises:
        BrokenSourceError: A value is none of the format's.
    """
    table = _table(label_format)
    if table is None:
        return raw
    ids = table[raw]
    if ids.min(initial=0) < 0:
        counts = np.bincount(raw.reshape(-1), minlength=256)
        counts[table != _NONE] = 0
        msg = f"{name} holds {strange_values(counts)}, which no {_TITLES[label_format]} label has"
        raise BrokenSourceError(
            msg,
            remedy="Restore the label, or name the adapter of its layout in the recipe.",
            reason=BrokenReason.STRANGE_ID,
        )
    return ids.astype(np.uint8)


def cityscapes_class_id(label_id: int) -> int | None:
    """Return the class id of a label id of Cityscapes; None where it is not evaluated or none."""
    return _CITYSCAPES_TRAIN_IDS.get(label_id)


def strange_values(counts: NDArray[np.int64]) -> str:
    """Return in words which values occur and in how many pixels, by a count for each value."""
    values = np.flatnonzero(counts)
    named = [f"{value} ({_pixels(int(counts[value]))})" for value in values[:_MOST_NAMED]]
    if len(values) > _MOST_NAMED:
        named.append(f"and {len(values) - _MOST_NAMED} more")
    return ("the value " if len(values) == 1 else "the values ") + ", ".join(named)


def _pixels(count: int) -> str:
    return f"{count} pixel" if count == 1 else f"{count} pixels"


_TITLES = MappingProxyType(
    {
        LabelFormat.ADE20K: "SceneParse150",
        LabelFormat.CITYSCAPES: "Cityscapes",
        LabelFormat.COCO_STUFF: "COCO-Stuff",
    }
)


def _ade20k_table() -> NDArray[np.int16]:
    table = np.full(256, _NONE, np.int16)
    table[0] = IGNORE
    table[1:151] = np.arange(150)
    return table


def _cityscapes_table() -> NDArray[np.int16]:
    table = np.full(256, _NONE, np.int16)
    table[:34] = IGNORE
    # The number plate's id, -1, is 255 in 8 bits.
    table[255] = IGNORE
    for label_id, train_id in _CITYSCAPES_TRAIN_IDS.items():
        table[label_id] = train_id
    return table


_ADE20K_TABLE = _ade20k_table()
_CITYSCAPES_TABLE = _cityscapes_table()


def _table(label_format: LabelFormat) -> NDArray[np.int16] | None:
    """Return the class id of each value, -1 where there is none; None where values are ids."""
    match label_format:
        case LabelFormat.IDS:
            return None
        case LabelFormat.ADE20K:
            return _ADE20K_TABLE
        case LabelFormat.CITYSCAPES:
            return _CITYSCAPES_TABLE
        case LabelFormat.COCO_STUFF:
            return COCO_STUFF_TABLE
        case _:
            assert_never(label_format)
