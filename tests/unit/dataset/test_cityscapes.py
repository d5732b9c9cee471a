import shutil

import numpy as np
import pytest
from source_trees.cityscapes import VAL, write_cityscapes_tree
from source_trees.drawing import save_values

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.label_format import LabelFormat
from harness.dataset.label_space import load_label_space
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.sources import list_sources
from harness.errors import SourceDataError
from harness.records.source import ObjectUnit, SelectionRule, SourceAdapter, SourceSpec

CITYSCAPES = load_label_space("cityscapes")
SPEC = SourceSpec(
    adapter=SourceAdapter.CITYSCAPES,
    split="val",
    label_space="cityscapes",
    description="From the Cityscapes site.",
)
SKIP = SPEC.model_copy(update={"broken": "skip"})
FRANKFURT = "gtFine/val/frankfurt/frankfurt_000000_000294_gtFine"


@pytest.fixture
def root(tmp_path):
    write_cityscapes_tree(tmp_path)
    return tmp_path


def of_split(split):
    return SPEC.model_copy(update={"split": split})


def test_all_cities_of_a_split_are_listed_by_name(root):
    assert [file.name for file in list_sources(SPEC, root).files] == sorted(VAL)
    (train,) = list_sources(of_split("train"), root).files
    assert train.name == "aachen_000000_000019"
    assert train.image.name == "aachen_000000_000019_leftImg8bit.png"


def test_label_ids_are_brought_to_train_ids(root):
    file = list_sources(SPEC, root).files[0]
    assert file.label_format is LabelFormat.CITYSCAPES
    source = file.load(CITYSCAPES)
    assert source.label.shape == (64, 128)
    # Sky, building, road and car, and the ego vehicle that is not evaluated.
    assert [
        int(source.label[y, x]) for y, x in ((5, 5), (30, 120), (45, 120), (45, 20), (63, 5))
    ] == [
        10,
        2,
        0,
        13,
        255,
    ]
    assert set(np.unique(source.instances)) == {0, 26000, 26001}


