import numpy as np
import pytest

from harness.dataset.image_io import encode_gray_png
from harness.dataset.label_space import load_label_space
from harness.dataset.object_label import label_of_mask, read_object_label
from harness.dataset.object_mask import ObjectMask
from harness.errors import ImageEditError, SourceDataError
from harness.records.base import sha256_hex

INSIDE = np.zeros((20, 30), np.bool_)
INSIDE[4:12, 6:20] = True
CAMVID = load_label_space("camvid")


@pytest.fixture
def mask(tmp_path):
    return ObjectMask(path=tmp_path / "mask.png", sha256="", mask=INSIDE)


def written(tmp_path, label):
    path = tmp_path / "label.png"
    path.write_bytes(encode_gray_png(label))
    return path


def test_without_a_label_the_mask_is_one():
    made = label_of_mask(INSIDE, "dining table")
    names = [(c.id, c.name) for c in made.label_space.classes]
    assert names == [(0, "background"), (1, "dining table")]
    assert np.array_equal(made.label, INSIDE.astype(np.uint8))
    assert (made.path, made.sha256) == (None, None)
    with pytest.raises(ImageEditError, match="called 'background'"):
        label_of_mask(INSIDE, "background")


def test_a_label_is_read_as_it_is(tmp_path, mask):
    label = np.where(INSIDE, 8, 3).astype(np.uint8)
    path = written(tmp_path, label)
    read = read_object_label(path, CAMVID, object_class="car", mask=mask)
    assert np.array_equal(read.label, label)
    assert (read.path, read.label_space) == (path, CAMVID)
    assert read.sha256 == sha256_hex(path.read_bytes())


@pytest.mark.parametrize(
    ("label", "object_class", "words"),
    [
        (np.where(INSIDE, 8, 3), "caar", "camvid has no class 'caar'"),
        (np.zeros((10, 10)), "car", "is 10x10, its picture 30x20"),
        (np.where(INSIDE, 8, 77), "car", "holds id 77, which is no class of camvid"),
        (np.where(INSIDE, 8, 3), "tree", "112 pixels of the mask .* are not tree in the label"),
    ],
)
def test_a_label_that_does_not_fit_says_why(tmp_path, mask, label, object_class, words):
    path = written(tmp_path, label.astype(np.uint8))
    with pytest.raises(ImageEditError, match=words):
        read_object_label(path, CAMVID, object_class=object_class, mask=mask)


def test_a_missing_label_is_named(tmp_path, mask):
    with pytest.raises(SourceDataError, match=r"there is no file .*none\.png"):
        read_object_label(tmp_path / "none.png", CAMVID, object_class="car", mask=mask)
