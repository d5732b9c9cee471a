"""Exports: the same pixels under readable names, whole or not there, and what they say."""

import ast
import csv

import numpy as np
import pytest
from pair_folders import IGNORE, SOURCES, imported, source_label
from PIL import Image

from harness.benchmark.export import mmseg
from harness.benchmark.export.content import Selection, read_content, source_stem
from harness.benchmark.export.destination import Placement
from harness.benchmark.export.export import ExportRequest, export_benchmark
from harness.benchmark.export.train_ids import train_ids
from harness.errors import BenchmarkError, OutputError
from harness.records.exchange import ExportFormat
from harness.records.label_space import LabelClass, LabelSpace

TRAIN = {0: 0, 2: 1, 7: 2, IGNORE: 255}


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("workspace"))


def export(benchmark, output, layout, *, selection=Selection.ACCEPTED, placement=Placement.COPY):
    request = ExportRequest(
        content=read_content(benchmark, selection),
        format=layout,
        output=output,
        placement=placement,
    )
    return export_benchmark(request, on_sample=lambda: None)


def pixels(path):
    return np.asarray(Image.open(path))


def remapped(label):
    return np.vectorize(TRAIN.get)(label).astype(np.uint8)


def test_mmseg_has_a_folder_a_condition_and_a_name_a_source(benchmark, tmp_path):
    out = tmp_path / "out"
    report = export(benchmark, out, ExportFormat.MMSEG)
    assert (report.sources, report.edits, report.left_out) == (3, 6, 1)
    stems = {s.source_name: source_stem(s) for s in benchmark.samples() if s.edit is None}
    assert all(stem.isascii() and "/" not in stem for stem in stems.values())
    listed = {p.name: sorted(f.stem for f in p.iterdir()) for p in (out / "img_dir").iterdir()}
    assert listed == {
        "clean": sorted(stems.values()),
        "color_violet": sorted(stems[name] for name in SOURCES[:2]),
        "style_sketch": sorted(stems[name] for name in SOURCES[1:]),
        "position_right": sorted(stems[name] for name in SOURCES[1:]),
    }
    for condition in ("color_violet", "style_sketch", "position_right"):
        pairs = (out / "pairs" / f"{condition}.txt").read_text().split()
        assert sorted(pairs) == listed[condition]
    for sample in benchmark.samples():
        if not sample.accepted:
            continue
        condition = mmseg.condition_name(sample.edit)
        name = f"{source_stem(sample)}.png"
        image = pixels(out / "img_dir" / condition / name)
        assert np.array_equal(image, benchmark.image(sample.id))
        label = pixels(out / "ann_dir" / condition / name)
        assert np.array_equal(label, remapped(benchmark.label(sample)))


def test_mmsegs_config_says_classes_in_the_order_of_train_ids(benchmark, tmp_path):
    out = tmp_path / "out"
    export(benchmark, out, ExportFormat.MMSEG)
    tree = ast.parse((out / "dataset.py").read_text())
    values = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    metainfo = {k.arg: ast.literal_eval(k.value) for k in values["metainfo"].keywords}
    assert metainfo["classes"] == ("water", "boat", "quay")
    assert metainfo["palette"] == [[0, 0, 128], [128, 0, 0], [90, 90, 90]]
    conditions = ast.literal_eval(values["conditions"])
    assert conditions == ("color_violet", "style_sketch", "position_right")
    readme = (out / "README.md").read_text()
    assert "| 1 | 2 | boat |" in readme
    assert "made contiguous" in readme


