import numpy as np
import pytest
from PIL import Image

from harness.dataset.object_mask import read_object_mask
from harness.dataset.picture_file import read_picture
from harness.errors import ImageEditError, SourceDataError

INSIDE = np.zeros((20, 30), np.bool_)
INSIDE[4:12, 6:20] = True


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "car.png"
    Image.new("RGB", (30, 20), "gray").save(path)
    return read_picture(path)


def mask_of(tmp_path, pixels, name="mask.png", **options):
    path = tmp_path / name
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def levels(outside, inside):
    return np.where(INSIDE, inside, outside).astype(np.uint8)


def in_palette(colors):
    picture = Image.fromarray(levels(0, 1), "L").convert("P")
    picture.putdata(levels(0, 1).reshape(-1).tolist())
    picture.putpalette(colors)
    return picture


@pytest.mark.parametrize(
    "pixels",
    [
        levels(0, 255),
        levels(0, 1),
        levels(0, 77),
        levels(0, 255).astype(np.uint16) * 257,
        INSIDE,
        np.dstack([levels(0, 255)] * 3),
        np.dstack([levels(0, 128), levels(0, 0), levels(0, 0)]),
        np.dstack([*[levels(0, 255)] * 3, levels(255, 255)]),
        np.dstack([levels(0, 9), levels(255, 255)]),
    ],
    ids=["255", "1", "77", "16 bit", "1 bit", "grey RGB", "red RGB", "opaque RGBA", "opaque LA"],
)
def test_two_levels_are_a_mask_however_they_are_stored(tmp_path, picture, pixels):
    path = mask_of(tmp_path, pixels)
    read = read_object_mask(path, picture)
    assert read.mask.dtype == np.bool_
    assert np.array_equal(read.mask, INSIDE)
    assert read.path == path


def test_a_palettes_colours_count_and_not_its_order(tmp_path, picture):
    as_shown = mask_of(tmp_path, in_palette([0, 0, 0, 128, 0, 0]))
    assert np.array_equal(read_object_mask(as_shown, picture).mask, INSIDE)
    turned = mask_of(tmp_path, in_palette([255, 255, 255, 0, 0, 0]))
    assert np.array_equal(read_object_mask(turned, picture).mask, ~INSIDE)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((20, 30), np.uint8), "is empty: every pixel is 0"),
        (np.full((20, 30), 255, np.uint8), "is full: every pixel is 255"),
        (np.full((20, 30), 1, np.uint8), "is full: every pixel is 1"),
        (levels(7, 200), r"is not binary: its levels are 7, 200, none is 0"),
        (np.where(np.eye(20, 30), 9, levels(0, 255)).astype(np.uint8), r"3 levels \(0, 9, 255\)"),
        (np.arange(600).reshape(20, 30).astype(np.uint8), r"256 levels \(0, 1, 2, 3, \.\.\.\)"),
        (np.arange(600).reshape(20, 30) % 5 + 1, "5 levels .*; none is 0"),
        (
            np.dstack([levels(0, 255), levels(255, 0), levels(0, 0)]),
            r"its levels are \(0, 255, 0\), \(255, 0, 0\), none is 0",
        ),
    ],
)
def test_what_is_no_mask_says_what_was_found(tmp_path, picture, pixels, words):
    path = mask_of(tmp_path, pixels.astype(np.uint8))
    with pytest.raises(ImageEditError, match=words) as refused:
        read_object_mask(path, picture)
    assert "mask.png" in str(refused.value)
    assert "0 outside the object" in refused.value.remedy


def test_jpeg_blur_is_named(tmp_path, picture):
    path = mask_of(tmp_path, levels(0, 255), "mask.jpg")
    with pytest.raises(ImageEditError, match=r"not binary.*\(JPEG blurs every edge\)"):
        read_object_mask(path, picture)


def test_another_size_names_both(tmp_path, picture):
    path = mask_of(tmp_path, np.zeros((10, 15), np.uint8))
    with pytest.raises(ImageEditError, match=r"mask\.png is 15x10, its picture .*car\.png 30x20$"):
        read_object_mask(path, picture)


def test_a_mask_of_a_turned_picture_must_stand_upright_too(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    turned = tmp_path / "phone.png"
    Image.new("RGB", (30, 20)).save(turned, exif=tags)
    picture = read_picture(turned)
    with pytest.raises(ImageEditError, match=r"20x30 once it stands upright") as refused:
        read_object_mask(mask_of(tmp_path, levels(0, 1)), picture)
    assert "Turn the mask" in refused.value.remedy
    with_tag = mask_of(tmp_path, levels(0, 1), exif=tags)
    assert np.array_equal(read_object_mask(with_tag, picture).mask, np.rot90(INSIDE, -1))
    upright = mask_of(tmp_path, np.ascontiguousarray(np.rot90(levels(0, 1), -1)))
    assert np.array_equal(read_object_mask(upright, picture).mask, np.rot90(INSIDE, -1))


def test_transparent_and_missing_masks_are_refused(tmp_path, picture):
    path = mask_of(tmp_path, np.dstack([*[levels(255, 255)] * 3, levels(0, 255)]))
    with pytest.raises(SourceDataError, match="partly transparent"):
        read_object_mask(path, picture)
    with pytest.raises(SourceDataError, match="there is no file"):
        read_object_mask(tmp_path / "none.png", picture)
