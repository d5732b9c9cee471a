import numpy as np
import pytest

from harness.dataset.benchmark_folder import BenchmarkFolder, header_bytes, manifest_bytes
from harness.dataset.image_io import encode_gray_png, pixel_sha256
from harness.dataset.label_space import load_label_space
from harness.errors import BenchmarkError
from harness.records.attributes import Attribute, Edit
from harness.records.base import sha256_hex
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample, manifest_digest

SOURCE_ID, COLOR_ID, SIZE_ID = "b" * 16, "a" * 16, "c" * 16
DIGEST = "0" * 64
LABEL = np.array([[3, 8]], np.uint8)
LABEL_PNG = encode_gray_png(LABEL)


def sample(sample_id, edit=None, *, mask=DIGEST, label=LABEL, label_png=LABEL_PNG):
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
        label_sha256=sha256_hex(label_png),
        label_pixel_sha256=pixel_sha256(label),
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
    folder.label_path(source).write_bytes(LABEL_PNG)
    folder.mask_path(source).write_bytes(encode_gray_png(np.array([[0, 255]], np.uint8)))
    assert folder.label(color).tolist() == [[3, 8]]
    assert folder.mask(color).tolist() == [[False, True]]
    assert folder.mask(sample(SOURCE_ID, mask=None)) is None


def refused_label(folder, written, promised):
    folder.label_path(promised).write_bytes(written)
    with pytest.raises(BenchmarkError) as caught:
        folder.label(promised)
    assert "harness verify tiny" in caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize("other", [[[3, 9]], [[3, 200]], [[3]]])
def test_a_label_that_is_not_the_manifests_is_refused(folder, other):
    data = encode_gray_png(np.array(other, np.uint8))
    told = refused_label(folder, data, sample(SOURCE_ID))
    assert told.endswith(f"labels/{SOURCE_ID}.png is not the label in its manifest")


def test_a_manifest_that_names_another_file_does_not_make_it_the_label(folder):
    other = encode_gray_png(np.array([[3, 9]], np.uint8))
    assert "not the label in its manifest" in refused_label(
        folder, other, sample(SOURCE_ID, label_png=other)
    )


@pytest.mark.parametrize(("stray", "least"), [([[3, 200]], 200), ([[250, 12]], 12)])
def test_an_id_that_is_no_class_is_named_with_its_label(folder, stray, least):
    label = np.array(stray, np.uint8)
    data = encode_gray_png(label)
    told = refused_label(folder, data, sample(SOURCE_ID, label=label, label_png=data))
    assert f"labels/{SOURCE_ID}.png holds id {least}, which is no class" in told


def test_the_ignore_id_is_no_stray(folder):
    label = np.array([[3, header().label_space.ignore_id]], np.uint8)
    data = encode_gray_png(label)
    promised = sample(SOURCE_ID, label=label, label_png=data)
    folder.label_path(promised).write_bytes(data)
    assert np.array_equal(folder.label(promised), label)


def test_a_label_that_is_missing_or_no_image_is_the_benchmarks_fault(folder):
    with pytest.raises(BenchmarkError, match=rf"labels/{SOURCE_ID}\.png is missing"):
        folder.label(sample(SOURCE_ID))
    assert "is no PNG file" in refused_label(folder, b"no image", sample(SOURCE_ID))


def test_a_manifest_that_is_not_the_headers_is_refused(folder):
    folder.assert_whole()
    text = folder.manifest_path.read_text()
    for changed in (text.replace('"seed":0', '"seed":1', 1), text.splitlines()[0] + "\n"):
        assert changed != text
        folder.manifest_path.write_text(changed)
        with pytest.raises(BenchmarkError, match=r"not the manifest of benchmark\.json") as caught:
            folder.assert_whole()
        assert caught.value.remedy == "Run `harness build-benchmark tiny`."


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


FILTERED_LABEL = np.array([[11, 8]], np.uint8)


def filtered(sample_id=COLOR_ID, *, label=FILTERED_LABEL, **changes):
    """A sample whose label the noise filter took a pixel of."""
    digests = {
        "filtered_label_sha256": sha256_hex(encode_gray_png(label)),
        "filtered_label_pixel_sha256": pixel_sha256(label),
    }
    edit = Edit(attribute=Attribute.COLOR, value="violet")
    return sample(sample_id, edit).model_copy(update=digests | changes)


@pytest.fixture
def with_filtered(folder):
    (folder.path / "filtered").mkdir()
    folder.label_path(sample(SOURCE_ID)).write_bytes(LABEL_PNG)
    folder.label_path(filtered()).write_bytes(encode_gray_png(FILTERED_LABEL))
    return folder


def test_a_filtered_label_is_scored_and_the_original_stays(with_filtered):
    path = with_filtered.label_path(filtered())

    assert path == with_filtered.path / "filtered" / f"{COLOR_ID}.png"
    assert with_filtered.label(filtered()).tolist() == [[11, 8]]
    assert with_filtered.original_label(filtered()).tolist() == [[3, 8]]
    assert with_filtered.original_label_path(filtered()).stem == SOURCE_ID
    assert with_filtered.label(sample(SOURCE_ID)).tolist() == [[3, 8]]


def test_a_filtered_label_is_held_against_its_own_digests(with_filtered):
    with_filtered.label_path(filtered()).write_bytes(LABEL_PNG)
    with pytest.raises(BenchmarkError, match=rf"filtered/{COLOR_ID}\.png is not the label"):
        with_filtered.label(filtered())


def test_a_filtered_label_cannot_be_lost_on_the_way(with_filtered):
    # the file's digest is no part of the benchmark's identity, so leaving it out must not help
    with pytest.raises(BenchmarkError, match="is not the label in its manifest"):
        with_filtered.label(filtered(filtered_label_sha256=None))
    with_filtered.label_path(filtered()).unlink()
    with pytest.raises(BenchmarkError, match=rf"filtered/{COLOR_ID}\.png is missing"):
        with_filtered.label(filtered())


def test_a_label_is_read_before_there_is_a_header_by_who_knows_its_space(with_filtered):
    with_filtered.header_path.unlink()
    building = BenchmarkFolder(with_filtered.path, label_space=load_label_space("camvid"))

    assert building.label(sample(SOURCE_ID)).tolist() == [[3, 8]]
