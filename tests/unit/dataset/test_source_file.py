import io
import pickle

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from source_trees.camvid import write_camvid_tree
from source_trees.cityscapes import write_cityscapes_tree
from source_trees.drawing import save_values
from source_trees.voc import write_voc_tree

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.image_io import upright_size
from harness.dataset.instances import InstanceFile, InstanceFormat, InstanceOutlines
from harness.dataset.label_format import LabelFormat
from harness.dataset.label_space import load_label_space
from harness.dataset.source_file import SourceFile
from harness.records.base import sha256_hex

CAMVID = load_label_space("camvid")
VOC = load_label_space("voc")


@pytest.fixture
def file(tmp_path):
    write_camvid_tree(tmp_path)
    name = "0001TP_008550"
    return SourceFile(
        name=name,
        image=tmp_path / f"test/images/{name}.png",
        label=tmp_path / f"test/labels/{name}.png",
        root=tmp_path,
    )


def changed(file, **fields):
    names = ("name", "image", "label", "label_format", "instances", "root", "promised")
    return SourceFile(**{name: getattr(file, name) for name in names} | fields)


def outlines(*boxes, size=(96, 128)):
    masks = []
    for top, left, bottom, right in boxes:
        mask = np.zeros(size, np.uint8, order="F")
        mask[top:bottom, left:right] = 1
        masks.append(bytes(coco_mask.encode(mask)["counts"]))
    return InstanceOutlines(height=size[0], width=size[1], rles=tuple(masks))


def test_the_annotation_is_what_is_said_of_the_loaded_source(file):
    said, source = file.load_annotation(CAMVID), file.load(CAMVID)
    assert (said.label == source.label).all()
    assert (said.name, said.given_mask, said.given_class, said.instances) == (
        "0001TP_008550",
        None,
        None,
        None,
    )
    assert not hasattr(said, "image")


def test_plain_files_are_determined_by_their_bytes_alone(file):
    assert file.digests() == tuple(sha256_hex(path.read_bytes()) for path in file.files())


def test_how_files_are_read_is_part_of_what_determines_a_source(file):
    plain = file.digests()
    found = {
        changed(file, label_format=LabelFormat.ADE20K).digests(),
        changed(file, instances=outlines((0, 0, 9, 9))).digests(),
        changed(file, instances=outlines((0, 0, 9, 8))).digests(),
        changed(file, instances=outlines()).digests(),
        plain,
    }
    assert len(found) == 5
    assert all(digests[:2] == plain for digests in found)


def test_a_file_of_instances_is_one_of_the_sources_files(tmp_path):
    write_cityscapes_tree(tmp_path)
    stem = tmp_path / "gtFine/val/munster/munster_000173_000029_gtFine"
    instances = InstanceFile(
        path=stem.with_name(f"{stem.name}_instanceIds.png"), format=InstanceFormat.CITYSCAPES
    )
    file = SourceFile(
        name="m", image=stem, label=stem.with_name(f"{stem.name}_labelIds.png"), instances=instances
    )
    assert file.files() == (file.image, file.label, instances.path)


def test_sources_are_small_to_send(file):
    many = [
        changed(file, name=f"{i:012d}", image=file.root / f"test/images/{i:012d}.png")
        for i in range(100)
    ]
    assert len(pickle.dumps(many)) < 200 * len(many)
    assert pickle.loads(pickle.dumps(file)) == file  # noqa: S301 - our own bytes
    assert not hasattr(file, "__dict__")


def test_outlines_are_read_as_instances(file):
    source = changed(file, instances=outlines((40, 10, 80, 60))).load(CAMVID)
    assert source.instances[50, 30] == 1
    assert int((source.instances > 0).sum()) == 40 * 50
    with pytest.raises(BrokenSourceError, match="instances of 0001TP_008550 are 20x10") as caught:
        changed(file, instances=outlines((0, 0, 3, 3), size=(10, 20))).load(CAMVID)
    assert caught.value.reason is BrokenReason.OTHER_SIZE


