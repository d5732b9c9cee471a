"""Class ids made contiguous, as training code wants them; nothing of files."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import OutputError
from harness.records.label_space import LabelClass, LabelSpace

IGNORE = 255
"""The train id of what is not scored."""


@dataclass(frozen=True, kw_only=True)
class TrainIds:
    """Train ids 0 to N - 1 in the order of the classes' ids, and 255 for what is not scored."""

    classes: tuple[LabelClass, ...]
    """The classes; the train id is the place."""
    table: NDArray[np.uint8]
    """The train id of each label id, [256]."""

    same: bool
    """Whether labels hold train ids already."""

    def apply(self, label: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the train ids of a label's class ids, of the same shape."""
        return self.table[label]


def train_ids(label_space: LabelSpace) -> TrainIds:
    """Return the train ids of a label space.

    Raises:
        OutputError: It has more classes than 8 bits hold beside the ignore id.
    """
    if label_space.classes and label_space.classes[-1].id > IGNORE:
        msg = f"label space {label_space.name} has ids over 255, which 8-bit labels can't hold"
        raise OutputError(msg, remedy="Export it as `folder` or `huggingface`.")
    table = np.full(256, IGNORE, np.uint8)
    for place, found in enumerate(label_space.classes):
        table[found.id] = place
    contiguous = all(place == found.id for place, found in enumerate(label_space.classes))
    same = contiguous and label_space.ignore_id == IGNORE
    return TrainIds(classes=label_space.classes, table=table, same=same)
