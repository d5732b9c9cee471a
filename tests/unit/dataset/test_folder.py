import os
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image
from source_trees.drawing import few_bits_png, save_values
from source_trees.folder import MUG, write_folder_tree

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.class_file import read_class_file
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.sources import list_sources
from harness.errors import SourceDataError
from harness.records.source import SelectionRule, SourceAdapter, SourceSpec

SPEC = SourceSpec(adapter=SourceAdapter.FOLDER, label_space="classes.txt", description="On disk.")
SKIP = SPEC.model_copy(update={"broken": "skip"})
NAMES = ["kitchen-1", "küche 2", "台所"]


@pytest.fixture
def root(tmp_path):
    write_folder_tree(tmp_path)
    return tmp_path


@pytest.fixture
def space(root):
    return read_class_file(root / "classes.txt")


def names(spec, root):
    return [file.name for file in list_sources(spec, root).files]


def only_fault(root):
    """The one fault of the listing, which leaves the two others out of it."""
    listing = list_sources(SKIP, root)
    (fault,) = listing.broken
    assert sorted([*(file.name for file in listing.files), fault.name]) == sorted(NAMES)
    with pytest.raises(BrokenSourceError) as caught:
        list_sources(SPEC, root)
    assert str(caught.value) == fault.detail
    assert 'source.broken = "skip"' in caught.value.remedy
    return fault


def test_images_of_every_kind_are_read_with_names_of_every_script(root, space):
    listing = list_sources(SPEC, root)
    assert [file.name for file in listing.files] == NAMES
    assert {file.image.suffix for file in listing.files} == {".jpg", ".png", ".webp"}
    for file in listing.files:
        source = file.load(space)
        assert source.image.shape == (96, 128, 3)
        assert source.instances is None
    assert source.label[45, 55] == MUG


def test_a_split_stands_above_or_below_the_kinds(tmp_path):
    write_folder_tree(tmp_path, split="val", masks=True)
    spec = SPEC.model_copy(update={"split": "val"})
    assert names(spec, tmp_path) == NAMES
    for kind in ("images", "labels", "masks"):
        (tmp_path / kind).mkdir()
        (tmp_path / "val" / kind).rename(tmp_path / kind / "val")
    files = list_sources(spec, tmp_path).files
    assert [file.name for file in files] == NAMES
    assert files[0].mask == tmp_path / "masks/val/kitchen-1.png"
    with pytest.raises(SourceDataError, match="no folder test/images") as caught:
        list_sources(SPEC.model_copy(update={"split": "test"}), tmp_path)
    assert "images/test and labels/test" in caught.value.remedy


def test_a_mask_points_the_object_out(tmp_path):
    write_folder_tree(tmp_path, masks=True)
    space = read_class_file(tmp_path / "classes.txt")
    first, second, _ = list_sources(SPEC, tmp_path).files
    source = first.load_annotation(space)
    found = select_object(source, space, SelectionRule())
    assert isinstance(found, SelectedObject)
    assert found.class_name == "mug"
    assert (found.mask == (source.label == MUG)).all()
    assert second.mask is None


def test_of_a_coarse_mask_only_the_pixels_of_its_class_are_taken(tmp_path):
    write_folder_tree(tmp_path, masks=True)
    space = read_class_file(tmp_path / "classes.txt")
    coarse = np.zeros((96, 128), np.uint8)
    coarse[10:85, 35:85] = 255
    save_values(tmp_path / "masks/kitchen-1.png", coarse)
    source = list_sources(SPEC, tmp_path).files[0].load_annotation(space)
    found = select_object(source, space, SelectionRule())
    assert isinstance(found, SelectedObject)
    assert (found.mask == (source.label == MUG)).all()
    plates = SelectionRule(classes=("plate",))
    assert select_object(source, space, plates) is NoObject.NO_ALLOWED_CLASS


