import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from source_trees.ade20k import SCENES, write_ade20k_tree

from harness.dataset.ade20k import list_ade20k
from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.label_space import load_label_space
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_listing import SourceListing
from harness.errors import SourceDataError
from harness.records.source import SelectionRule

WHERE = "ADE20K is at sceneparsing.csail.mit.edu."
NAMES = tuple(scene.name for scene in SCENES)
SPACE = load_label_space("ade20k")
PAPER = ("table", "sofa", "house", "car", "truck", "bicycle", "monitor")


def listed(root: Path, split: str = "validation") -> SourceListing:
    return list_ade20k(root, split=split, description=WHERE)


def refused(root: Path, split: str = "validation") -> SourceDataError:
    with pytest.raises(SourceDataError) as caught:
        listed(root, split)
    assert WHERE in caught.value.remedy
    return caught.value


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    return write_ade20k_tree(tmp_path)


def test_the_split_is_listed_by_name_from_the_folder_or_its_parent(kit: Path) -> None:
    listing = listed(kit)
    assert tuple(file.name for file in listing.files) == NAMES
    assert listing.broken == ()
    assert listed(kit.parent) == listing


@pytest.mark.parametrize(("short", "folder"), [("val", "validation"), ("train", "training")])
def test_mmsegmentations_names_of_the_splits_do(kit: Path, short: str, folder: str) -> None:
    for kind in ("images", "annotations"):
        if folder == "training":
            (kit / kind / "validation").rename(kit / kind / "training")
    assert tuple(file.name for file in listed(kit, short).files) == NAMES


def test_0_is_ignored_and_1_is_the_first_class(kit: Path) -> None:
    house = listed(kit).files[0].load(SPACE)
    raw = np.asarray(Image.open(kit / "annotations" / "validation" / f"{NAMES[0]}.png"))
    assert (house.label[raw == 0] == 255).all()
    assert np.array_equal(house.label[raw != 0], raw[raw != 0] - 1)
    assert house.instances is None


def test_the_papers_classes_are_found(kit: Path) -> None:
    found = [
        select_object(file.load(SPACE), SPACE, SelectionRule(classes=PAPER))
        for file in listed(kit).files
    ]
    names = [o.class_name if isinstance(o, SelectedObject) else o for o in found]
    assert names == ["house", "car", "sofa", NoObject.NO_ALLOWED_CLASS]
    assert all(SPACE.by_name(name) is not None for name in PAPER)


def test_an_image_without_a_label_and_a_label_without_an_image_are_named(kit: Path) -> None:
    (kit / "annotations" / "validation" / f"{NAMES[0]}.png").unlink()
    (kit / "images" / "validation" / f"{NAMES[1]}.jpg").unlink()
    listing = listed(kit)
    assert tuple(file.name for file in listing.files) == NAMES[2:]
    assert [(b.name, b.reason) for b in listing.broken] == [
        (NAMES[0], BrokenReason.NO_LABEL),
        (NAMES[1], BrokenReason.NO_IMAGE),
    ]


def test_two_images_of_one_name_are_broken(kit: Path) -> None:
    folder = kit / "images" / "validation"
    shutil.copy(folder / f"{NAMES[0]}.jpg", folder / f"{NAMES[0]}.jpeg")
    (broken,) = listed(kit).broken
    assert (broken.name, broken.reason) == (NAMES[0], BrokenReason.DUPLICATE_NAME)


def test_names_need_not_be_ascii(kit: Path) -> None:
    for folder, suffix in (("images", ".jpg"), ("annotations", ".png")):
        place = kit / folder / "validation"
        (place / f"{NAMES[0]}{suffix}").rename(place / f"ADE_caf\u00e9_\u6a39{suffix}")
    assert listed(kit).files[0].name == "ADE_caf\u00e9_\u6a39"


@pytest.mark.parametrize("value", [151, 255])
def test_a_value_over_150_is_refused(kit: Path, value: int) -> None:
    path = kit / "annotations" / "validation" / f"{NAMES[0]}.png"
    label = np.array(Image.open(path))
    label[3, 4] = value
    Image.fromarray(label).save(path)
    with pytest.raises(BrokenSourceError, match=str(value)) as caught:
        listed(kit).files[0].load(SPACE)
    assert caught.value.reason is BrokenReason.STRANGE_ID


def test_a_truncated_image_is_broken(kit: Path) -> None:
    path = kit / "images" / "validation" / f"{NAMES[0]}.jpg"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(BrokenSourceError, match=NAMES[0]) as caught:
        listed(kit).files[0].load(SPACE)
    assert caught.value.reason is BrokenReason.UNREADABLE


@pytest.mark.parametrize("folder", ["images", "annotations"])
def test_a_missing_folder_is_named_with_what_was_expected(kit: Path, folder: str) -> None:
    shutil.rmtree(kit / folder)
    error = refused(kit)
    assert f"there is no folder {folder}/validation" in str(error)
    assert "annotations/validation/NAME.png" in error.remedy


@pytest.mark.parametrize(("folder", "kind"), [("images", "JPEG"), ("annotations", "PNG")])
def test_an_empty_folder_is_named(kit: Path, folder: str, kind: str) -> None:
    for path in (kit / folder / "validation").iterdir():
        path.unlink()
    assert f"{folder}/validation holds no {kind}" in str(refused(kit))


def test_a_split_that_has_no_labels_names_those_that_have(kit: Path) -> None:
    error = refused(kit, "all")
    assert "there is no folder images/all" in str(error)
    assert "the splits with labels are training and validation" in error.remedy


def test_the_full_ade20k_is_told_from_its_150_class_form(tmp_path: Path) -> None:
    (tmp_path / "images" / "ADE" / "training").mkdir(parents=True)
    assert "it is the full ADE20K, whose 150-class form is ADEChallengeData2016" in str(
        refused(tmp_path)
    )
