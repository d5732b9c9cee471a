import numpy as np
import pytest

from harness.dataset.label_space import load_label_space
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_file import Source
from harness.dataset.sources import list_sources
from harness.records.source import SelectionRule, SourceAdapter, SourceSpec

CAMVID = load_label_space("camvid")
VOC = load_label_space("voc")
RULE = SelectionRule(classes=("car", "bicyclist"), min_object_fraction=0.05)


def source(label, *, mask=None, class_name=None):
    label = np.asarray(label, np.uint8)
    image = np.zeros((*label.shape, 3), np.uint8)
    return Source(name="x", image=image, label=label, given_mask=mask, given_class=class_name)


def test_the_largest_component_of_an_allowed_class_is_taken():
    label = np.full((6, 10), 1)
    label[0:2, 0:2] = 8  # 4 pixels of car
    label[0:3, 6:8] = 8  # 6 pixels of car, apart from the others
    label[4:6, 0:2] = 10  # 4 pixels of bicyclist
    found = select_object(source(label), CAMVID, RULE)
    assert isinstance(found, SelectedObject)
    assert found.class_name == "car"
    assert found.fraction == pytest.approx(6 / 60)
    assert np.argwhere(found.mask).min(axis=0).tolist() == [0, 6]


def test_diagonal_neighbours_are_one_object():
    label = np.full((5, 5), 1)
    label[1, 1] = label[2, 2] = label[3, 3] = 8
    found = select_object(source(label), CAMVID, RULE)
    assert isinstance(found, SelectedObject)
    assert found.mask.sum() == 3


def test_the_first_class_by_id_wins_a_tie():
    label = np.full((4, 4), 1)
    label[0, 0:2] = 10
    label[3, 0:2] = 8
    found = select_object(source(label), CAMVID, RULE)
    assert isinstance(found, SelectedObject)
    assert found.class_name == "car"


def test_why_there_is_none_is_said():
    label = np.full((10, 10), 9)
    assert select_object(source(label), CAMVID, RULE) is NoObject.NO_ALLOWED_CLASS
    label[0, :4] = 8
    assert select_object(source(label), CAMVID, RULE) is NoObject.OBJECT_TOO_SMALL
    label[0, :5] = 8
    assert isinstance(select_object(source(label), CAMVID, RULE), SelectedObject)


def test_every_class_but_background_ignore_and_the_excluded_may_be_taken():
    label = np.zeros((10, 10))
    label[5:] = 255
    label[0, :6] = 15  # person
    label[2, :5] = 8  # cat
    rule = SelectionRule(min_object_fraction=0.05)
    found = select_object(source(label), VOC, rule)
    assert isinstance(found, SelectedObject)
    assert found.class_name == "person"
    excluding = SelectionRule(min_object_fraction=0.05, exclude_classes=("person",))
    found = select_object(source(label), VOC, excluding)
    assert isinstance(found, SelectedObject)
    assert found.class_name == "cat"


def test_an_object_that_the_data_set_points_out_is_taken_though_it_is_not_the_largest():
    label = np.zeros((10, 10))
    label[0:4] = 13
    label[6, :6] = 17
    mask = label == 17
    rule = SelectionRule(min_object_fraction=0.05)
    found = select_object(source(label, mask=mask, class_name="sheep"), VOC, rule)
    assert isinstance(found, SelectedObject)
    assert (found.class_name, int(found.mask.sum())) == ("sheep", 6)
    larger = SelectionRule(min_object_fraction=0.1)
    given = source(label, mask=mask, class_name="sheep")
    assert select_object(given, VOC, larger) is NoObject.OBJECT_TOO_SMALL
    horses = SelectionRule(min_object_fraction=0.05, classes=("horse",))
    assert select_object(given, VOC, horses) is NoObject.NO_ALLOWED_CLASS


def test_real_camvid_has_the_objects_that_the_recipe_counts(camvid_root):
    spec = SourceSpec(adapter=SourceAdapter.CAMVID, split="test", label_space="camvid")
    rule = SelectionRule(classes=("car", "bicyclist"), min_object_fraction=0.01)
    found = [
        select_object(file.load(CAMVID), CAMVID, rule) for file in list_sources(spec, camvid_root)
    ]
    objects = [f for f in found if isinstance(f, SelectedObject)]
    assert len(objects) == 38
    assert sum(1 for f in objects if f.class_name == "bicyclist") == 2
    assert sum(1 for f in objects if f.fraction >= 0.02) == 33
