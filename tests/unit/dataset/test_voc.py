import shutil

import numpy as np
import pytest
from PIL import Image
from source_trees.drawing import save_values
from source_trees.voc import AEROPLANE, CHAIR, VAL, write_voc_tree

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.label_space import load_label_space
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.sources import list_sources
from harness.errors import SourceDataError
from harness.records.source import ObjectUnit, SelectionRule, SourceAdapter, SourceSpec

VOC = load_label_space("voc")
SPEC = SourceSpec(
    adapter=SourceAdapter.VOC, split="val", label_space="voc", description="From the VOC site."
)
SKIP = SPEC.model_copy(update={"broken": "skip"})


@pytest.fixture
def root(tmp_path):
    write_voc_tree(tmp_path)
    return tmp_path


@pytest.fixture
def kit(root):
    return root / "VOCdevkit/VOC2012"


def of_split(split):
    return SPEC.model_copy(update={"split": split})


def test_the_folder_the_kit_and_what_holds_it_are_the_same_source(root):
    for place in (root, root / "VOCdevkit", root / "VOCdevkit/VOC2012"):
        listing = list_sources(SPEC, place)
        assert tuple(file.name for file in listing.files) == VAL
        assert listing.broken == ()


def test_splits_are_those_of_the_list_files(root):
    assert [file.name for file in list_sources(of_split("train"), root).files] == ["2007_000032"]
    assert len(list_sources(of_split("trainval"), root).files) == 5
    # An image that was never labelled is in no split.
    everything = [file.name for file in list_sources(of_split("all"), root).files]
    assert everything == ["2007_000032", *VAL]


def test_palette_labels_are_read_as_ids_with_their_boundaries_ignored(root):
    source = list_sources(SPEC, root).files[0].load(VOC)
    assert source.image.shape == (96, 128, 3)
    assert source.label.shape == (96, 128)
    assert set(np.unique(source.label)) == {0, 1, 15, 255}
    assert source.label[44, 50] == AEROPLANE
    assert set(np.unique(source.instances)) == {0, 1, 2}
    assert not source.instances[source.label == 255].any()


def test_a_plain_index_png_is_as_good_as_one_with_a_palette(root, kit):
    file = list_sources(SPEC, root).files[0]
    before = file.load(VOC).label
    path = kit / f"SegmentationClass/{file.name}.png"
    with Image.open(path) as palette:
        assert palette.mode == "P"
        ids = np.asarray(palette)
    save_values(path, ids)
    assert (file.load(VOC).label == before).all()


def test_colours_in_place_of_ids_are_refused(root, kit):
    path = kit / f"SegmentationClass/{VAL[0]}.png"
    with Image.open(path) as palette:
        colours = palette.convert("RGB")
    colours.save(path)
    with pytest.raises(BrokenSourceError, match=r"mode RGB \(colours, no ids\)") as caught:
        list_sources(SPEC, root).files[0].load_annotation(VOC)
    assert caught.value.reason is BrokenReason.UNREADABLE
    assert "class ids as a one-channel 8-bit PNG" in caught.value.remedy


def test_of_two_chairs_that_touch_the_larger_is_taken(root):
    file = list_sources(SPEC, root).files[1]
    rule = SelectionRule(exclude_classes=("person",))
    found = select_object(file.load_annotation(VOC), VOC, rule)
    assert isinstance(found, SelectedObject)
    assert found.class_name == "chair"
    # 60 x 50 without the boundary of one pixel to each side, and one to its neighbour.
    assert found.mask.sum() == 58 * 48
    assert not found.mask[:, :50].any()
    assert (file.load_annotation(VOC).label[found.mask] == CHAIR).all()


def test_val_has_three_objects_of_a_tenth(root):
    rule = SelectionRule(exclude_classes=("bottle", "person", "pottedplant"))
    found = [
        select_object(file.load_annotation(VOC), VOC, rule)
        for file in list_sources(SPEC, root).files
    ]
    assert [f if isinstance(f, NoObject) else f.class_name for f in found] == [
        "aeroplane",
        "chair",
        NoObject.OBJECT_TOO_SMALL,
        "dog",
    ]


