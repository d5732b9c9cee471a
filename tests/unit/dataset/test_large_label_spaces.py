"""ADE20K's 150 and COCO-Stuff's 171 classes: positions, names and palettes as published."""

import pytest

from harness.dataset.coco_ids import COCO_CLASS_IDS, UNUSED_IDS
from harness.dataset.label_space import load_label_space


def voc_color(coco_id: int) -> tuple[int, int, int]:
    channels = [0, 0, 0]
    for bit in range(8):
        channels[bit % 3] |= ((coco_id >> bit) & 1) << (7 - bit // 3)
    return (channels[0], channels[1], channels[2])


@pytest.mark.parametrize(("name", "count"), [("ade20k", 150), ("coco-stuff", 171)])
def test_ids_run_from_0_and_255_is_ignored(name: str, count: int) -> None:
    space = load_label_space(name)
    assert [c.id for c in space.classes] == list(range(count))
    assert space.ignore_id == 255
    assert all(c.name == c.name.strip() for c in space.classes)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "wall"),
        (3, "sky"),
        (8, "bed"),
        (13, "person"),
        (16, "table"),
        (21, "car"),
        (24, "sofa"),
        (26, "house"),
        (51, "refrigerator"),
        (81, "bus"),
        (84, "truck"),
        (90, "television receiver"),
        (117, "minibike"),
        (128, "bicycle"),
        (144, "monitor"),
        (150, "flag"),
    ],
)
def test_ade20k_is_in_the_order_of_object_info_150(number: int, name: str) -> None:
    found = load_label_space("ade20k").by_name(name)
    assert found is not None
    assert found.id == number - 1


def test_ade20k_has_the_palette_of_color_150() -> None:
    space = load_label_space("ade20k")
    colors = {c.name: c.color for c in space.classes}
    assert colors["wall"] == (120, 120, 120)
    assert colors["person"] == (150, 5, 61)
    assert colors["car"] == (0, 102, 200)
    assert colors["bicycle"] == (255, 245, 0)
    assert colors["flag"] == (92, 0, 255)
    # The published palette gives road and skyscraper one colour.
    assert len(set(colors.values())) == 149
    assert colors["road"] == colors["skyscraper"]


@pytest.mark.parametrize(
    ("coco_id", "name"),
    [
        (1, "person"),
        (11, "fire hydrant"),
        (13, "stop sign"),
        (25, "giraffe"),
        (27, "backpack"),
        (28, "umbrella"),
        (31, "handbag"),
        (44, "bottle"),
        (46, "wine glass"),
        (65, "bed"),
        (67, "dining table"),
        (70, "toilet"),
        (72, "tv"),
        (82, "refrigerator"),
        (84, "book"),
        (90, "toothbrush"),
        (92, "banner"),
        (112, "door-stuff"),
        (133, "mirror-stuff"),
        (169, "tree"),
        (171, "wall-brick"),
        (181, "window-other"),
        (182, "wood"),
    ],
)
def test_coco_stuff_is_in_the_order_of_its_labels_without_the_unused(
    coco_id: int, name: str
) -> None:
    found = load_label_space("coco-stuff").by_name(name)
    assert found is not None
    assert found.id == coco_id - 1 - sum(unused < coco_id for unused in UNUSED_IDS)


def test_coco_stuff_has_the_voc_colour_of_each_classs_coco_id() -> None:
    colors = {c.id: c.color for c in load_label_space("coco-stuff").classes}
    assert colors == {class_id: voc_color(coco_id) for coco_id, class_id in COCO_CLASS_IDS.items()}
    assert len(set(colors.values())) == 171


def test_a_name_that_is_no_english_has_a_noun() -> None:
    space = load_label_space("coco-stuff")
    assert {c.name for c in space.classes if "-" in c.name and c.noun is None} == set()
    nouns = {c.name: c.noun for c in space.classes}
    assert nouns["wall-brick"] == "brick wall"
    assert nouns["tree"] is None
    ade = {c.name: c.noun for c in load_label_space("ade20k").classes}
    assert ade["television receiver"] == "television"
    assert ade["ashcan"] == "trash can"
    assert all(ade[name] is None for name in ("table", "sofa", "house", "car", "truck", "monitor"))
