import numpy as np
import pytest

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.label_format import LabelFormat, to_class_ids
from harness.dataset.label_space import load_label_space


def ids(values, label_format):
    raw = np.array([values], np.uint8)
    return to_class_ids(raw, label_format, name="label.png")[0].tolist()


def test_plain_ids_are_the_class_ids():
    assert ids([0, 7, 254, 255], LabelFormat.IDS) == [0, 7, 254, 255]


def test_ade20k_counts_from_one_and_ignores_other():
    assert ids([0, 1, 2, 150], LabelFormat.ADE20K) == [255, 0, 1, 149]


def test_cityscapes_label_ids_become_train_ids():
    expected = {
        "road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17,
        "traffic light": 19, "traffic sign": 20, "vegetation": 21, "terrain": 22, "sky": 23,
        "person": 24, "rider": 25, "car": 26, "truck": 27, "bus": 28, "train": 31,
        "motorcycle": 32, "bicycle": 33,
    }  # fmt: skip
    space = load_label_space("cityscapes")
    found = ids(list(expected.values()), LabelFormat.CITYSCAPES)
    assert found == [space.by_name(name).id for name in expected]
    others = [i for i in range(34) if i not in expected.values()]
    assert set(ids([*others, 255], LabelFormat.CITYSCAPES)) == {255}


def test_coco_stuff_leaves_out_the_unused_ids():
    # Person, bicycle, traffic light, fire hydrant; behind an unused one, stop sign; wood; none.
    assert ids([0, 1, 9, 10, 12, 181, 255], LabelFormat.COCO_STUFF) == [0, 1, 9, 10, 11, 170, 255]


@pytest.mark.parametrize(
    ("label_format", "strange", "title"),
    [
        (LabelFormat.ADE20K, 151, "SceneParse150"),
        (LabelFormat.CITYSCAPES, 34, "Cityscapes"),
        (LabelFormat.COCO_STUFF, 182, "COCO-Stuff"),
        (LabelFormat.COCO_STUFF, 11, "COCO-Stuff"),
    ],
)
def test_values_that_no_label_has_are_named(label_format, strange, title):
    raw = np.ones((4, 5), np.uint8)
    raw[2, :3] = strange
    with pytest.raises(BrokenSourceError) as caught:
        to_class_ids(raw, label_format, name="a/label.png")
    assert str(caught.value) == (
        f"a/label.png holds the value {strange} (3 pixels), which no {title} label has"
    )
    assert caught.value.reason is BrokenReason.STRANGE_ID
