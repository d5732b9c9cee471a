import json
import logging
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from source_trees.coco import (
    COUCH,
    SCENES,
    WALL,
    instances_json,
    write_coco_tree,
    write_instances,
)

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.coco_ids import COCO_STUFF_TABLE
from harness.dataset.coco_stuff import list_coco_stuff
from harness.dataset.label_format import LabelFormat
from harness.dataset.label_space import load_label_space
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_listing import SourceListing
from harness.errors import SourceDataError
from harness.records.source import ObjectUnit, SelectionRule

WHERE = "COCO is at cocodataset.org."
NAMES = tuple(scene.name for scene in SCENES)
SPACE = load_label_space("coco-stuff")


def listed(root: Path, split: str = "val2017") -> SourceListing:
    return list_coco_stuff(root, split=split, description=WHERE, on_read=lambda _: None)


def refused(root: Path, split: str = "val2017") -> SourceDataError:
    with pytest.raises(SourceDataError) as caught:
        listed(root, split)
    assert WHERE in caught.value.remedy
    return caught.value


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    return write_coco_tree(tmp_path / "coco")


def test_the_split_is_listed_by_name_with_labels_and_instances(coco: Path) -> None:
    listing = listed(coco)
    assert tuple(file.name for file in listing.files) == NAMES
    assert listing.broken == ()
    source = listing.files[0].load(SPACE)
    classes = ("couch", "floor-wood", "wall-other")
    ids = {c.id for name in classes if (c := SPACE.by_name(name))}
    assert set(np.unique(source.label).tolist()) == {*ids, 255}
    assert source.instances is not None
    assert source.instances.max() == 1


def test_val_is_short_for_val2017(coco: Path) -> None:
    assert listed(coco, "val") == listed(coco)


def test_two_touching_objects_are_two_instances(coco: Path) -> None:
    bears = listed(coco).files[1].load(SPACE)

    def selected(unit: ObjectUnit) -> SelectedObject | NoObject:
        return select_object(bears, SPACE, SelectionRule(unit=unit, classes=("bear",)))

    one, both = selected(ObjectUnit.AUTO), selected(ObjectUnit.COMPONENT)
    assert isinstance(one, SelectedObject)
    assert isinstance(both, SelectedObject)
    assert both.mask[58, 120]
    assert not one.mask[58, 120]
    assert one.mask[52, 30]
    assert one.fraction == pytest.approx(np.pi * 36 * 30 / (144 * 96), rel=0.03)


def test_an_instances_mask_is_the_labels_own_pixels(coco: Path) -> None:
    couch = listed(coco).files[0].load(SPACE)
    found = select_object(couch, SPACE, SelectionRule(classes=("couch",)))
    expected = SPACE.by_name("couch")
    assert isinstance(found, SelectedObject)
    assert expected is not None
    assert np.array_equal(found.mask, couch.label == expected.id)


def test_an_outline_that_is_mostly_over_another_class_is_still_its_own(coco: Path) -> None:
    path = coco / "stuffthingmaps" / "val2017" / f"{NAMES[0]}.png"
    label = np.array(Image.open(path))
    outline = label == COUCH - 1
    # All but the leftmost part of the couch is wall in the label.
    outline[:, 50:] = False
    label[(label == COUCH - 1) & ~outline] = WALL - 1
    Image.fromarray(label).save(path)
    found = select_object(
        listed(coco).files[0].load(SPACE), SPACE, SelectionRule(min_object_fraction=0.05)
    )
    assert isinstance(found, SelectedObject)
    assert found.class_name == "couch"
    assert np.array_equal(found.mask, outline)
    # Without a pixel of couch there is none.
    label[outline] = WALL - 1
    Image.fromarray(label).save(path)
    couch = listed(coco).files[0].load(SPACE)
    assert select_object(couch, SPACE, SelectionRule()) is NoObject.NO_ALLOWED_CLASS