def test_files_of_train_ids_say_the_same(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("with-train-ids")
    write_cityscapes_tree(other, train_ids=True)
    for mapped, ready in zip(
        list_sources(SPEC, root).files, list_sources(SPEC, other).files, strict=True
    ):
        assert ready.label.name.endswith("_gtFine_labelTrainIds.png")
        assert ready.label_format is LabelFormat.IDS
        assert (ready.load(CITYSCAPES).label == mapped.load(CITYSCAPES).label).all()


def test_an_object_is_one_instance_and_a_group_is_none(root):
    found = {
        file.name: select_object(file.load_annotation(CITYSCAPES), CITYSCAPES, SelectionRule())
        for file in list_sources(SPEC, root).files
    }
    cars = found["frankfurt_000000_000294"]
    assert isinstance(cars, SelectedObject)
    # 32 x 40: the right half of what is one component of car belongs to the other.
    assert (cars.class_name, int(cars.mask.sum())) == ("car", 32 * 40)
    assert found["frankfurt_000001_002512"].class_name == "truck"
    assert found["lindau_000000_000019"] is NoObject.NO_INSTANCES
    assert found["munster_000173_000029"] is NoObject.OBJECT_TOO_SMALL


def test_components_are_taken_where_the_recipe_says_so(root):
    rule = SelectionRule(classes=("car",), unit=ObjectUnit.COMPONENT)
    source = list_sources(SPEC, root).files[0].load_annotation(CITYSCAPES)
    found = select_object(source, CITYSCAPES, rule)
    assert isinstance(found, SelectedObject)
    assert found.mask.sum() == 32 * 40 + 28 * 26


def test_packages_in_folders_of_their_own_are_found(root):
    for kind in ("leftImg8bit", "gtFine"):
        (root / f"{kind}_trainvaltest").mkdir()
        (root / kind).rename(root / f"{kind}_trainvaltest" / kind)
    assert len(list_sources(SPEC, root).files) == 4


def test_the_test_split_is_refused_as_its_labels_are_not_published(root):
    with pytest.raises(SourceDataError, match="test split of Cityscapes has no labels") as caught:
        list_sources(of_split("test"), root)
    assert caught.value.remedy == 'Use the split "val".'


def test_a_missing_package_or_city_is_named(root):
    shutil.rmtree(root / "gtFine/val/munster")
    with pytest.raises(SourceDataError, match="no folder gtFine/val/munster") as caught:
        list_sources(SKIP, root)
    assert "leftImg8bit/val/CITY/NAME_leftImg8bit.png" in caught.value.remedy
    shutil.rmtree(root / "leftImg8bit/val/lindau")
    with pytest.raises(SourceDataError, match="no folder leftImg8bit/val/lindau"):
        list_sources(SKIP, root)
    shutil.rmtree(root / "gtFine")
    with pytest.raises(SourceDataError, match="no folder gtFine/val") as caught:
        list_sources(SKIP, root)
    assert caught.value.remedy.endswith("From the Cityscapes site.")
    for city in (root / "leftImg8bit/val").iterdir():
        shutil.rmtree(city)
    (root / "gtFine/val").mkdir(parents=True)
    with pytest.raises(SourceDataError, match="leftImg8bit/val holds no city"):
        list_sources(SKIP, root)


def test_cities_without_images_are_refused(root):
    for path in root.rglob("*_leftImg8bit.png"):
        path.unlink()
    for path in root.rglob("*_gtFine_*.png"):
        path.unlink()
    with pytest.raises(SourceDataError, match=r"val holds no _leftImg8bit\.png file"):
        list_sources(SKIP, root)


def test_single_files_that_are_missing_are_named(root):
    (root / f"{FRANKFURT}_labelIds.png").unlink()
    (root / "gtFine/val/lindau/lindau_000000_000019_gtFine_instanceIds.png").unlink()
    listing = list_sources(SKIP, root)
    assert [file.name for file in listing.files] == [
        "frankfurt_000001_002512",
        "munster_000173_000029",
    ]
    label, instances = listing.broken
    assert (label.name, label.reason) == ("frankfurt_000000_000294", BrokenReason.NO_LABEL)
    assert "holds no label of frankfurt_000000_000294" in label.detail
    assert "holds no instances of lindau_000000_000019" in instances.detail
    with pytest.raises(BrokenSourceError, match=r"\(1 more of the sources"):
        list_sources(SPEC, root)


def test_without_any_instance_file_there_are_no_instances_and_a_warning(root, caplog):
    list_sources(SPEC, root)
    assert caplog.text == ""
    for path in root.rglob("*_instanceIds.png"):
        path.unlink()
    assert all(file.instances is None for file in list_sources(SPEC, root).files)
    assert f"there is no CITY/NAME_gtFine_instanceIds.png in {root}/gtFine/val" in caplog.text
    assert 'wants instances (unit = "instance") finds no object' in caplog.text


def test_an_instance_is_of_the_class_that_its_number_says(root):
    file = list_sources(SPEC, root).files[0]
    label = np.full((64, 128), 11, np.uint8)
    label[50:54, 20:30] = 26
    save_values(file.label, label)
    source = file.load_annotation(CITYSCAPES)
    assert source.instance_classes == {26000: 13, 26001: 13}
    found = select_object(source, CITYSCAPES, SelectionRule(min_object_fraction=0.001))
    # Most of its outline is building by the label.
    assert isinstance(found, SelectedObject)
    assert (found.class_name, int(found.mask.sum())) == ("car", 4 * 10)


def test_ids_of_no_label_and_instances_of_8_bits_are_refused(root):
    first = list_sources(SPEC, root).files[0]
    label = np.full((64, 128), 7, np.uint8)
    label[0, :3], label[1, :1] = 34, 60
    save_values(first.label, label)
    with pytest.raises(BrokenSourceError, match=r"34 \(3 pixels\), 60 \(1 pixel\)") as caught:
        first.load_annotation(CITYSCAPES)
    assert caught.value.reason is BrokenReason.STRANGE_ID
    second = list_sources(SPEC, root).files[1]
    save_values(second.instances.path, np.zeros((64, 128), np.uint8))
    with pytest.raises(BrokenSourceError, match="mode L, not one channel of 16 bits"):
        second.load_annotation(CITYSCAPES)


def test_the_id_of_a_number_plate_is_ignored(root):
    file = list_sources(SPEC, root).files[0]
    label = np.full((64, 128), 7, np.uint8)
    label[10:12] = 255
    save_values(file.label, label)
    assert (file.load_annotation(CITYSCAPES).label[10:12] == 255).all()


def test_a_name_in_two_cities_is_a_duplicate(root):
    name = "frankfurt_000000_000294_leftImg8bit.png"
    folder = root / "leftImg8bit/val"
    shutil.copy(folder / "frankfurt" / name, folder / "munster" / name)
    (fault,) = list_sources(SKIP, root).broken
    assert (fault.name, fault.reason) == (
        "frankfurt_000000_000294",
        BrokenReason.DUPLICATE_NAME,
    )
    assert fault.detail == (
        f"{folder}/frankfurt/{name} and {folder}/munster/{name} have one name, "
        "frankfurt_000000_000294"
    )
