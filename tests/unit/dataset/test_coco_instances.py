import json
from pathlib import Path
from typing import Any

import pytest
from source_trees.coco import instances_json, write_instances

from harness.dataset.coco_instances import LEAST_BOX_SHARE, read_coco_instances
from harness.dataset.instances import paint_outlines
from harness.dataset.label_space import load_label_space
from harness.errors import SourceDataError

REMEDY = "Fetch it."


def read(path: Path) -> Any:
    return read_coco_instances(path, remedy=REMEDY, on_read=lambda _: None)


def small_json(**changes: Any) -> dict[str, Any]:
    """One image of 10x20 pixels with an annotation of its left half."""
    annotation = {
        "id": 77,
        "image_id": 5,
        "category_id": 18,
        "iscrowd": 0,
        "bbox": [0, 0, 10, 10],
        "segmentation": [[0, 0, 10, 0, 10, 10, 0, 10]],
    }
    annotation = {k: v for k, v in {**annotation, **changes}.items() if v is not ...}
    image = {"id": 5, "file_name": "000000000005.jpg", "height": 10, "width": 20}
    return {"images": [image], "annotations": [annotation]}


def test_each_image_has_the_outlines_of_its_instances(tmp_path: Path) -> None:
    found = read(write_instances(tmp_path, instances_json()))
    assert {name: len(outlines.rles) for name, outlines in found.outlines.items()} == {
        "000000000139": 1,
        "000000000285": 2,
        "000000000632": 1,
        # The sign; the persons are a crowd.
        "000000000724": 1,
    }
    sign = found.outlines["000000000724"]
    assert (sign.height, sign.width) == (128, 96)
    assert found.faults == {}


def test_an_outline_is_the_polygons_pixels(tmp_path: Path) -> None:
    outlines = read(write_instances(tmp_path, small_json())).outlines["000000000005"]
    pixels = paint_outlines(outlines, name="it")
    assert pixels[:, :10].all()
    assert not pixels[:, 10:].any()


def test_each_outline_has_the_class_of_its_category(tmp_path: Path) -> None:
    found = read(write_instances(tmp_path, instances_json()))
    classes = {name: outlines.classes for name, outlines in found.outlines.items()}
    ids = {c.name: c.id for c in load_label_space("coco-stuff").classes}
    assert classes == {
        "000000000139": (ids["couch"],),
        "000000000285": (ids["bear"], ids["bear"]),
        "000000000632": (ids["clock"],),
        "000000000724": (ids["stop sign"],),
    }


def test_annotations_may_stand_before_the_images(tmp_path: Path) -> None:
    content = instances_json()
    expected = read(write_instances(tmp_path, content))
    turned = {key: content[key] for key in ("annotations", "categories", "images", "info")}
    assert read(write_instances(tmp_path, turned)) == expected


def test_what_else_an_image_or_the_file_says_is_passed_over(tmp_path: Path) -> None:
    content = small_json()
    content["images"][0]["extra"] = {"id": 9, "tags": [1, {"a": []}], "annotations": []}
    content = {"info": {"images": [3], "annotations": 4}, **content}
    assert list(read(write_instances(tmp_path, content)).outlines) == ["000000000005"]


def test_the_folders_before_an_images_name_do_not_count(tmp_path: Path) -> None:
    content = small_json()
    content["images"][0]["file_name"] = "val2017/K\u00fcche.jpg"
    assert list(read(write_instances(tmp_path, content)).outlines) == ["K\u00fcche"]


@pytest.mark.parametrize(("width", "kept"), [(2, 1), (1, 0)])
def test_an_instance_under_the_least_share_is_left_out(
    tmp_path: Path, width: int, kept: int
) -> None:
    assert LEAST_BOX_SHARE * 10 * 20 == 2
    small = small_json(bbox=[0, 0, width, 1], segmentation=[[0, 0, 2, 0, 2, 1, 0, 1]])
    found = read(write_instances(tmp_path, small))
    assert len(found.outlines["000000000005"].rles) == kept


def test_a_crowd_is_left_out(tmp_path: Path) -> None:
    found = read(write_instances(tmp_path, small_json(iscrowd=1)))
    assert found.outlines["000000000005"].rles == ()


