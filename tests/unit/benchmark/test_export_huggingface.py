"""The huggingface export as `datasets` itself reads it."""

import importlib
import io
import json

import numpy as np
import pytest
from pair_folders import IGNORE, SOURCES, imported
from PIL import Image

from harness.benchmark.export.content import Selection, read_content
from harness.benchmark.export.export import ExportRequest, export_benchmark
from harness.records.exchange import ExportFormat


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def exported(benchmark, tmp_path_factory):
    out = tmp_path_factory.mktemp("exports") / "harbour"
    request = ExportRequest(
        content=read_content(benchmark, Selection.ALL),
        format=ExportFormat.HUGGINGFACE,
        output=out,
        shard_bytes=20_000,
    )
    export_benchmark(request, on_sample=lambda: None)
    return out


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """The real package, offline, with its caches out of the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
        yield importlib.import_module("datasets")  # it reads its environment once, here


@pytest.fixture(scope="module")
def table(datasets, exported, tmp_path_factory):
    return datasets.load_dataset(
        str(exported), split="test", cache_dir=str(tmp_path_factory.mktemp("cache"))
    )


def test_images_labels_and_masks_are_the_benchmarks(benchmark, table):
    samples = {s.id: s for s in benchmark.samples()}
    assert len(table) == len(samples) == 10
    for row in table:
        sample = samples[row["id"]]
        assert np.array_equal(np.asarray(row["image"]), benchmark.image(sample.id))
        assert row["label"].mode == "L"
        assert np.array_equal(np.asarray(row["label"]), benchmark.label(sample))
        assert np.array_equal(np.asarray(row["mask"]) > 0, benchmark.mask(sample))
        assert row["image"].size == (row["width"], row["height"])


def test_words_and_scores_are_the_manifests(benchmark, table):
    samples = {s.id: s for s in benchmark.samples()}
    for row in table.remove_columns(["image", "label", "mask"]):
        sample = samples[row["id"]]
        edit = None if sample.edit is None else f"{row['attribute']}={row['value']}"
        assert edit == (sample.edit and str(sample.edit))
        assert row["source_name"] == sample.source_name
        assert row["accepted"] is sample.accepted
        assert row["rejection"] == sample.rejection
        change = None if sample.scores is None else sample.scores.object_change
        assert row["object_change"] == change


def test_a_source_comes_right_before_its_edits(table):
    rows = [(row["source_name"], row["attribute"]) for row in table.remove_columns("image")]
    assert [name for name, _ in rows] == sorted(name for name, _ in rows)
    for name in SOURCES:
        own = [attribute for source, attribute in rows if source == name]
        assert own[0] is None
        assert None not in own[1:]


def test_it_streams_from_several_shards(datasets, exported):
    shards = sorted(path.name for path in (exported / "data").iterdir())
    assert len(shards) > 1
    assert shards[0] == f"test-00000-of-{len(shards):05d}.parquet"
    stream = datasets.load_dataset(str(exported), split="test", streaming=True)
    assert sum(1 for _ in stream) == 10


def test_the_features_stand_in_the_files_themselves(datasets, exported):
    shard = sorted((exported / "data").iterdir())[0]
    bare = datasets.Dataset.from_parquet(str(shard), cache_dir=str(exported.parent / "bare"))
    assert isinstance(bare.features["label"], datasets.Image)
    assert bare.features["accepted"].dtype == "bool"


def test_the_card_says_what_it_is(exported):
    head, text = (exported / "README.md").read_text().split("---\n")[1:3]
    lines = head.splitlines()
    assert lines[0] == "license: cc-by-4.0"
    assert lines[1] == 'pretty_name: "Harbour: \\"boats\\" | and more"'
    assert "- image-segmentation" in lines
    assert "    num_examples: 10" in lines
    assert f"({IGNORE} is not scored)" in text
    names = json.loads((exported / "id2label.json").read_text())
    assert names == {"0": "water", "2": "boat", "7": "quay"}


def test_the_stored_bytes_are_the_benchmarks_own(benchmark, datasets, table):
    raw = table.cast_column("image", datasets.Image(decode=False))
    sample = {s.id: s for s in benchmark.samples()}[raw[0]["id"]]
    assert raw[0]["image"]["bytes"] == benchmark.image_png(sample.id)
    assert Image.open(io.BytesIO(raw[0]["image"]["bytes"])).format == "PNG"
    assert raw[0]["image"]["path"].endswith(f"{sample.source_id}.png")