def move(coco: Path, source: str, target: str) -> None:
    (coco / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(coco / source, coco / target)


@pytest.mark.parametrize(
    ("images", "maps"),
    [
        ("images/val2017", "annotations/val2017"),
        ("val2017", "stuffthingmaps/val2017"),
        ("val2017", "annotations/val2017"),
        ("val2017", "stuffthingmaps_trainval2017/val2017"),
    ],
)
def test_every_usual_place_is_found(coco: Path, images: str, maps: str) -> None:
    expected = tuple(file.digests() for file in listed(coco).files)
    if images != "images/val2017":
        move(coco, "images/val2017", images)
    if maps != "stuffthingmaps/val2017":
        move(coco, "stuffthingmaps/val2017", maps)
    assert tuple(file.digests() for file in listed(coco).files) == expected


def test_images_and_maps_may_share_a_folder(coco: Path) -> None:
    move(coco, "images/val2017", "val2017")
    for path in (coco / "stuffthingmaps" / "val2017").iterdir():
        shutil.move(path, coco / "val2017" / path.name)
    listing = listed(coco)
    assert tuple(file.name for file in listing.files) == NAMES
    assert {file.image.suffix for file in listing.files} == {".jpg"}
    assert {file.label.suffix for file in listing.files} == {".png"}


def test_mmsegmentations_converted_maps_go_first(coco: Path) -> None:
    labels = tuple(file.load(SPACE).label for file in listed(coco).files)
    folder = coco / "stuffthingmaps" / "val2017"
    # The last is not converted yet.
    for name in NAMES[:3]:
        raw = np.asarray(Image.open(folder / f"{name}.png"))
        converted = Image.fromarray(COCO_STUFF_TABLE[raw].astype(np.uint8))
        converted.save(folder / f"{name}_labelTrainIds.png")
    listing = listed(coco)
    assert listing.broken == ()
    assert [file.label_format for file in listing.files] == [
        *([LabelFormat.IDS] * 3),
        LabelFormat.COCO_STUFF,
    ]
    for file, label in zip(listing.files, labels, strict=True):
        assert np.array_equal(file.load(SPACE).label, label)


def test_converted_maps_alone_are_enough(coco: Path) -> None:
    folder = coco / "stuffthingmaps" / "val2017"
    for name in NAMES:
        raw = np.asarray(Image.open(folder / f"{name}.png"))
        Image.fromarray(COCO_STUFF_TABLE[raw].astype(np.uint8)).save(
            folder / f"{name}_labelTrainIds.png"
        )
        (folder / f"{name}.png").unlink()
    listing = listed(coco)
    assert tuple(file.name for file in listing.files) == NAMES
    assert listing.broken == ()


def test_without_instances_there_is_a_warning(coco: Path, caplog: pytest.LogCaptureFixture) -> None:
    (coco / "annotations" / "instances_val2017.json").unlink()
    with caplog.at_level(logging.WARNING):
        listing = listed(coco)
    assert "instances_val2017.json" in caplog.text
    assert "finds no object" in caplog.text
    assert all(file.instances is None for file in listing.files)


def test_images_that_the_json_does_not_list_have_no_instances(
    coco: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = instances_json()
    gone = content["images"].pop()["id"]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] != gone]
    write_instances(coco, content)
    with caplog.at_level(logging.WARNING):
        listing = listed(coco)
    assert [file.instances is None for file in listing.files] == [False, False, False, True]
    assert "lists no instances of 1 images" in caplog.text


def test_the_instances_of_another_split_are_refused(coco: Path) -> None:
    path = coco / "annotations" / "instances_val2017.json"
    path.write_text(path.read_text().replace('"file_name": "0', '"file_name": "9'))
    assert "lists none of the images" in str(refused(coco))


def test_half_downloaded_instances_are_refused(coco: Path) -> None:
    path = coco / "annotations" / "instances_val2017.json"
    path.write_bytes(path.read_bytes()[:3000])
    error = refused(coco)
    assert "instances_val2017.json: it is cut short" in str(error)
    assert "annotations_trainval2017.zip" in error.remedy


def test_a_faulty_annotation_breaks_its_image_alone(coco: Path) -> None:
    content = instances_json()
    del content["annotations"][0]["bbox"]
    write_instances(coco, content)
    listing = listed(coco)
    assert tuple(file.name for file in listing.files) == NAMES[1:]
    (broken,) = listing.broken
    assert (broken.name, broken.reason) == (NAMES[0], BrokenReason.UNREADABLE)
    assert "annotation 1000 lacks bbox" in broken.detail


def test_an_image_of_another_size_than_the_json_says_is_broken(coco: Path) -> None:
    content = instances_json()
    content["images"][0].update(height=90, width=128)
    write_instances(coco, content)
    with pytest.raises(BrokenSourceError) as caught:
        listed(coco).files[0].load(SPACE)
    assert caught.value.reason is BrokenReason.OTHER_SIZE


