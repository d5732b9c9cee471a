import numpy as np
import pytest

from harness.dataset.benchmark_folder import BenchmarkFolder, header_bytes, manifest_bytes
from harness.dataset.image_io import encode_gray_png
from harness.dataset.label_space import load_label_space
from harness.errors import BenchmarkError
from harness.records.attributes import Attribute, Edit
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample, manifest_digest

SOURCE_ID, COLOR_ID, SIZE_ID = "b" * 16, "a" * 16, "c" * 16
DIGEST = "0" * 64


def sample(sample_id, edit=None, *, mask=DIGEST):
    return Sample(
        id=sample_id,
        source_id=SOURCE_ID,
        source_name="x",
        edit=edit,
        object_class="car",
        caption="a photo of a car",
        target_prompt=None,
        seed=0,
        width=2,
        height=1,
        accepted=True,
        image_sha256=DIGEST,
        pixel_sha256=DIGEST,
        label_sha256=DIGEST,
        label_pixel_sha256=DIGEST,
        mask_sha256=mask,
        signature="",
    )


SAMPLES = (
    sample(SIZE_ID, Edit(attribute=Attribute.SIZE, value="larger")),
    sample(SOURCE_ID),
    sample(COLOR_ID, Edit(attribute=Attribute.COLOR, value="violet")),
)


def header():
    return BenchmarkHeader(
        name="tiny",
        title="Tiny",
        description="d",
        license="CC0-1.0",
        publish_images=True,
        digest=manifest_digest(SAMPLES),
        recipe_digest=DIGEST,
        qualifying_miou=0.1,
        label_space=load_label_space("camvid"),
        edits=(),
        environment=BuildEnvironment(harness_version="0", python="3", platform="x", packages={}),
    )


@pytest.fixture
def folder(tmp_path):
    built = BenchmarkFolder(tmp_path / "tiny")
    for name in ("images", "labels", "masks"):
        (built.path / name).mkdir(parents=True)
    built.header_path.write_bytes(header_bytes(header()))
    built.manifest_path.write_bytes(manifest_bytes(SAMPLES))
    return built


def test_it_reads_what_was_written_sorted_by_id(folder):
    assert folder.header() == header()
    assert [s.id for s in folder.samples()] == [COLOR_ID, SOURCE_ID, SIZE_ID]
    assert set(folder.samples()) == set(SAMPLES)
    assert folder.manifest_path.read_bytes().count(b"\n") == 3


def test_labels_and_masks_are_shared_until_the_object_moves(folder):
    source, color, size = (
        next(s for s in SAMPLES if s.id == i) for i in (SOURCE_ID, COLOR_ID, SIZE_ID)
    )
    assert folder.label_path(color) == folder.label_path(source)
    assert folder.mask_path(color) == folder.path / "masks" / f"{SOURCE_ID}.png"
    assert folder.label_path(size).stem == SIZE_ID
    assert folder.mask_path(sample(SOURCE_ID, mask=None)) is None
    folder.label_path(source).write_bytes(encode_gray_png(np.array([[3, 8]], np.uint8)))
    folder.mask_path(source).write_bytes(encode_gray_png(np.array([[0, 255]], np.uint8)))
    assert folder.label(color).tolist() == [[3, 8]]
    assert folder.mask(color).tolist() == [[False, True]]
    assert folder.mask(sample(SOURCE_ID, mask=None)) is None


def test_what_is_not_built_names_the_command(tmp_path):
    with pytest.raises(BenchmarkError, match="there is no benchmark in") as caught:
        BenchmarkFolder(tmp_path / "mini").samples()
    assert caught.value.remedy == "Run `harness build-benchmark mini`."


def test_a_missing_image_is_named(folder):
    with pytest.raises(BenchmarkError, match=rf"images/{SOURCE_ID}\.png is missing"):
        folder.image_png(SOURCE_ID)


def test_a_broken_header_is_named_with_its_key(folder):
    text = folder.header_path.read_text().replace(
        '"qualifying_miou": 0.1', '"qualifying_miou": "x"'
    )
    folder.header_path.write_text(text)
    with pytest.raises(BenchmarkError, match=r"benchmark\.json is broken: qualifying_miou: "):
        folder.header()


def test_a_broken_manifest_is_named_with_its_line(folder):
    lines = folder.manifest_path.read_text().splitlines()
    lines[1] = lines[1].replace('"width":2', '"width":-2')
    folder.manifest_path.write_text("\n".join(lines))
    with pytest.raises(BenchmarkError, match=r"manifest\.jsonl, line 2 is broken: width: "):
        folder.samples()


def test_a_half_manifest_is_named_with_its_line(folder):
    data = folder.manifest_path.read_bytes()
    folder.manifest_path.write_bytes(data[: len(data) - 100])
    with pytest.raises(BenchmarkError, match=r"manifest\.jsonl, line 3 is broken: Invalid JSON"):
        folder.samples()