def test_augmented_labels_have_no_instances_of_their_own(root):
    files = list_sources(of_split("trainaug"), root).files
    assert [file.name for file in files] == ["2007_000032", "2008_000002"]
    assert all(file.label.parent.name == "SegmentationClassAug" for file in files)
    assert files[0].instances is not None
    assert files[1].instances is None
    source = files[1].load_annotation(VOC)
    assert isinstance(select_object(source, VOC, SelectionRule()), SelectedObject)
    needs = SelectionRule(unit=ObjectUnit.INSTANCE)
    assert select_object(source, VOC, needs) is NoObject.NO_INSTANCES


def test_lists_of_paths_are_read_as_names(root, kit):
    line = "/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png\n"
    (kit / "ImageSets/Segmentation/train_aug.txt").write_text(line)
    (file,) = list_sources(of_split("train_aug"), root).files
    assert file.name == "2007_000032"


def test_lists_of_other_systems_are_read(root, kit):
    path = kit / "ImageSets/Segmentation/val.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(VAL).encode() + b"\r\n\r\n")
    assert tuple(file.name for file in list_sources(SPEC, root).files) == VAL


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("JPEGImages", "there is no folder JPEGImages"),
        ("SegmentationClass", "there is no folder SegmentationClass"),
        ("ImageSets", r"there is no list file ImageSets/Segmentation/val\.txt"),
    ],
)
def test_what_is_missing_as_a_whole_is_said_and_where_it_is_had(root, kit, missing, said):
    shutil.rmtree(kit / missing)
    with pytest.raises(SourceDataError, match=said) as caught:
        list_sources(SKIP, root)
    assert "JPEGImages/NAME.jpg, SegmentationClass/NAME.png" in caught.value.remedy
    assert caught.value.remedy.endswith("From the VOC site.")


def test_an_unknown_split_is_told_the_known_ones(root):
    with pytest.raises(SourceDataError, match=r"there are: train, trainaug, trainval, val"):
        list_sources(of_split("test"), root)


def test_an_empty_list_and_half_a_download_are_refused_whatever_the_rule(root, kit):
    for name in VAL[:3]:
        (kit / f"JPEGImages/{name}.jpg").unlink()
    with pytest.raises(SourceDataError, match=r"3 of 4 sources have no image.*only a part"):
        list_sources(SKIP, root)
    (kit / "ImageSets/Segmentation/val.txt").write_text("\n \n")
    with pytest.raises(SourceDataError, match=r"val\.txt names nothing"):
        list_sources(SKIP, root)


def test_empty_folders_are_refused(root, kit):
    for folder, suffixes in (
        ("SegmentationClass", r"\.png"),
        ("JPEGImages", r"\.jpg or \.jpeg or \.png"),
    ):
        shutil.rmtree(kit / folder)
        (kit / folder).mkdir()
        for spec in (SKIP, of_split("all")):
            with pytest.raises(SourceDataError, match=f"{folder} holds no {suffixes} file"):
                list_sources(spec, root)


def test_single_sources_that_do_not_do_are_named(root, kit):
    (kit / f"JPEGImages/{VAL[0]}.jpg").unlink()
    (kit / f"SegmentationObject/{VAL[1]}.png").unlink()
    with (kit / "ImageSets/Segmentation/val.txt").open("ab") as file:
        file.write(b"caf\xe9\n" + b"x" * 300 + b"\n")
    listing = list_sources(SKIP, root)
    assert [file.name for file in listing.files] == list(VAL[2:])
    assert {(fault.name, fault.reason) for fault in listing.broken} == {
        (VAL[0], BrokenReason.NO_IMAGE),
        (VAL[1], BrokenReason.NO_LABEL),
        ("caf\\\\xe9", BrokenReason.BAD_NAME),
        ("x" * 40 + "…", BrokenReason.BAD_NAME),
    }
    details = {fault.reason: fault.detail for fault in listing.broken}
    assert details[BrokenReason.NO_LABEL].endswith(
        f"SegmentationObject holds no instances of {VAL[1]}"
    )


