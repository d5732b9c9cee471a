"""Which object of a source is edited (paper, section 3); nothing of how it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.dataset.source_file import Annotation
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.source import ObjectMeasure, ObjectUnit, SelectionRule

_BACKGROUNDS = frozenset({"background", "_background_"})
"""What is no object, in any case: VOC's class, also as labelme spells it."""
_MOST_IN_TABLE = 1 << 20


class NoObject(StrEnum):
    """Why a source has no object to edit."""

    NO_ALLOWED_CLASS = "no-allowed-class"
    """No object of it is of an allowed class."""
    OBJECT_TOO_SMALL = "object-too-small"
    """The largest object of an allowed class is under the rule's share of the image."""
    NO_INSTANCES = "no-instances"
    """An instance is to be edited, and none is annotated."""


@dataclass(frozen=True, kw_only=True)
class SelectedObject:
    """The object that is edited."""

    mask: NDArray[np.bool_]
    """Its pixels, [H, W]; each holds its class in the label."""
    class_name: str
    """Its class."""
    measure: ObjectMeasure = ObjectMeasure.PIXELS
    """By what its share of the image is measured."""

    @property
    def fraction(self) -> float:
        """Its share of the image, 0-1: of its pixels, or of the box around them."""
        match self.measure:
            case ObjectMeasure.PIXELS:
                return float(self.mask.mean())
            case ObjectMeasure.BOX:
                return _box_area(self.mask) / self.mask.size
            case _:
                assert_never(self.measure)


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """The largest object of a class, or one of them."""

    area: int
    """By the rule's measure."""
    label_class: LabelClass
    mask: NDArray[np.bool_]


def select_object(
    annotation: Annotation, label_space: LabelSpace, rule: SelectionRule
) -> SelectedObject | NoObject:
    """Return the object that `rule` selects, or why there is none.

    Where the data set points an object out, it is that one. Else it is the largest of an allowed
    class: the first class by id where two are equally large, then the instance of the least number.
    An object is never more than the label's own pixels of its class; an instance that holds none of
    the class which the data set gives it is none.
    """
    allowed = _allowed(label_space, rule)
    if annotation.given_mask is not None:
        largest = _given(annotation, annotation.given_mask, label_space, allowed)
    elif _by_instances(annotation, rule):
        if annotation.instances is None or not annotation.instances.any():
            return NoObject.NO_INSTANCES
        instances = _Instances.of(annotation, annotation.instances, label_space)
        largest = instances.largest(allowed, rule.measure)
    else:
        largest = _largest_component(annotation.label, allowed, rule.measure)
    if largest is None:
        return NoObject.NO_ALLOWED_CLASS
    selected = SelectedObject(
        mask=largest.mask, class_name=largest.label_class.name, measure=rule.measure
    )
    if selected.fraction < rule.min_object_fraction:
        return NoObject.OBJECT_TOO_SMALL
    return selected


def _allowed(label_space: LabelSpace, rule: SelectionRule) -> tuple[LabelClass, ...]:
    return tuple(
        c
        for c in label_space.classes
        if c.name not in rule.exclude_classes
        and (c.name.lower() not in _BACKGROUNDS if rule.classes is None else c.name in rule.classes)
    )


def _by_instances(annotation: Annotation, rule: SelectionRule) -> bool:
    match rule.unit:
        case ObjectUnit.AUTO:
            return annotation.instances is not None
        case ObjectUnit.INSTANCE:
            return True
        case ObjectUnit.COMPONENT:
            return False
        case _:
            assert_never(rule.unit)


def _given(
    annotation: Annotation,
    mask: NDArray[np.bool_],
    label_space: LabelSpace,
    allowed: tuple[LabelClass, ...],
) -> _Candidate | None:
    """Return the object that the data set points out, if its class is allowed."""
    if annotation.given_class is None:
        counts = np.bincount(annotation.label[mask], minlength=256)
        if label_space.ignore_id < len(counts):
            counts[label_space.ignore_id] = 0
        class_id = int(counts.argmax())
        found = next((c for c in allowed if c.id == class_id), None)
        mask = mask & (annotation.label == class_id)
    else:
        found = next((c for c in allowed if c.name == annotation.given_class), None)
    return None if found is None else _Candidate(area=0, label_class=found, mask=mask)