def test_a_mask_of_nothing_is_refused(tmp_path):
    write_folder_tree(tmp_path, masks=True)
    space = read_class_file(tmp_path / "classes.txt")
    save_values(tmp_path / "masks/kitchen-1.png", np.zeros((96, 128), np.uint8))
    with pytest.raises(BrokenSourceError, match="not a part of the label's") as caught:
        list_sources(SPEC, tmp_path).files[0].load(space)
    assert caught.value.reason is BrokenReason.ODD_MASK


def test_a_mask_of_no_image_is_named(tmp_path):
    write_folder_tree(tmp_path, masks=True)
    mask = tmp_path / "masks/kitchen-1.png"
    shutil.copy(mask, tmp_path / "masks/kitchen-01.png")
    listing = list_sources(SKIP, tmp_path)
    assert [file.name for file in listing.files] == NAMES
    (fault,) = listing.broken
    assert (fault.name, fault.reason) == ("kitchen-01", BrokenReason.ODD_MASK)
    assert fault.detail.startswith(f"{tmp_path}/masks/kitchen-01.png is of no image")
    with pytest.raises(BrokenSourceError, match="is of no image") as caught:
        list_sources(SPEC, tmp_path)
    assert "Name the mask as its image is" in caught.value.remedy
    # Where most masks are, they are named by another rule, and no image would have its own.
    mask.rename(tmp_path / "masks/kitchen-1_mask.png")
    with pytest.raises(SourceDataError, match="2 of 2 masks are of no image; the first") as caught:
        list_sources(SKIP, tmp_path)
    assert not isinstance(caught.value, BrokenSourceError)
    assert "perhaps masks/NAME.png" in caught.value.remedy


def test_a_mask_of_an_image_without_label_is_not_blamed(tmp_path):
    write_folder_tree(tmp_path, masks=True)
    (tmp_path / "labels/kitchen-1.png").unlink()
    (fault,) = list_sources(SKIP, tmp_path).broken
    assert (fault.name, fault.reason) == ("kitchen-1", BrokenReason.NO_LABEL)


def test_missing_and_empty_folders_are_named(root):
    shutil.rmtree(root / "labels")
    with pytest.raises(SourceDataError, match="there is no folder labels") as caught:
        list_sources(SKIP, root)
    assert "images/NAME.png (or .jpg, .webp), labels/NAME.png and" in caught.value.remedy
    assert caught.value.remedy.endswith("On disk.")
    (root / "labels").mkdir()
    (root / "labels/.DS_Store").write_bytes(b"x")
    with pytest.raises(SourceDataError, match=r"labels holds no \.png file"):
        list_sources(SKIP, root)


def test_an_image_without_label_and_a_label_without_image_are_named(root):
    (root / "labels/kitchen-1.png").unlink()
    fault = only_fault(root)
    assert fault.reason is BrokenReason.NO_LABEL
    assert fault.detail == f"{root}/labels holds no label of kitchen-1"
    (root / "images/kitchen-1.jpg").rename(root / "images/kitchen-1.jpg.part")
    write_folder_tree(root)
    (root / "images/küche 2.png").unlink()
    assert only_fault(root).reason is BrokenReason.NO_IMAGE


def test_most_labels_missing_is_half_a_data_set(root):
    (root / "labels/kitchen-1.png").unlink()
    (root / "labels/台所.png").unlink()
    with pytest.raises(SourceDataError, match="2 of 3 sources have no label") as caught:
        list_sources(SKIP, root)
    assert not isinstance(caught.value, BrokenSourceError)


def test_one_name_with_two_suffixes_is_no_one_image(root):
    shutil.copy(root / "images/kitchen-1.jpg", root / "images/kitchen-1.JPEG")
    fault = only_fault(root)
    assert fault.reason is BrokenReason.DUPLICATE_NAME
    assert fault.detail.endswith("images holds both kitchen-1.JPEG and kitchen-1.jpg")


