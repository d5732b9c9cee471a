"""The picture that a segmentation ControlNet is shown: ADE20K's colours for our classes."""

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from harness.editing.diffusion.geometry_rules import Control
from harness.editing.geometry.moved import MovedObject
from harness.records.label_space import LabelSpace

_ADE20K: dict[str, tuple[int, int, int]] = {
    "airplane": (0, 255, 82),
    "animal": (255, 0, 122),
    "bicycle": (255, 245, 0),
    "boat": (173, 255, 0),
    "bottle": (0, 255, 10),
    "bridge": (255, 82, 0),
    "building": (180, 120, 120),
    "bus": (255, 0, 245),
    "car": (0, 102, 200),
    "ceiling": (120, 120, 80),
    "chair": (204, 70, 3),
    "earth": (120, 120, 70),
    "fence": (255, 184, 6),
    "floor": (80, 50, 50),
    "grass": (4, 250, 7),
    "minibike": (163, 0, 255),
    "mountain": (143, 255, 140),
    "person": (150, 5, 61),
    "plant": (204, 255, 4),
    "pole": (51, 0, 255),
    "railing": (255, 61, 6),
    "road": (140, 140, 140),
    "sidewalk": (235, 255, 7),
    "signboard": (255, 5, 153),
    "sky": (6, 230, 230),
    "sofa": (11, 102, 255),
    "table": (255, 6, 82),
    "television receiver": (0, 255, 194),
    "traffic light": (41, 0, 255),
    "tree": (4, 200, 3),
    "truck": (255, 0, 20),
    "wall": (120, 120, 120),
    "water": (61, 230, 250),
}
"""RGB by class of the 150-class palette on which ControlNet-seg was trained, as far as it is used.

Source: mmsegmentation's mmseg/datasets/ade.py; the same list is `ade_palette` in the files of
lllyasviel's ControlNets.
"""

_OUR_NAMES: dict[str, str] = {
    **{name: name for name in _ADE20K},
    **dict.fromkeys(("bird", "cat", "cow", "dog", "horse", "sheep"), "animal"),
    **dict.fromkeys(("bicyclist", "pedestrian", "rider"), "person"),
    **dict.fromkeys(("motorbike", "motorcycle"), "minibike"),
    **dict.fromkeys(("sign", "sign / symbol / traffic light", "traffic sign"), "signboard"),
    "aeroplane": "airplane",
    "diningtable": "table",
    "dining table": "table",
    "guard rail": "railing",
    "lane marking": "road",
    "pavement": "sidewalk",
    "polegroup": "pole",
    "pottedplant": "plant",
    "potted plant": "plant",
    "road marking": "road",
    "terrain": "grass",
    "tv/monitor": "television receiver",
    "tvmonitor": "television receiver",
    "vegetation": "tree",
}
"""ADE20K's class by the name of ours, in lower case. It has no train, and nothing for VOC's
background."""

UNKNOWN = (0, 0, 0)
"""What a class is shown as that ADE20K does not have: the ignored pixels of its own training."""


def ade_color(class_name: str) -> tuple[int, int, int]:
    """Return the colour that a ControlNet knows the class `class_name` by, or black."""
    name = _OUR_NAMES.get(class_name.lower())
    return UNKNOWN if name is None else _ADE20K[name]


def control_image(moved: MovedObject, space: LabelSpace, rule: Control) -> NDArray[np.uint8]:
    """Return the control picture of the edited picture's label, RGB [H, W, 3]."""
    match rule:
        case Control.OBJECT:
            table = np.array([UNKNOWN, _ADE20K["building"]], np.uint8)
            return table[moved.covered.astype(np.uint8)]
        case Control.SCENE:
            return _color_table(space)[moved.label]
        case _:
            assert_never(rule)


def _color_table(space: LabelSpace) -> NDArray[np.uint8]:
    """Return the colour of each of the 256 label values."""
    table = np.tile(np.array(UNKNOWN, np.uint8), (256, 1))
    for entry in space.classes:
        if entry.id < 256:
            table[entry.id] = ade_color(entry.name)
    return table