def test_what_the_json_lists_and_the_folder_lacks_is_named(coco: Path) -> None:
    (coco / "images" / "val2017" / f"{NAMES[3]}.jpg").unlink()
    (coco / "stuffthingmaps" / "val2017" / f"{NAMES[3]}.png").unlink()
    listing = listed(coco)
    assert tuple(file.name for file in listing.files) == NAMES[:3]
    assert [(b.name, b.reason) for b in listing.broken] == [(NAMES[3], BrokenReason.NO_IMAGE)]


def test_an_image_without_a_map_is_named(coco: Path) -> None:
    (coco / "stuffthingmaps" / "val2017" / f"{NAMES[2]}.png").unlink()
    (broken,) = listed(coco).broken
    assert (broken.name, broken.reason) == (NAMES[2], BrokenReason.NO_LABEL)
    assert "stuffthingmaps" in broken.detail


def test_two_images_of_one_name_are_broken(coco: Path) -> None:
    folder = coco / "images" / "val2017"
    shutil.copy(folder / f"{NAMES[0]}.jpg", folder / f"{NAMES[0]}.JPEG")
    (broken,) = listed(coco).broken
    assert (broken.name, broken.reason) == (NAMES[0], BrokenReason.DUPLICATE_NAME)


def test_names_need_not_be_ascii(coco: Path) -> None:
    name = "K\u00fcche_\u53a8\u623f"
    apart = unicodedata.normalize("NFD", name)
    for folder, suffix, spelt in (("images", ".jpg", name), ("stuffthingmaps", ".png", apart)):
        place = coco / folder / "val2017"
        (place / f"{NAMES[0]}{suffix}").rename(place / f"{spelt}{suffix}")
    for spelt in (name, apart):
        content = json.loads(json.dumps(instances_json()).replace(NAMES[0], spelt))
        write_instances(coco, content)
        last = listed(coco).files[-1]
        assert last.name == name
        assert last.instances is not None


@pytest.mark.parametrize("value", [11, 25, 90, 182, 254])
def test_a_value_of_no_class_is_refused(coco: Path, value: int) -> None:
    path = coco / "stuffthingmaps" / "val2017" / f"{NAMES[0]}.png"
    label = np.array(Image.open(path))
    label[3, 4] = value
    Image.fromarray(label).save(path)
    with pytest.raises(BrokenSourceError, match=str(value)) as caught:
        listed(coco).files[0].load(SPACE)
    assert caught.value.reason is BrokenReason.STRANGE_ID


@pytest.mark.parametrize("folder", ["images", "stuffthingmaps"])
def test_a_missing_folder_is_named_with_what_was_expected(coco: Path, folder: str) -> None:
    shutil.rmtree(coco / folder)
    error = refused(coco)
    assert f"{folder}/val2017" in str(error)
    assert "stuffthingmaps/val2017/NAME.png" in error.remedy


def test_an_empty_folder_is_a_missing_one(coco: Path) -> None:
    for path in (coco / "images" / "val2017").iterdir():
        path.unlink()
    assert "there is no .jpg file in any of images/val2017, val2017" in str(refused(coco))


def test_a_split_without_labels_names_those_that_have_them(coco: Path) -> None:
    error = refused(coco, "test2017")
    assert "images/test2017" in str(error)
    assert "the splits with labels are train2017 and val2017" in error.remedy


def test_a_set_of_which_most_is_missing_is_refused(coco: Path) -> None:
    for name in NAMES[1:]:
        (coco / "stuffthingmaps" / "val2017" / f"{name}.png").unlink()
    assert "3 of 4 sources have no label" in str(refused(coco))


def test_a_json_that_leaves_the_tree_is_refused(coco: Path) -> None:
    path = coco / "annotations" / "instances_val2017.json"
    shutil.move(path, coco.parent / "elsewhere.json")
    path.symlink_to(coco.parent / "elsewhere.json")
    with pytest.raises(SourceDataError, match="a link that leads out of"):
        listed(coco)


def test_nothing_is_written_into_the_source(coco: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in coco.rglob("*")}
    for file in listed(coco).files:
        file.load(SPACE)
    assert {path: path.stat().st_mtime_ns for path in coco.rglob("*")} == before
