"""The colours that a segmentation ControlNet knows the classes of our label spaces by."""

import pytest

from harness.dataset.label_space import label_space_names, load_label_space
from harness.editing.diffusion.geometry_control import ade_color

WITHOUT_COLOR = {
    "voc": {"background", "train"},
    "cityscapes": {"train"},
    "coco-stuff": {
        "banner",
        "baseball bat",
        "baseball glove",
        "bowl",
        "cage",
        "cardboard",
        "cell phone",
        "cloth",
        "clothes",
        "cup",
        "fire hydrant",
        "fork",
        "frisbee",
        "furniture-other",
        "hair drier",
        "keyboard",
        "kite",
        "knife",
        "metal",
        "moss",
        "mouse",
        "napkin",
        "net",
        "paper",
        "parking meter",
        "plastic",
        "platform",
        "railroad",
        "remote",
        "scissors",
        "skateboard",
        "skis",
        "snow",
        "snowboard",
        "solid-other",
        "spoon",
        "straw",
        "structural-other",
        "surfboard",
        "tennis racket",
        "textile-other",
        "tie",
        "toaster",
        "toothbrush",
        "train",
        "umbrella",
        "wood",
    },
}


@pytest.mark.parametrize("name", [name for name in label_space_names() if name != "ade20k"])
def test_every_class_of_our_label_spaces_has_a_colour_or_is_known_to_have_none(name: str) -> None:
    black = {c.name for c in load_label_space(name).classes if ade_color(c.name) == (0, 0, 0)}
    assert black == WITHOUT_COLOR.get(name, set())


def test_what_has_a_colour_has_the_one_of_ade20ks_palette() -> None:
    for entry in load_label_space("ade20k").classes:
        assert ade_color(entry.name) in {entry.color, (0, 0, 0)}


@pytest.mark.parametrize(
    ("ours", "color"),
    [
        ("wall", (120, 120, 120)),
        ("sky", (6, 230, 230)),
        ("Vegetation", (4, 200, 3)),
        ("pavement", (235, 255, 7)),
        ("rider", (150, 5, 61)),
        ("motorbike", (163, 0, 255)),
        ("tvmonitor", (0, 255, 194)),
        ("terrain", (4, 250, 7)),
        ("wall-brick", (120, 120, 120)),
        ("couch", (11, 102, 255)),
    ],
)
def test_names_find_their_colour(ours: str, color: tuple[int, int, int]) -> None:
    assert ade_color(ours) == color