def test_a_name_that_a_list_says_again_is_one_source(root, kit, caplog):
    path = kit / "ImageSets/Segmentation/val.txt"
    with path.open("a") as file:
        file.write(f"{VAL[2]}\n{VAL[0]}\n")
    for spec in (SPEC, SKIP):
        caplog.clear()
        listing = list_sources(spec, root)
        assert tuple(file.name for file in listing.files) == VAL
        assert listing.broken == ()
        (record,) = caplog.records
        assert record.getMessage() == (
            f"{path} names 2 sources again; the first: {VAL[2]} (line 5, and 3 before)"
        )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_list_in_utf_16_is_no_utf_8(root, kit, encoding):
    path = kit / "ImageSets/Segmentation/val.txt"
    path.write_bytes("\n".join(VAL).encode(encoding))
    with pytest.raises(SourceDataError, match=r"val\.txt is no UTF-8 text; .* UTF-16") as caught:
        list_sources(SKIP, root)
    assert caught.value.remedy == "Save it as UTF-8."


def test_a_list_of_bad_names_alone_tells_the_first(root, kit):
    (kit / "ImageSets/Segmentation/val.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(SourceDataError, match=r"names nothing that can be used; the first: .*caf"):
        list_sources(SKIP, root)


def test_without_a_folder_of_objects_components_are_taken(root, kit, caplog):
    list_sources(SPEC, root)
    assert caplog.text == ""
    shutil.rmtree(kit / "SegmentationObject")
    file = list_sources(SPEC, root).files[1]
    assert file.instances is None
    assert f"there is no {kit}/SegmentationObject, so that" in caplog.text
    found = select_object(file.load_annotation(VOC), VOC, SelectionRule())
    assert isinstance(found, SelectedObject)
    # Both chairs: without instances, a component is the object. The boundary still divides them.
    assert found.class_name == "chair"


def test_an_empty_folder_of_objects_is_none(root, kit, caplog):
    shutil.rmtree(kit / "SegmentationObject")
    (kit / "SegmentationObject").mkdir()
    assert all(file.instances is None for file in list_sources(SPEC, root).files)
    assert f"there is no .png file in {kit}/SegmentationObject, so that" in caplog.text


def test_empty_files_are_missing_ones(root, kit):
    (kit / f"SegmentationClass/{VAL[1]}.png").write_bytes(b"")
    (kit / f"SegmentationObject/{VAL[2]}.png").write_bytes(b"")
    listing = list_sources(SKIP, root)
    assert [file.name for file in listing.files] == [VAL[0], VAL[3]]
    assert [(fault.name, fault.reason) for fault in listing.broken] == [
        (VAL[1], BrokenReason.NO_LABEL),
        (VAL[2], BrokenReason.NO_LABEL),
    ]
    label = kit / f"SegmentationClass/{VAL[1]}.png"
    assert listing.broken[0].detail == f"{label} is empty: it has 0 bytes"
    for path in (kit / "JPEGImages").iterdir():
        path.write_bytes(b"")
    with pytest.raises(SourceDataError, match=r"3 of 4 sources have no image.*is empty: it has 0"):
        list_sources(SKIP, root)


def test_real_voc_photos_are_read_as_a_folder(voc_labelme_root):
    spec = SourceSpec(adapter=SourceAdapter.FOLDER, label_space="voc")
    files = list_sources(spec, voc_labelme_root).files
    assert [file.name for file in files] == ["2011_000003", "2011_000006", "2011_000025"]
    sources = [file.load(VOC) for file in files]
    assert [source.image.shape for source in sources] == [
        (338, 500, 3),
        (375, 500, 3),
        (375, 500, 3),
    ]
    rule = SelectionRule(exclude_classes=("bottle", "person", "pottedplant"))
    found = [select_object(source, VOC, rule) for source in sources]
    assert [f if isinstance(f, NoObject) else f.class_name for f in found] == [
        NoObject.NO_ALLOWED_CLASS,
        "chair",
        "bus",
    ]
