"""Which pixels of an edit's label are noise, from losses; nothing of models or files.

A pixel is judged where the label has the object's class inside the object's mask: what is ignored
or of another class stays as it is, and a loss is only ever held against the class it is of. All
numbers are whole thousandths of a nat and all comparisons exact, so no order, batch or machine that
has the same losses gives another filter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ClassMean:
    """The mean loss of one class on sources, as the two counts that it is the ratio of."""

    total: int
    """The losses' sum in thousandths of a nat."""
    pixels: int
    """Number of pixels; at least 1."""

    def bound(self, margin: float) -> int:
        """Return the greatest loss that is not over `margin` times the mean, rounded down.

        `margin` is taken as the decimal number that a recipe writes: 1.1 is eleven tenths.
        """
        return int(Fraction(repr(margin)) * Fraction(self.total, self.pixels) // 1)


@dataclass(kw_only=True)
class ClassMeans:
    """Adds up losses by class, over every pixel of the class in the sources given.

    Those are the sources whose edited object is of the class, whole label and not the object only:
    a second car is as good a witness of what the model's loss on cars is.
    """

    totals: dict[str, int] = field(default_factory=dict)
    """The sum by class name, in thousandths of a nat."""
    pixels: dict[str, int] = field(default_factory=dict)
    """Number of pixels by class name."""

    def add(self, class_name: str, losses: NDArray[np.uint16]) -> None:
        """Add the `losses` of pixels of `class_name`, of any shape."""
        total = int(losses.sum(dtype=np.uint64))
        self.totals[class_name] = self.totals.get(class_name, 0) + total
        self.pixels[class_name] = self.pixels.get(class_name, 0) + losses.size

    def means(self) -> Mapping[str, ClassMean]:
        """Return the mean of each class that has a pixel."""
        return {
            name: ClassMean(total=self.totals[name], pixels=pixels)
            for name, pixels in self.pixels.items()
            if pixels
        }


def voided(
    edit_loss: NDArray[np.uint16],
    source_loss: NDArray[np.uint16] | None,
    *,
    judged: NDArray[np.bool_],
    class_mean: ClassMean,
    margin: float,
) -> NDArray[np.bool_]:
    """Return which pixels of an edit's label are noise, [H, W].

    A judged pixel is noise where its loss is greater on the edit than on the source, and greater
    than `margin` times its class's mean loss on sources (the published code's second filter).

    Where the object moved, no pixel of the source is the one of the edit, and the first test would
    compare an object with whatever lay there before; such an edit is judged by the second alone.

    Args:
        edit_loss: The class's loss on the edit, [H, W], thousandths of a nat.
        source_loss: The same on its source; None where the object moved.
        judged: The pixels that are judged, see `judged_pixels`.
        class_mean: The class's mean loss on sources.
        margin: How many times the mean a loss may be.
    """
    noise: NDArray[np.bool_] = np.logical_and(
        judged, edit_loss > np.uint32(min(class_mean.bound(margin), 2**32 - 1))
    )
    if source_loss is not None:
        noise &= edit_loss > source_loss
    return noise


def judged_pixels(
    label: NDArray[np.uint8], mask: NDArray[np.bool_], *, class_id: int
) -> NDArray[np.bool_]:
    """Return the pixels of the object that have its class in the label, [H, W]."""
    judged: NDArray[np.bool_] = np.logical_and(mask, np.equal(label, class_id))
    return judged


def filtered_label(
    label: NDArray[np.uint8], noise: NDArray[np.bool_], *, ignore_id: int
) -> NDArray[np.uint8]:
    """Return `label` with `ignore_id` where there is `noise`, both [H, W]."""
    return np.where(noise, np.uint8(ignore_id), label)
