"""The complete example of docs/importing.md, run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from pair_folders import take
from PIL import Image

from harness.benchmark.verify import Promise, verify_benchmark
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.pairs_file import COLUMNS

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "importing.md").read_text("utf-8")


def block(language):
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)[0]


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_published_pairs_are_taken_in_as_the_document_says(tmp_path):
    release = tmp_path / "release"
    label = np.zeros((20, 30), np.uint8)
    label[5:15, 5:20] = 7
    for number in range(2):
        name = f"2007_{number:06d}.png"
        image = np.full((20, 30, 3), 40 + number, np.uint8)
        write(release / "origin" / name, image)
        write(release / "labels" / "origin" / name, label)
        write(release / "edited" / "color" / "violet" / name, image + 60)
        voided = label.copy()
        voided[5:7, 5:20] = 255
        write(release / "labels" / "color" / "violet" / name, voided)
        write(release / "edited" / "style" / "sketch" / name, image + 90)
    subprocess.run([sys.executable, "-c", block("python")], check=True, cwd=release)
    (release / "benchmark.toml").write_text(block("toml"), encoding="utf-8")
    folder = tmp_path / "benchmark_data" / "pascal-ea-published"
    report = take(release, folder)
    assert (report.sources, report.edits, report.rejected) == (2, 4, 0)
    assert verify_benchmark(folder, Promise(recipe=None, lock=None), threads=1).ok
    samples = BenchmarkFolder(folder).samples()
    filtered = [s for s in samples if s.filtered_label_sha256 is not None]
    assert {str(s.edit) for s in filtered} == {"color=violet"}
    assert len(filtered) == 2


def test_every_column_is_documented():
    table = re.findall(r"^\| (`.*?) \|", DOCUMENT, re.MULTILINE)
    assert set(COLUMNS) <= {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
