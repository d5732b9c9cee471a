"""What each class of a label is in a scene: sky, ground, a thing; nothing of any one image."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from harness.records.label_space import LabelSpace


class Role(IntEnum):
    """What a class is to weather and geometry."""

    SKY = 0
    GROUND = 1
    PLANT = 2
    BUILT = 3
    THIN = 4
    THING = 5
    BACKDROP = 6
    """Everything behind the labelled objects, as in VOC."""
    UNKNOWN = 7
    """The ignore label."""


_ROLES: dict[str, Role] = {
    **dict.fromkeys(("sky",), Role.SKY),
    **dict.fromkeys(
        (
            "road",
            "pavement",
            "sidewalk",
            "terrain",
            "ground",
            "parking",
            "rail track",
            "grass",
            "lane marking",
            "road marking",
        ),
        Role.GROUND,
    ),
    **dict.fromkeys(("tree", "vegetation"), Role.PLANT),
    **dict.fromkeys(("building", "wall", "fence", "bridge", "tunnel", "guard rail"), Role.BUILT),
    **dict.fromkeys(
        (
            "pole",
            "sign",
            "sign / symbol / traffic light",
            "sign symbol",
            "signsymbol",
            "traffic sign",
            "traffic light",
            "polegroup",
        ),
        Role.THIN,
    ),
    **dict.fromkeys(("background",), Role.BACKDROP),
    **dict.fromkeys(("void", "unlabelled", "unlabeled"), Role.UNKNOWN),
}
"""Roles by class name; every other class is a thing."""


def role_table(space: LabelSpace) -> NDArray[np.uint8]:
    """Return the role of each of the 256 label values."""
    table = np.full(256, Role.UNKNOWN, np.uint8)
    for entry in space.classes:
        if entry.id < 256:
            table[entry.id] = _ROLES.get(entry.name.lower(), Role.THING)
    if space.ignore_id < 256:
        table[space.ignore_id] = Role.UNKNOWN
    return table
