"""COCO's category ids and the 171 class ids of COCO-Stuff; nothing of any file."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

UNUSED_IDS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91})
"""COCO ids that have a name (street sign, hat, ...) and that no pixel or instance carries.

Source: "Label Names & Indices" in the README of nightrome/cocostuff.
"""
LAST_THING_ID = 91
"""Things are the COCO ids 1-91, stuff the ids after them."""
LAST_ID = 182
"""The last COCO id, `wood`."""
UNLABELLED = 255
"""The value of an unlabelled pixel, and the label space's ignore id."""
STRANGE = -1
"""What the table says of a value that the format doesn't have."""

COCO_CLASS_IDS: Mapping[int, int] = MappingProxyType(
    {
        coco_id: class_id
        for class_id, coco_id in enumerate(i for i in range(1, LAST_ID + 1) if i not in UNUSED_IDS)
    }
)
"""The class id 0-170 of each COCO id that is in use."""

THING_IDS = frozenset(i for i in COCO_CLASS_IDS if i <= LAST_THING_ID)
"""The 80 COCO ids that an instance may have."""


def _pixel_map_table() -> NDArray[np.int16]:
    table = np.full(256, STRANGE, np.int16)
    for coco_id, class_id in COCO_CLASS_IDS.items():
        # A pixel map holds the COCO id less one.
        table[coco_id - 1] = class_id
    table[UNLABELLED] = UNLABELLED
    table.flags.writeable = False
    return table


COCO_STUFF_TABLE = _pixel_map_table()
"""Class id of each value of a COCO-Stuff pixel map, [256] int16: 0-170, `UNLABELLED` or `STRANGE`.

The values of the unused ids are strange: mmsegmentation's conversion leaves them as they are, where
they would pass for the classes of those numbers.
"""
