import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dataset.label_space import load_label_space
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_file import Annotation
from harness.dataset.sources import list_sources
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.source import (
    ObjectMeasure,
    ObjectUnit,
    SelectionRule,
    SourceAdapter,
    SourceSpec,
)

CAMVID = load_label_space("camvid")
VOC = load_label_space("voc")
RULE = SelectionRule(classes=("car", "bicyclist"), min_object_fraction=0.05)


def source(label, *, mask=None, class_name=None, instances=None, classes=None):
    return Annotation(
        name="x",
        label=np.asarray(label, np.uint8),
        given_mask=mask,
        given_class=class_name,
        instances=None if instances is None else np.asarray(instances, np.int32),
        instance_classes=classes,
    )


def selected(annotation, space=CAMVID, **rule):
    found = select_object(annotation, space, SelectionRule(**{"min_object_fraction": 0.01} | rule))
    assert isinstance(found, SelectedObject), found
    return found


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


def two_cars_in_one_component():
    label = np.full((10, 20), 3)
    label[2:8, 2:18] = 8
    instances = np.zeros((10, 20))
    instances[2:8, 2:11] = 7
    instances[2:8, 11:18] = 3
    return label, instances


def test_an_instance_is_taken_where_there_are_some_and_a_component_elsewhere():
    label, instances = two_cars_in_one_component()
    with_instances = source(label, instances=instances)
    assert selected(with_instances).mask.sum() == 6 * 9
    assert (
        selected(with_instances, unit=ObjectUnit.COMPONENT, classes=("car",)).mask.sum() == 6 * 16
    )
    # Without instances the street is the largest.
    assert selected(source(label)).class_name == "road"


def test_an_instance_is_the_labels_own_pixels_of_its_class():
    label, instances = two_cars_in_one_component()
    # A hole that is ignored, a pole before it, and an outline that is wider than the label.
    label[4, 3], label[5, 4] = 11, 2
    instances[1:9, 1:11] = 7
    found = selected(source(label, instances=instances))
    assert found.class_name == "car"
    assert (found.mask == ((instances == 7) & (label == 8))).all()
    assert found.mask.sum() == 6 * 9 - 2


def test_the_class_of_an_instance_is_what_most_of_it_is_but_for_the_ignored():
    label = np.full((10, 10), 11)
    label[0, :3], label[1, :2] = 10, 8
    instances = np.ones((10, 10))
    found = selected(source(label, instances=instances))
    assert (found.class_name, int(found.mask.sum())) == ("bicyclist", 3)
    label[1, 2] = 8
    # Car and bicyclist have three pixels each.
    assert selected(source(label, instances=instances)).class_name == "car"


def test_an_instance_that_the_data_set_gives_a_class_is_the_labels_pixels_of_that():
    label = np.full((10, 10), 3)
    label[2:4, 2:6] = 8
    instances = np.zeros((10, 10))
    instances[0:8, 0:8] = 5
    # Most of it is road, yet it is said to be a car.
    assert selected(source(label, instances=instances)).class_name == "road"
    found = selected(source(label, instances=instances, classes={5: 8}))
    assert found.class_name == "car"
    assert (found.mask == (label == 8)).all()


def test_an_instance_without_a_pixel_of_its_class_is_no_object():
    label, instances = two_cars_in_one_component()
    for classes in ({7: 10, 3: 10}, {7: 11, 3: 11}, {7: 200}, {}):
        found = source(label, instances=instances, classes=classes)
        assert select_object(found, CAMVID, SelectionRule()) is NoObject.NO_ALLOWED_CLASS
    # The larger is said to be a bicyclist, and the label has none there.
    found = selected(source(label, instances=instances, classes={7: 10, 3: 8}))
    assert (found.mask == ((instances == 3) & (label == 8))).all()
    large = np.where(instances == 7, 2**31 - 1, instances)
    found = selected(source(label, instances=large, classes={2**31 - 1: 8, 3: 10}))
    assert (found.mask == ((instances == 7) & (label == 8))).all()


@pytest.mark.parametrize("name", ["Background", "BACKGROUND", "_background_", "background"])
def test_the_background_is_none_in_any_case_unless_it_is_named(name):
    space = LabelSpace(
        name="own",
        ignore_id=255,
        classes=(
            LabelClass(id=0, name=name, color=(0, 0, 0)),
            LabelClass(id=1, name="mug", color=(1, 1, 1)),
        ),
    )
    label = np.zeros((10, 10))
    label[0, :5] = 1
    assert selected(source(label), space).class_name == "mug"
    assert selected(source(label), space, classes=(name,)).class_name == name


def test_ties_go_to_the_lower_class_and_then_to_the_lower_number():
    label = np.full((9, 9), 3)
    instances = np.zeros((9, 9))
    for top, number, class_id in ((0, 5, 10), (3, 9, 8), (6, 4, 8)):
        label[top : top + 2, 0:4] = class_id
        instances[top : top + 2, 0:4] = number
    found = selected(source(label, instances=instances))
    assert found.class_name == "car"
    assert (found.mask == (instances == 4)).all()


