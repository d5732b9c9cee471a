"""Which object of a source is edited (FACTS.md, section 1, "select"); nothing of how it is."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.dataset.source_file import Source
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.source import SelectionRule

_BACKGROUND = "background"


class NoObject(StrEnum):
    """Why a source has no object to edit."""

    NO_ALLOWED_CLASS = "no-allowed-class"
    """No pixel of its label is of an allowed class."""
    OBJECT_TOO_SMALL = "object-too-small"
    """The largest object of an allowed class is under the rule's share of the image."""


@dataclass(frozen=True, kw_only=True)
class SelectedObject:
    """The object that is edited."""

    mask: NDArray[np.bool_]
    """Its pixels, [H, W]."""
    class_name: str
    """Its class."""

    @property
    def fraction(self) -> float:
        """Its share of the image's pixels, 0-1."""
        return float(self.mask.mean())


def select_object(
    source: Source, label_space: LabelSpace, rule: SelectionRule
) -> SelectedObject | NoObject:
    """Return the object that `rule` selects, or why there is none.

    Where the data set points an object out, it is that one; else it is the largest 8-connected
    component of an allowed class, the first class by id where two are equally large.
    """
    allowed = _allowed(label_space, rule)
    if source.given_mask is not None:
        of_allowed = source.given_class in {c.name for c in allowed}
        largest = (
            SelectedObject(mask=source.given_mask, class_name=source.given_class)
            if of_allowed and source.given_class is not None
            else None
        )
    else:
        largest = _largest_component(source.label, allowed)
    if largest is None:
        return NoObject.NO_ALLOWED_CLASS
    if largest.fraction < rule.min_object_fraction:
        return NoObject.OBJECT_TOO_SMALL
    return largest


def _allowed(label_space: LabelSpace, rule: SelectionRule) -> tuple[LabelClass, ...]:
    return tuple(
        c
        for c in label_space.classes
        if c.name not in rule.exclude_classes
        and (c.name != _BACKGROUND if rule.classes is None else c.name in rule.classes)
    )


def _largest_component(
    label: NDArray[np.uint8], allowed: tuple[LabelClass, ...]
) -> SelectedObject | None:
    best: SelectedObject | None = None
    best_area = 0
    for label_class in allowed:
        of_class = (label == label_class.id).astype(np.uint8)
        count, components, statistics, _ = cv2.connectedComponentsWithStats(
            of_class, connectivity=8
        )
        if count < 2:
            continue
        areas = statistics[1:, cv2.CC_STAT_AREA]
        index = int(np.argmax(areas))
        if int(areas[index]) > best_area:
            best_area = int(areas[index])
            best = SelectedObject(mask=components == index + 1, class_name=label_class.name)
    return best
