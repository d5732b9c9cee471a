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
    **dict.fromkeys(("clouds",), Role.SKY),
    **dict.fromkeys(("dirt", "dirt track", "earth", "field", "floor", "gravel"), Role.GROUND),
    **dict.fromkeys(("land", "moss", "mud", "path", "platform", "playingfield"), Role.GROUND),
    **dict.fromkeys(("railroad", "rock", "runway", "sand", "snow", "stone"), Role.GROUND),
    # Water lies flat as the ground does.
    **dict.fromkeys(("lake", "river", "sea", "swimming pool", "water"), Role.GROUND),
    **dict.fromkeys(("tree", "vegetation"), Role.PLANT),
    **dict.fromkeys(("branch", "bush", "leaves", "palm", "plant", "straw"), Role.PLANT),
    # Slopes are covered by what grows on them, as far as a label says.
    **dict.fromkeys(("hill", "mountain"), Role.PLANT),
    **dict.fromkeys(("building", "wall", "fence", "bridge", "tunnel", "guard rail"), Role.BUILT),
    **dict.fromkeys(("bannister", "ceiling", "column", "door", "grandstand", "house"), Role.BUILT),
    **dict.fromkeys(("hovel", "pier", "railing", "roof", "skyscraper", "stairs"), Role.BUILT),
    **dict.fromkeys(("stairway", "structural-other", "tower", "window"), Role.BUILT),
    **dict.fromkeys(("windowpane",), Role.BUILT),
    **dict.fromkeys(("signboard", "streetlight"), Role.THIN),
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
    """Return the role of each of the 256 label values.

    COCO-Stuff says kinds of a class after a hyphen: a `wall-brick` is a wall.
    """
    table = np.full(256, Role.UNKNOWN, np.uint8)
    for entry in space.classes:
        if entry.id < 256:
            name = entry.name.lower()
            kind_of = _ROLES.get(name.partition("-")[0], Role.THING)
            table[entry.id] = _ROLES.get(name, kind_of)
    if space.ignore_id < 256:
        table[space.ignore_id] = Role.UNKNOWN
    return table
