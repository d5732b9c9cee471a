"""A benchmark whose labels were filtered, in mmsegmentation's layout: pairs are still paired."""

import ast

import numpy as np
import pytest
from assessment_fakes import NOISE, Losses, opening
from benchmark_fakes import build_request, write_recipe
from PIL import Image

from harness.benchmark.assessing.assessment import Assessors
from harness.benchmark.build import build_benchmark, find_sources
from harness.benchmark.export.content import Selection, condition_name, read_content, source_stem
from harness.benchmark.export.export import ExportRequest, export_benchmark
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.records.exchange import ExportFormat


@pytest.fixture
def benchmark(tmp_path):
    loaded = write_recipe(tmp_path / "recipes", text=NOISE)
    assessors = Assessors(losses=opening(Losses()))
    request = build_request(tmp_path, loaded=loaded, assessors=assessors)
    build_benchmark(request, find_sources(request))
    return BenchmarkFolder(request.folder)


def test_sources_are_compared_by_the_labels_of_their_edits(benchmark, tmp_path):
    out = tmp_path / "out"
    content = read_content(benchmark, Selection.ACCEPTED)
    request = ExportRequest(content=content, format=ExportFormat.MMSEG, output=out)
    export_benchmark(request, on_sample=lambda: None)
    filtered = [s for s in content.samples if s.edit is not None and s.judges_source]
    assert filtered
    conditions = {condition_name(sample.edit) for sample in filtered}
    # Where something moved, pixels don't correspond: those sources keep their own labels.
    assert not any(condition.startswith("position") for condition in conditions)
    for sample in filtered:
        name = f"{source_stem(sample)}.png"
        folder = out / "ann_dir" / f"clean_for_{condition_name(sample.edit)}"
        judged = np.asarray(Image.open(folder / name))
        own = np.asarray(Image.open(out / "ann_dir" / "clean" / name))
        edited = np.asarray(Image.open(out / "ann_dir" / condition_name(sample.edit) / name))
        assert np.array_equal(judged, edited)
        assert (judged != own).any()

    config = ast.parse((out / "dataset.py").read_text())
    values = {n.targets[0].id: n.value for n in config.body if isinstance(n, ast.Assign)}
    assert set(ast.literal_eval(values["filtered"])) == conditions
    made = {path.name for path in (out / "ann_dir").iterdir() if path.name.startswith("clean_for")}
    assert made == {f"clean_for_{condition}" for condition in conditions}
    for condition in conditions:
        listed = (out / "pairs" / f"{condition}.txt").read_text().split()
        folder = out / "ann_dir" / f"clean_for_{condition}"
        assert {path.stem for path in folder.iterdir()} == set(listed)
