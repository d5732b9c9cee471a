"""The mmsegmentation export as mmsegmentation's own data set class reads it (issue 4)."""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest
from pair_folders import IGNORE, imported

from harness.benchmark.export.content import Selection, condition_name, read_content, source_stem
from harness.benchmark.export.export import ExportRequest, export_benchmark
from harness.records.exchange import ExportFormat

pytestmark = pytest.mark.reference

ROOT = Path(__file__).resolve().parents[2]
READER = Path(__file__).with_name("mmseg_reading.py")
WHEEL = "mmcv-2.1.0-cp311-cp311-linux_x86_64.whl"
PACKAGES = (
    *("mmsegmentation==1.2.2", "mmengine==0.10.7", "addict==2.4.0", "ftfy==6.3.1"),
    *("platformdirs", "prettytable", "regex", "termcolor", "wcwidth", "yapf"),
)
"""mmsegmentation with what it imports; torch, NumPy and OpenCV are those of this environment."""
MODEL = """
model = dict(type='EncoderDecoder')
test_dataloader = dict(batch_size=4, dataset=dict(type='ADE20KDataset', data_root='nowhere'))
test_evaluator = dict(type='IoUMetric', iou_metrics=['mFscore'])
test_cfg = dict(type='TestLoop')
"""
TRAIN = {0: 0, 2: 1, 7: 2, IGNORE: 255}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An environment with mmsegmentation that sees this one's packages behind its own."""
    wheel = ROOT.parent / "shared" / "wheels" / WHEEL
    if not wheel.is_file():
        pytest.fail(f"mmcv's wheel is missing: {wheel}")
    home = tmp_path_factory.mktemp("mmseg") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    installed = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"),
            *("--python", str(home / "bin" / "python"), str(wheel), *PACKAGES),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if installed.returncode != 0:
        pytest.fail(f"mmsegmentation can't be installed: {installed.stderr}")
    return home / "bin" / "python"


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def read(python, benchmark, tmp_path_factory):
    """What mmsegmentation makes of the export."""
    root = tmp_path_factory.mktemp("exported")
    content = read_content(benchmark, Selection.ACCEPTED)
    request = ExportRequest(content=content, format=ExportFormat.MMSEG, output=root / "out")
    export_benchmark(request, on_sample=lambda: None)
    (root / "model.py").write_text(MODEL)
    answer = subprocess.run(
        [str(python), str(READER), str(root / "out"), str(root / "model.py")],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "OMP_NUM_THREADS": "1"},
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def expected(benchmark, samples, judges=None):
    """What is to be read of `samples`, by the labels of `judges` where those are others."""
    return {
        f"{source_stem(sample)}.png": {
            "image": digest(benchmark.image(sample.id)),
            "label": digest(np.vectorize(TRAIN.get)(benchmark.label(judge)).astype(np.uint8)),
            "shape": [24, 32],
        }
        for sample, judge in zip(samples, judges or samples, strict=True)
    }


def test_every_condition_yields_its_pairs_of_image_and_label(benchmark, read):
    accepted = [sample for sample in benchmark.samples() if sample.accepted]
    sources = {sample.id: sample for sample in accepted if sample.edit is None}
    conditions = {str(s.edit): s.edit for s in accepted if s.edit is not None}
    assert read["loaders"]["clean"]["samples"] == expected(benchmark, list(sources.values()))
    for edit in conditions.values():
        edits = [sample for sample in accepted if sample.edit == edit]
        own = [sources[sample.source_id] for sample in edits]
        name = condition_name(edit)
        assert read["loaders"][name]["samples"] == expected(benchmark, edits)
        judges = [edit if edit.judges_source else sources[edit.source_id] for edit in edits]
        paired = read["loaders"][f"clean_for_{name}"]["samples"]
        assert paired == expected(benchmark, own, judges)
    assert len(read["loaders"]) == 1 + 2 * len(conditions)
    assert any(sample.judges_source for sample in accepted)


def test_its_classes_are_the_label_spaces(read):
    for loader in read["loaders"].values():
        assert loader["classes"] == ["water", "boat", "quay"]


def test_a_models_config_gets_the_condition_and_nothing_of_its_own_data(read):
    assert read["chosen"] == {
        "model": "EncoderDecoder",
        "image_folder": "img_dir/color_violet",
        "keys": ["batch_size", "dataset", "num_workers", "sampler"],
        "evaluator": "IoUMetric",
    }
