import pytest

from harness.dataset.label_space import label_space_names, load_label_space
from harness.errors import RecipeError


def voc_color(class_id):
    """The palette of the VOC development kit: the id's bits, spread over the channels."""
    channels = [0, 0, 0]
    for bit in range(8):
        channels[bit % 3] |= ((class_id >> bit) & 1) << (7 - bit // 3)
    return tuple(channels)


def test_voc_has_21_classes_in_the_development_kits_palette():
    voc = load_label_space("voc")
    assert (len(voc.classes), voc.ignore_id) == (21, 255)
    assert [c.id for c in voc.classes] == list(range(21))
    assert all(c.color == voc_color(c.id) for c in voc.classes)
    assert voc.by_name("sofa").id == 18
    assert voc.by_name("tvmonitor").noun == "TV monitor"


def test_camvid_has_11_classes_and_ignores_11():
    camvid = load_label_space("camvid")
    assert (len(camvid.classes), camvid.ignore_id, camvid.scene) == (11, 11, "street")
    assert (camvid.by_name("car").id, camvid.by_name("bicyclist").id) == (8, 10)


def test_cityscapes_has_19_train_ids():
    cityscapes = load_label_space("cityscapes")
    assert (len(cityscapes.classes), cityscapes.ignore_id) == (19, 255)
    names = ("road", "traffic light", "car", "bicycle")
    assert [cityscapes.by_name(name).id for name in names] == [0, 6, 13, 18]


def test_an_unknown_name_lists_the_known():
    assert label_space_names() == ("ade20k", "camvid", "cityscapes", "coco-stuff", "voc")
    with pytest.raises(RecipeError, match="no label space 'ade'") as caught:
        load_label_space("ade")
    assert "ade20k, camvid, cityscapes, coco-stuff, voc" in caught.value.remedy