def test_progress_adds_up_to_the_files_size(tmp_path: Path) -> None:
    content = instances_json()
    # Over a megabyte, which is read at a time.
    content["info"]["description"] = "x" * 1_200_000
    path = write_instances(tmp_path, content)
    told: list[int] = []
    read_coco_instances(path, remedy=REMEDY, on_read=told.append)
    assert sum(told) == path.stat().st_size
    assert len(told) > 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"segmentation": ...}, "annotation 77 lacks segmentation"),
        ({"bbox": ...}, "annotation 77 lacks bbox"),
        ({"iscrowd": ...}, "annotation 77 lacks iscrowd"),
        ({"category_id": ...}, "annotation 77 lacks category_id"),
        ({"bbox": [0, 0, "10", 10]}, "annotation 77 has an odd category_id, bbox or iscrowd"),
        ({"iscrowd": "no"}, "annotation 77 has an odd"),
        ({"category_id": 12}, "is of category 12, which is none of COCO's 80"),
        ({"category_id": True}, "annotation 77 has an odd category_id"),
        ({"category_id": "18"}, "annotation 77 has an odd category_id"),
        ({"category_id": [18]}, "annotation 77 has an odd category_id"),
        ({"iscrowd": False}, "annotation 77 has an odd category_id, bbox or iscrowd"),
        ({"category_id": 0}, "is of category 0,"),
        ({"category_id": 171}, "is of category 171,"),
        ({"segmentation": [[1, 2, 3]]}, "annotation 77 has a polygon"),
        ({"segmentation": {"counts": [1], "size": [10, 20]}}, "annotation 77 has run lengths"),
        ({"id": ..., "bbox": ...}, "annotation number 1 lacks bbox"),
    ],
)
def test_a_fault_of_an_annotation_is_its_images(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    path = write_instances(tmp_path, small_json(**changes))
    found = read(path)
    assert list(found.faults) == ["000000000005"]
    assert fault in found.faults["000000000005"]
    assert str(path) in found.faults["000000000005"]


def refused(path: Path) -> str:
    with pytest.raises(SourceDataError) as caught:
        read(path)
    assert caught.value.remedy == REMEDY
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_half_downloaded_file_is_refused(tmp_path: Path, share: float) -> None:
    path = write_instances(tmp_path, instances_json())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "it is cut short or no JSON" in refused(path)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04\x00\x00", b"<html>404</html>", b'{"images": [\xff\xfe]}', b"{]"]
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "instances_val2017.json"
    path.write_bytes(content)
    assert "it is cut short or no JSON" in refused(path)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([], "it lists no images"),
        ({}, "it lists no images"),
        ({"images": {}, "annotations": []}, "it lists no images"),
        ({"images": 3, "annotations": []}, "it lists no images"),
        ({"annotations": []}, "it lists no images"),
        ({"images": [7], "annotations": []}, "lacks a right id, file_name, height or width: 7"),
        ({**small_json(), "annotations": []}, "it holds no annotations"),
        ({"images": small_json()["images"]}, "it holds no annotations"),
        ({"images": small_json()["images"] * 2}, r"image 5 (000000000005) is listed twice"),
        (small_json(image_id=6), "annotation 77 is of image 6, which is not listed"),
        (small_json(image_id=True), "annotation 77 doesn't say of which image it is"),
        (small_json(image_id="5"), "annotation 77 doesn't say of which image it is"),
        (small_json(image_id=..., id=...), "annotation number 1 doesn't say of which image"),
    ],
)
def test_a_file_that_is_no_instances_json_is_refused(
    tmp_path: Path, content: Any, fault: str
) -> None:
    path = tmp_path / "instances_val2017.json"
    path.write_text(json.dumps(content))
    assert fault in refused(path)


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"height": True},
        {"height": "10"},
        {"width": 10**9},
        {"width": False},
        {"width": 20.0},
        {"width": None},
        {"file_name": ""},
        {"file_name": 5},
        {"id": "5"},
        {"id": True},
    ],
)
def test_an_image_without_name_or_size_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    content = small_json()
    content["images"][0].update(change)
    assert "an image lacks a right id" in refused(write_instances(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "there is no such file" in refused(tmp_path / "instances_val2017.json")