@pytest.mark.parametrize(
    ("which", "reason"), [("image", BrokenReason.NO_IMAGE), ("label", BrokenReason.NO_LABEL)]
)
def test_a_missing_file_is_told_by_its_kind(file, which, reason):
    getattr(file, which).unlink()
    for read in (file.digests, lambda: file.load(CAMVID), lambda: file.load_annotation(CAMVID)):
        with pytest.raises(BrokenSourceError, match=r"0001TP_008550\.png is missing") as caught:
            read()
        assert caught.value.reason is reason


def test_a_truncated_label_and_one_of_another_kind_are_unreadable(file):
    data = file.label.read_bytes()
    file.label.write_bytes(data[: len(data) // 2])
    with pytest.raises(BrokenSourceError, match=r"labels/.* can't be decoded") as caught:
        file.load_annotation(CAMVID)
    assert caught.value.reason is BrokenReason.UNREADABLE
    save_values(file.label, np.zeros((96, 128), np.uint16))
    with pytest.raises(BrokenSourceError, match=r"mode I;16, not one channel of 8 bits"):
        file.load_annotation(CAMVID)


def test_strange_ids_are_told_with_their_pixels(file):
    label = np.zeros((96, 128), np.uint8)
    for index, value in enumerate((12, 40, 77, 100, 200, 254)):
        label[index, : index + 1] = value
    save_values(file.label, label)
    with pytest.raises(BrokenSourceError) as caught:
        file.load_annotation(CAMVID)
    assert caught.value.reason is BrokenReason.STRANGE_ID
    assert str(caught.value) == (
        f"{file.label} holds the values 12 (1 pixel), 40 (2 pixels), 77 (3 pixels), "
        "100 (4 pixels), 200 (5 pixels), and 1 more, no class of camvid"
    )
    label[1:] = 0
    save_values(file.label, label)
    with pytest.raises(BrokenSourceError, match=r"holds the value 12 \(1 pixel\), no class"):
        file.load(CAMVID)


def test_what_is_not_promised_is_told_before_it_is_decoded(file):
    promised = changed(file, promised=file.digests())
    assert promised.load(CAMVID).name == file.name
    file.label.write_bytes(b"something else")
    for read in (promised.digests, lambda: promised.load_annotation(CAMVID)):
        with pytest.raises(BrokenSourceError, match="not the file its listing promises") as caught:
            read()
        assert caught.value.reason is BrokenReason.NOT_PROMISED


def test_the_size_of_an_image_is_read_without_its_pixels(file):
    data = file.image.read_bytes()
    file.image.write_bytes(data[:200])
    assert file.load_annotation(CAMVID).label.shape == (96, 128)
    with pytest.raises(BrokenSourceError, match="can't be decoded"):
        file.load(CAMVID)


@pytest.mark.parametrize("suffix", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize(("orientation", "size"), [(1, (40, 20)), (3, (40, 20)), (8, (20, 40))])
def test_the_upright_size_is_that_of_the_decoded_image(suffix, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20)).save(buffer, format=suffix, exif=exif)
    assert upright_size(io.BytesIO(buffer.getvalue()), name="x") == size


def test_what_is_wrong_with_a_source_crosses_processes(file):
    file.label.unlink()
    with pytest.raises(BrokenSourceError) as caught:
        file.load(CAMVID)
    back = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert isinstance(back, BrokenSourceError)
    assert (str(back), back.remedy, back.reason) == (
        str(caught.value),
        caught.value.remedy,
        BrokenReason.NO_LABEL,
    )


def test_a_file_of_instances_that_is_missing_is_told(tmp_path):
    write_voc_tree(tmp_path, kit=".")
    name = "2007_000042"
    file = SourceFile(
        name=name,
        image=tmp_path / f"JPEGImages/{name}.jpg",
        label=tmp_path / f"SegmentationClass/{name}.png",
        instances=InstanceFile(
            path=tmp_path / f"SegmentationObject/{name}.png", format=InstanceFormat.VOC
        ),
    )
    assert set(np.unique(file.load(VOC).instances)) == {0, 1, 2}
    file.instances.path.unlink()
    with pytest.raises(BrokenSourceError, match=r"SegmentationObject/.* is missing") as caught:
        file.load_annotation(VOC)
    assert caught.value.reason is BrokenReason.NO_LABEL
