"""An object in its new place with the label that is valid there; nothing of the hole's pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.editor import EditSource
from harness.editing.geometry.carried import Layer, carry
from harness.editing.geometry.placement import Placement, place
from harness.editing.geometry.vacancy import Vacancy
from harness.editing.roles import Role


@dataclass(frozen=True, kw_only=True)
class MovedObject:
    """What every editor makes alike of a size or position edit."""

    placement: Placement
    """Its new box."""
    layer: Layer
    """The object there."""
    covered: NDArray[np.bool_]
    """Its pixels in the picture: nearer things stay in front of it."""
    label: NDArray[np.uint8]
    """The label of the edited picture."""


@dataclass(frozen=True, kw_only=True)
class ObjectScene:
    """A source whose object is moved."""

    source: EditSource
    """The source."""
    mask: NDArray[np.bool_]
    """The object's pixels, [H, W]; there are some."""
    roles: NDArray[np.uint8]
    """A `Role` per pixel, [H, W]."""
    vacancy: Vacancy
    """The label without the object."""

    @property
    def others(self) -> NDArray[np.bool_]:
        """The pixels of all other things."""
        things: NDArray[np.bool_] = self.roles == Role.THING
        return things & ~self.mask


def move_object(scene: ObjectScene, value: str, amount: float) -> MovedObject:
    """Return the object of `scene` scaled or moved, with the label that is valid then.

    Args:
        scene: The source.
        value: `larger`, `smaller`, `left` or `right`.
        amount: How much, as a share of the object's size or the image's width.
    """
    to = place(scene.mask, value, amount)
    layer = carry(scene.source, scene.mask, to)
    covered = layer.mask & ~_in_front(scene, to.foot)
    label = scene.vacancy.label.copy()
    label[covered] = layer.label[covered]
    return MovedObject(placement=to, layer=layer, covered=covered, label=label)


def _in_front(scene: ObjectScene, foot: int) -> NDArray[np.bool_]:
    """Return the pixels of other things whose foot is lower in the image than row `foot`."""
    others = scene.others.astype(np.uint8)
    front = np.zeros(others.shape, np.bool_)
    for class_id in np.unique(scene.source.label[others > 0]):
        same = (scene.source.label == class_id) & (others > 0)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(same.astype(np.uint8))
        feet = stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT] - 1
        nearer = feet > foot + 2
        nearer[0] = False
        front |= nearer[parts]
    return front