def _largest_component(
    label: NDArray[np.uint8], allowed: tuple[LabelClass, ...], measure: ObjectMeasure
) -> _Candidate | None:
    best: _Candidate | None = None
    present = np.bincount(label.reshape(-1), minlength=256)
    for label_class in allowed:
        if label_class.id >= len(present) or present[label_class.id] == 0:
            continue
        of_class = (label == label_class.id).astype(np.uint8)
        _, components, statistics, _ = cv2.connectedComponentsWithStats(of_class, connectivity=8)
        areas = statistics[1:, cv2.CC_STAT_AREA]
        if measure is ObjectMeasure.BOX:
            areas = statistics[1:, cv2.CC_STAT_WIDTH] * statistics[1:, cv2.CC_STAT_HEIGHT]
        index = int(np.argmax(areas))
        if best is None or int(areas[index]) > best.area:
            mask = components == index + 1
            best = _Candidate(area=int(areas[index]), label_class=label_class, mask=mask)
    return best


@dataclass(frozen=True, kw_only=True)
class _Instances:
    """The instances of a source, each with the class that the data set or its pixels give it."""

    class_ids: NDArray[np.int64]
    """The class of each, by number; -1 where it has none, or none of its pixels has it."""
    pixels: NDArray[np.int64]
    """The places in the label, row by row, of the pixels that hold their instance's class."""
    owners: NDArray[np.int64]
    """The instance of each of these pixels."""
    shape: tuple[int, int]
    """The label's height and width."""

    @classmethod
    def of(
        cls, annotation: Annotation, numbers: NDArray[np.int32], label_space: LabelSpace
    ) -> "_Instances":
        label, said = annotation.label, annotation.instance_classes
        pixels = np.flatnonzero(numbers)
        numbers = numbers.reshape(-1)[pixels]
        owners = _ranks(numbers)
        found = int(owners.max()) + 1
        ids = label.reshape(-1)[pixels]
        # One pass counts the classes under all instances; a mask each would take one for each.
        votes = np.bincount(owners * 256 + ids, minlength=found * 256).reshape(found, 256)
        if label_space.ignore_id < 256:
            votes[:, label_space.ignore_id] = 0
        if said is not None:
            # What an instance is said to be is the one thing that its pixels may vote for.
            votes *= _said_classes(said, numbers, owners)
        class_ids = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)
        own = class_ids[owners] == ids
        return cls(
            class_ids=class_ids,
            pixels=pixels[own],
            owners=owners[own],
            shape=(label.shape[0], label.shape[1]),
        )

    def largest(self, allowed: tuple[LabelClass, ...], measure: ObjectMeasure) -> _Candidate | None:
        """Return the largest instance of an allowed class, if there is one."""
        fits = np.flatnonzero(np.isin(self.class_ids, [c.id for c in allowed]))
        if len(fits) == 0:
            return None
        areas = self._areas(measure)[fits]
        best = int(fits[np.lexsort((fits, self.class_ids[fits], -areas))[0]])
        mask = np.zeros(self.shape[0] * self.shape[1], np.bool_)
        mask[self.pixels[self.owners == best]] = True
        return _Candidate(
            area=int(areas.max()),
            label_class=next(c for c in allowed if c.id == self.class_ids[best]),
            mask=mask.reshape(self.shape),
        )

    def _areas(self, measure: ObjectMeasure) -> NDArray[np.int64]:
        """Return the area of each instance, in pixels."""
        match measure:
            case ObjectMeasure.PIXELS:
                return np.bincount(self.owners, minlength=len(self.class_ids))
            case ObjectMeasure.BOX:
                rows, columns = np.divmod(self.pixels, self.shape[1])
                return self._extents(rows, self.shape[0]) * self._extents(columns, self.shape[1])
            case _:
                assert_never(measure)

    def _extents(self, lines: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return over how many of `count` lines each instance reaches; `lines` has its pixels'."""
        on = np.zeros((len(self.class_ids), count), np.bool_)
        on[self.owners, lines] = True
        first, behind = on.argmax(axis=1), count - on[:, ::-1].argmax(axis=1)
        return np.where(on.any(axis=1), behind - first, 0)


def _said_classes(
    said: Mapping[int, int], numbers: NDArray[np.int32], owners: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which class each instance is said to be, [instances, 256]; a row of none has none.

    Args:
        said: The class id of each number.
        numbers: The number of the instance at each pixel.
        owners: The rank of each of these numbers.
    """
    of_rank = np.zeros(int(owners.max()) + 1, np.int64)
    of_rank[owners] = numbers
    classes = np.array([said.get(number, -1) for number in of_rank.tolist()])
    is_said: NDArray[np.bool_] = classes[:, None] == np.arange(256)
    return is_said


def _ranks(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return each number's rank among those that occur."""
    if int(numbers.max()) < _MOST_IN_TABLE:
        # Instances have small numbers, so a table is faster than sorting millions of pixels.
        occurs = np.bincount(numbers) > 0
        return (np.cumsum(occurs) - 1)[numbers]
    return np.unique(numbers, return_inverse=True)[1]


def _box_area(mask: NDArray[np.bool_]) -> int:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1))
