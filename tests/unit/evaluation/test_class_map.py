"""Predicted ids are brought to the benchmark's classes by name."""

import pytest

from harness.errors import SubmissionError
from harness.evaluation.class_map import (
    OTHER,
    own_label_space,
    prediction_table,
    unmapped_classes,
)
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.submission import SubmissionManifest


def space(name, *names, first=0):
    classes = tuple(
        LabelClass(id=i, name=n, color=(i, i, i)) for i, n in enumerate(names, start=first)
    )
    return LabelSpace(name=name, ignore_id=255, classes=classes)


def submission(**class_map):
    return SubmissionManifest(
        name="model", title="Model", authors=("A",), label_space="own", class_map=class_map
    )


STREET = space("street", "sky", "road", "car", "person")


def test_the_same_space_maps_to_itself_and_all_else_to_other():
    table = prediction_table(submission(), own=STREET, benchmark=STREET)
    assert table[:5].tolist() == [0, 1, 2, 3, OTHER]
    assert table[255] == OTHER
    assert table[65535] == OTHER
    assert table.shape == (65536,)


def test_classes_meet_by_name_whatever_their_order():
    own = space("own", "person", "road", "unlabelled", "sky", first=7)
    table = prediction_table(submission(), own=own, benchmark=STREET)
    assert table[7:11].tolist() == [3, 1, OTHER, 0]
    assert table[0] == OTHER


def test_the_class_map_joins_several_classes():
    own = space("own", "truck", "bus", "sky", "rider")
    manifest = submission(truck="car", bus="car", rider="person")
    table = prediction_table(manifest, own=own, benchmark=STREET)
    assert table[:4].tolist() == [2, 2, 0, 3]
    assert unmapped_classes(manifest, own=own, benchmark=STREET) == ("road",)


@pytest.mark.parametrize(
    ("class_map", "words"),
    [({"lorry": "car"}, "'lorry'"), ({"truck": "vehicle"}, "'vehicle'")],
)
def test_an_unknown_name_in_the_class_map_is_named(class_map, words):
    own = space("own", "truck", "sky")
    with pytest.raises(SubmissionError, match=words):
        prediction_table(submission(**class_map), own=own, benchmark=STREET)


def test_spaces_without_a_common_class_are_refused():
    with pytest.raises(SubmissionError, match="no class is in"):
        prediction_table(submission(), own=space("own", "table", "chair"), benchmark=STREET)


def test_an_unknown_label_space_is_the_submissions_fault():
    manifest = submission().model_copy(update={"label_space": "vok"})
    with pytest.raises(SubmissionError, match="no label space 'vok'") as refused:
        own_label_space(manifest)
    assert "voc" in refused.value.remedy


def test_a_benchmark_of_a_class_file_has_a_label_space_that_only_it_knows():
    with pytest.raises(SubmissionError, match="no label space 'own'") as refused:
        own_label_space(submission(), benchmark=STREET)
    assert "street" in refused.value.remedy
    own = space("own", "sky", "road")
    assert own_label_space(submission(), benchmark=own) is own
    assert own_label_space(submission().model_copy(update={"label_space": "voc"})).name == "voc"