def test_train_ids_are_the_places_of_the_classes():
    classes = tuple(LabelClass(id=i, name=str(i), color=(0, 0, 0)) for i in (1, 5, 200))
    ids = train_ids(LabelSpace(name="x", ignore_id=0, classes=classes))
    found = ids.apply(np.array([[0, 1], [5, 200]], np.uint8))
    assert found.tolist() == [[255, 0], [1, 2]]
    assert not ids.same
    plain = tuple(LabelClass(id=i, name=str(i), color=(0, 0, 0)) for i in range(3))
    assert train_ids(LabelSpace(name="x", ignore_id=255, classes=plain)).same
    assert not train_ids(LabelSpace(name="x", ignore_id=254, classes=plain)).same
    wide = (*plain, LabelClass(id=256, name="w", color=(0, 0, 0)))
    with pytest.raises(OutputError, match="ids over 255"):
        train_ids(LabelSpace(name="x", ignore_id=255, classes=wide))


def test_a_folder_has_a_row_an_image_and_a_label_once(benchmark, tmp_path):
    out = tmp_path / "out"
    report = export(benchmark, out, ExportFormat.FOLDER, selection=Selection.ALL)
    with (out / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), report.left_out) == (10, 0)
    assert {row["accepted"] for row in rows} == {"true", "false"}
    assert [row["source"] for row in rows] == sorted(row["source"] for row in rows)
    assert len(list((out / "images").iterdir())) == 10
    assert len(list((out / "labels").iterdir())) == 3 + 2 + 1
    clean = next(row for row in rows if row["source"] == "a" and not row["attribute"])
    assert np.array_equal(pixels(out / clean["label"]), source_label())
    assert report.files == sum(1 for path in out.rglob("*") if path.is_file())
    assert report.size_bytes == sum(p.stat().st_size for p in out.rglob("*") if p.is_file())


@pytest.mark.parametrize("layout", list(ExportFormat))
def test_every_export_says_what_it_is_and_that_it_is_not_public(benchmark, tmp_path, layout):
    out = tmp_path / "out"
    export(benchmark, out, layout)
    readme, licence = (out / "README.md").read_text(), (out / "LICENSE").read_text()
    for said in (benchmark.header().digest, "CC-BY-4.0", "Tests, 2026.", "paired"):
        assert said in readme
    assert 'Harbour: "boats"' in readme
    assert "not to be republished" in readme
    assert "Not to be republished" in licence
    assert "1 rejected ones are left out" in readme


def test_links_lead_to_the_benchmarks_files(benchmark, tmp_path):
    out = tmp_path / "out"
    export(benchmark, out, ExportFormat.FOLDER, placement=Placement.LINK)
    links = [path for path in out.rglob("*.png") if path.is_symlink()]
    assert len(links) == len(list(out.rglob("*.png")))
    assert all(benchmark.path in link.resolve().parents for link in links)
    assert "are links into" in (out / "README.md").read_text()


def test_links_are_not_for_parquet(benchmark, tmp_path):
    with pytest.raises(OutputError, match="can't be links"):
        export(benchmark, tmp_path / "out", ExportFormat.HUGGINGFACE, placement=Placement.LINK)


def test_a_folder_that_holds_something_is_refused_and_kept(benchmark, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        export(benchmark, out, ExportFormat.FOLDER)
    assert [path.name for path in out.iterdir()] == ["mine"]
    with pytest.raises(OutputError, match="is no folder"):
        export(benchmark, out / "mine", ExportFormat.FOLDER)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled(benchmark, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    export(benchmark, out, ExportFormat.FOLDER)
    assert (out / "pairs.csv").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("layout", list(ExportFormat))
def test_a_damaged_benchmark_leaves_nothing_behind(tmp_path, layout):
    benchmark = imported(tmp_path)
    sketch = next(s for s in benchmark.samples() if s.filtered_label_sha256)
    benchmark.label_path(sketch).write_bytes(b"")
    with pytest.raises(BenchmarkError, match="not the file in its manifest"):
        export(benchmark, tmp_path / "out" / "x", layout)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_manifest_of_another_benchmark_is_refused(tmp_path):
    benchmark = imported(tmp_path)
    text = benchmark.manifest_path.read_text().replace("a photo of a boat", "a photo of a bus")
    benchmark.manifest_path.write_text(text)
    with pytest.raises(BenchmarkError, match="is not the manifest of"):
        read_content(benchmark, Selection.ALL)
