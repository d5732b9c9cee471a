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
    "bag": (70, 184, 160),
    "ball": (255, 0, 163),
    "bed": (204, 5, 255),
    "bench": (194, 255, 0),
    "bicycle": (255, 245, 0),
    "blanket": (20, 0, 255),
    "boat": (173, 255, 0),
    "book": (255, 163, 0),
    "bottle": (0, 255, 10),
    "bridge": (255, 82, 0),
    "building": (180, 120, 120),
    "bus": (255, 0, 245),
    "cabinet": (224, 5, 255),
    "car": (0, 102, 200),
    "ceiling": (120, 120, 80),
    "chair": (204, 70, 3),
    "clock": (102, 255, 0),
    "computer": (0, 255, 173),
    "counter": (235, 12, 255),
    "curtain": (255, 51, 7),
    "desk": (10, 255, 71),
    "door": (8, 255, 51),
    "earth": (120, 120, 70),
    "fence": (255, 184, 6),
    "field": (112, 9, 255),
    "floor": (80, 50, 50),
    "flower": (255, 0, 0),
    "food": (255, 204, 0),
    "glass": (25, 194, 194),
    "grass": (4, 250, 7),
    "hill": (255, 102, 0),
    "house": (255, 9, 224),
    "light": (255, 173, 0),
    "microwave": (255, 0, 235),
    "minibike": (163, 0, 255),
    "mirror": (220, 220, 220),
    "mountain": (143, 255, 140),
    "oven": (71, 255, 0),
    "person": (150, 5, 61),
    "pillow": (0, 235, 255),
    "plant": (204, 255, 4),
    "plaything": (255, 0, 31),
    "pole": (51, 0, 255),
    "railing": (255, 61, 6),
    "refrigerator": (20, 255, 0),
    "river": (11, 200, 200),
    "road": (140, 140, 140),
    "rock": (255, 41, 10),
    "rug": (255, 9, 92),
    "sand": (160, 150, 20),
    "sea": (9, 7, 230),
    "shelf": (255, 7, 71),
    "sidewalk": (235, 255, 7),
    "signboard": (255, 5, 153),
    "sink": (0, 163, 255),
    "sky": (6, 230, 230),
    "skyscraper": (140, 140, 140),
    "sofa": (11, 102, 255),
    "stairs": (255, 224, 0),
    "table": (255, 6, 82),
    "television receiver": (0, 255, 194),
    "tent": (112, 224, 255),
    "toilet": (0, 255, 133),
    "towel": (255, 0, 102),
    "traffic light": (41, 0, 255),
    "tree": (4, 200, 3),
    "truck": (255, 0, 20),
    "vase": (0, 255, 204),
    "wall": (120, 120, 120),
    "water": (61, 230, 250),
    "windowpane": (230, 230, 230),
}
"""RGB by class of the 150-class palette on which ControlNet-seg was trained, as far as it is used.

Source: mmsegmentation's mmseg/datasets/ade.py; the same list is `ade_palette` in the files of
lllyasviel's ControlNets.
"""

_OUR_NAMES: dict[str, str] = {
    **{name: name for name in _ADE20K},
    **dict.fromkeys(("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe"), "animal"),
    **dict.fromkeys(("horse", "sheep", "zebra"), "animal"),
    **dict.fromkeys(("apple", "banana", "broccoli", "cake", "carrot", "donut", "fruit"), "food"),
    **dict.fromkeys(("hot dog", "orange", "pizza", "salad", "sandwich", "vegetable"), "food"),
    **dict.fromkeys(("backpack", "handbag", "suitcase"), "bag"),
    **dict.fromkeys(("bicyclist", "pedestrian", "rider"), "person"),
    **dict.fromkeys(("bush", "leaves", "pottedplant", "potted plant"), "plant"),
    **dict.fromkeys(("carpet", "mat"), "rug"),
    **dict.fromkeys(("clouds", "fog"), "sky"),
    **dict.fromkeys(("dirt", "gravel", "ground", "mud"), "earth"),
    **dict.fromkeys(("motorbike", "motorcycle"), "minibike"),
    **dict.fromkeys(("sign", "sign / symbol / traffic light", "traffic sign"), "signboard"),
    **dict.fromkeys(("tv", "tv/monitor", "tvmonitor"), "television receiver"),
    "aeroplane": "airplane",
    "branch": "tree",
    "couch": "sofa",
    "cupboard": "cabinet",
    "diningtable": "table",
    "dining table": "table",
    "guard rail": "railing",
    "lane marking": "road",
    "laptop": "computer",
    "pavement": "sidewalk",
    "playingfield": "field",
    "polegroup": "pole",
    "road marking": "road",
    "roof": "building",
    "sports ball": "ball",
    "stone": "rock",
    "stop sign": "signboard",
    "teddy bear": "plaything",
    "terrain": "grass",
    "vegetation": "tree",
    "waterdrops": "water",
    "window": "windowpane",
    "wine glass": "glass",
}
"""ADE20K's class by the name of ours, in lower case. It has no train, and nothing for VOC's
background."""

_OWN = "ade20k"
"""The label space whose palette this is."""
UNKNOWN = (0, 0, 0)
"""What a class is shown as that ADE20K does not have: the ignored pixels of its own training."""


def ade_color(class_name: str) -> tuple[int, int, int]:
    """Return the colour that a ControlNet knows the class `class_name` by, or black.

    COCO-Stuff says kinds of a class after a hyphen: `wall-brick`, `sky-other`.
    """
    whole = class_name.lower()
    name = _OUR_NAMES.get(whole) or _OUR_NAMES.get(whole.partition("-")[0])
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
            # A ControlNet's palette is ADE20K's own.
            table[entry.id] = entry.color if space.name == _OWN else ade_color(entry.name)
    return table