def test_numbers_of_instances_may_be_any():
    label, instances = two_cars_in_one_component()
    large = np.where(instances == 7, 2**31 - 1, instances)
    expected = selected(source(label, instances=instances)).mask
    assert (selected(source(label, instances=large)).mask == expected).all()


def test_without_an_instance_of_an_allowed_class_the_reason_is_told():
    label, instances = two_cars_in_one_component()
    rule = SelectionRule(classes=("bicyclist",))
    found = select_object(source(label, instances=instances), CAMVID, rule)
    assert found is NoObject.NO_ALLOWED_CLASS
    ignored = source(np.full((10, 20), 11), instances=instances)
    assert select_object(ignored, CAMVID, SelectionRule()) is NoObject.NO_ALLOWED_CLASS
    none = source(label, instances=np.zeros((10, 20)))
    assert select_object(none, CAMVID, SelectionRule()) is NoObject.NO_INSTANCES
    asked = SelectionRule(unit=ObjectUnit.INSTANCE)
    assert select_object(source(label), CAMVID, asked) is NoObject.NO_INSTANCES
    large = SelectionRule(min_object_fraction=0.271)
    assert selected(source(label, instances=instances), min_object_fraction=0.27).fraction == 0.27
    found = select_object(source(label, instances=instances), CAMVID, large)
    assert found is NoObject.OBJECT_TOO_SMALL


def test_by_boxes_a_thin_object_is_larger_than_a_compact_one():
    label = np.full((20, 20), 11)
    instances = np.zeros((20, 20))
    for i in range(12):
        label[i, i] = instances[i, i] = 10  # A diagonal: 12 pixels in a box of 144.
    label[14:19, 12:18], instances[14:19, 12:18] = 8, 8  # 30 pixels
    for found in (
        selected(source(label, instances=instances), measure=ObjectMeasure.BOX),
        selected(source(label), measure=ObjectMeasure.BOX),
    ):
        assert found.class_name == "bicyclist"
        assert found.mask.sum() == 12
        assert found.fraction == 144 / 400
    found = selected(source(label, instances=instances))
    assert (found.class_name, found.fraction) == ("car", 30 / 400)
    rule = SelectionRule(min_object_fraction=0.1, measure=ObjectMeasure.BOX)
    assert isinstance(select_object(source(label), CAMVID, rule), SelectedObject)
    rule = SelectionRule(min_object_fraction=0.1)
    assert select_object(source(label), CAMVID, rule) is NoObject.OBJECT_TOO_SMALL


def test_the_box_is_that_of_the_objects_own_pixels():
    label = np.full((10, 10), 3)
    label[4:6, 4:6] = 8
    instances = np.zeros((10, 10))
    instances[4:6, 4:6] = 1
    instances[0, 0] = 1  # A pixel of road in the instance's mask.
    assert selected(source(label, instances=instances), measure=ObjectMeasure.BOX).fraction == 0.04


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(ObjectMeasure)))
def test_it_is_what_looking_at_each_instance_finds(seed, measure):
    generator = np.random.default_rng(seed)
    label = generator.choice([3, 8, 10, 11], (8, 9))
    instances = generator.integers(0, 5, (8, 9)) * 1000
    allowed = {8: "car", 10: "bicyclist"}
    best = None
    for number in np.unique(instances[instances > 0]):
        counts = {c: int(((instances == number) & (label == c)).sum()) for c in (3, 8, 10)}
        class_id = max(counts, key=lambda c: (counts[c], -c))
        if class_id not in allowed or counts[class_id] == 0:
            continue
        mask = (instances == number) & (label == class_id)
        ys, xs = np.nonzero(mask)
        box = (np.ptp(ys) + 1) * (np.ptp(xs) + 1)
        area = len(ys) if measure is ObjectMeasure.PIXELS else box
        if best is None or (area, -class_id, -number) > best[0]:
            best = ((area, -class_id, -number), mask)
    rule = SelectionRule(classes=tuple(allowed.values()), min_object_fraction=1e-6, measure=measure)
    found = select_object(source(label, instances=instances), CAMVID, rule)
    if best is None:
        assert found is NoObject.NO_ALLOWED_CLASS
    else:
        assert (found.mask == best[1]).all()
        assert found.class_name == allowed[-best[0][1]]


def test_real_camvid_has_the_objects_that_the_recipe_counts(camvid_root):
    spec = SourceSpec(adapter=SourceAdapter.CAMVID, split="test", label_space="camvid")
    rule = SelectionRule(classes=("car", "bicyclist"), min_object_fraction=0.01)
    found = [
        select_object(file.load(CAMVID), CAMVID, rule)
        for file in list_sources(spec, camvid_root).files
    ]
    objects = [f for f in found if isinstance(f, SelectedObject)]
    assert len(objects) == 38
    assert sum(1 for f in objects if f.class_name == "bicyclist") == 2
    assert sum(1 for f in objects if f.fraction >= 0.02) == 33