@pytest.mark.parametrize(("images", "labels"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_a_name_pairs_in_whatever_way_its_accents_are_stored(root, space, images, labels):
    for kind, form in (("images", images), ("labels", labels)):
        path = root / kind / "küche 2.png"
        path.rename(path.with_name(unicodedata.normalize(form, path.name)))
    listing = list_sources(SPEC, root)
    assert [file.name for file in listing.files] == [unicodedata.normalize("NFC", n) for n in NAMES]
    assert listing.files[1].load(space).image.shape == (96, 128, 3)


def test_two_spellings_of_one_name_are_a_duplicate(root):
    path = root / "images/küche 2.png"
    shutil.copy(path, path.with_name(unicodedata.normalize("NFD", path.name)))
    fault = only_fault(root)
    assert fault.reason is BrokenReason.DUPLICATE_NAME
    assert fault.detail.endswith(
        r"images holds both 'ku\u0308che 2.png' and 'k\xfcche 2.png', which are one name of two "
        "spellings (Unicode)"
    )


def test_most_files_empty_is_half_a_data_set(root):
    (root / "images/kitchen-1.jpg").write_bytes(b"")
    fault = only_fault(root)
    assert fault.reason is BrokenReason.NO_IMAGE
    assert fault.detail == f"{root}/images/kitchen-1.jpg is empty: it has 0 bytes"
    assert fault.remedy == "Restore the file from the data set."
    (root / "images/台所.webp").write_bytes(b"")
    with pytest.raises(SourceDataError, match="2 of 3 sources have no image") as caught:
        list_sources(SKIP, root)
    assert not isinstance(caught.value, BrokenSourceError)


def test_suffixes_count_in_any_case_and_hidden_files_not_at_all(root):
    (root / "images/kitchen-1.jpg").rename(root / "images/kitchen-1.JPG")
    (root / "images/._kitchen-1.JPG").write_bytes(b"resource fork")
    assert names(SPEC, root) == NAMES


def test_links_may_lead_anywhere_within_the_tree_and_nowhere_else(root, tmp_path_factory, space):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / "store").mkdir()
    image = root / "images/kitchen-1.jpg"
    image.rename(root / "store/a.jpg")
    image.symlink_to("../store/a.jpg")
    assert list_sources(SPEC, root).files[0].load(space).name == "kitchen-1"
    image.unlink()
    (root / "store/a.jpg").rename(elsewhere / "a.jpg")
    image.symlink_to(elsewhere / "a.jpg")
    fault = only_fault(root)
    assert fault.reason is BrokenReason.LEAVES_TREE
    assert "leads out of" in fault.detail
    image.unlink()
    image.symlink_to("../store/a.jpg")
    fault = only_fault(root)
    assert fault.reason is BrokenReason.NO_IMAGE
    assert "leads to no file" in fault.detail


def test_links_in_a_circle_lead_to_no_file(root):
    (root / "images/kitchen-1.jpg").unlink()
    (root / "images/kitchen-1.jpg").symlink_to("other")
    (root / "images/other").symlink_to("kitchen-1.jpg")
    fault = only_fault(root)
    assert fault.reason is BrokenReason.NO_IMAGE
    assert "leads to no file" in fault.detail


def test_a_link_that_leaves_the_tree_after_the_listing_is_refused(root, tmp_path_factory, space):
    outside = tmp_path_factory.mktemp("outside") / "a.jpg"
    file = list_sources(SPEC, root).files[0]
    file.image.rename(outside)
    file.image.symlink_to(outside)
    for read in (file.digests, lambda: file.load(space), lambda: file.load_annotation(space)):
        with pytest.raises(BrokenSourceError, match="leads out of") as caught:
            read()
        assert caught.value.reason is BrokenReason.LEAVES_TREE


def test_a_whole_folder_that_is_a_link_out_of_the_tree_is_refused(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "images"
    (root / "images").rename(elsewhere)
    (root / "images").symlink_to(elsewhere)
    with pytest.raises(SourceDataError, match="images is a link that leads out of"):
        list_sources(SKIP, root)


def test_a_root_that_is_a_link_is_followed(root, tmp_path_factory, space):
    link = tmp_path_factory.mktemp("links") / "data"
    link.symlink_to(root)
    listing = list_sources(SPEC, link)
    assert [file.name for file in listing.files] == NAMES
    assert listing.files[0].load(space).image.shape == (96, 128, 3)


def test_names_that_are_no_text_are_refused(root):
    shutil.copy(root / "images/kitchen-1.jpg", os.fsencode(root / "images") + b"/caf\xe9.jpg")
    shutil.copy(root / "images/kitchen-1.jpg", root / "images/two\nlines.jpg")
    listing = list_sources(SKIP, root)
    assert [file.name for file in listing.files] == NAMES
    assert {fault.reason for fault in listing.broken} == {BrokenReason.BAD_NAME}
    for fault in listing.broken:
        # Named so that any terminal and any file can take it.
        assert fault.name.isascii()
        assert fault.detail.encode()


def test_the_longest_name_that_a_file_can_have_is_read(root, space):
    name = "ü" * 125 + "x"  # 251 bytes, and a suffix of four
    shutil.copy(root / "images/küche 2.png", root / "images" / f"{name}.png")
    shutil.copy(root / "labels/küche 2.png", root / "labels" / f"{name}.png")
    (file,) = [file for file in list_sources(SPEC, root).files if file.name == name]
    assert file.load(space).name == name


def test_a_truncated_image_is_told_when_it_is_read(root, space):
    file = list_sources(SPEC, root).files[0]
    data = file.image.read_bytes()
    file.image.write_bytes(data[: len(data) // 2])
    # Its header says its size still.
    assert file.load_annotation(space).label.shape == (96, 128)
    with pytest.raises(BrokenSourceError, match=r"kitchen-1\.jpg can't be decoded") as caught:
        file.load(space)
    assert caught.value.reason is BrokenReason.UNREADABLE
    file.image.write_bytes(b"")
    with pytest.raises(BrokenSourceError, match=r"is no PNG or JPEG or WEBP file"):
        file.load_annotation(space)


def test_a_jpeg_that_is_turned_by_exif_is_upright_to_its_label(root, space):
    file = list_sources(SPEC, root).files[0]
    with Image.open(file.image) as opened:
        lying = opened.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned a quarter clockwise.
    lying.save(file.image, exif=exif)
    assert file.load_annotation(space).label.shape == (96, 128)
    assert file.load(space).image.shape == (96, 128, 3)
    lying.save(file.image)
    for read in (file.load, file.load_annotation):
        with pytest.raises(BrokenSourceError, match=r"is 128x96, its image 96x128$") as caught:
            read(space)
        assert caught.value.reason is BrokenReason.OTHER_SIZE
        assert caught.value.remedy.startswith("Bring both to one size")


def test_a_label_of_the_picture_before_exif_turned_it_is_told(root, space):
    file = list_sources(SPEC, root).files[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(file.image) as opened:
        opened.copy().save(file.image, exif=exif)
    for read in (file.load, file.load_annotation):
        with pytest.raises(BrokenSourceError) as caught:
            read(space)
        assert caught.value.reason is BrokenReason.OTHER_SIZE
        assert str(caught.value) == (
            f"{file.label} is 128x96, its image 96x128: it fits the picture as stored, before its "
            "EXIF orientation turns it upright"
        )
        assert "or remove the orientation" in caught.value.remedy


def test_a_label_of_few_bits_holds_the_ids_that_are_stored(root, space):
    file = list_sources(SPEC, root).files[0]
    label = file.load(space).label
    assert set(np.unique(label)) == {0, 1, 3}
    for bits in (2, 4):
        file.label.write_bytes(few_bits_png(label, bits=bits))
        assert (file.load(space).label == label).all()
