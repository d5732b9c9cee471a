"""A small folder of plain pairs, and the benchmark that it becomes."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from harness.benchmark.importing.importing import import_benchmark, read_origin
from harness.dataset.benchmark_folder import BenchmarkFolder

SIZE = (24, 32)
"""Height and width."""
IGNORE = 9
HEADER = """
name = "harbour"
title = "Harbour: \\"boats\\" | and more"
description = "Pairs for tests."
license = "CC-BY-4.0"
citation = "Tests, 2026."
publish_images = false
qualifying_miou = 0.2

[label_space]
name = "harbour"
ignore_id = 9
scene = "harbour"
classes = [
  { id = 0, name = "water", color = [0, 0, 128] },
  { id = 2, name = "boat", color = [128, 0, 0] },
  { id = 7, name = "quay", color = [90, 90, 90], noun = "stone quay" },
]
"""
SOURCES = ("a", "müll/boot 2", "zz")


class PairFolder:
    """Writes rows and their pictures."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []

    def png(self, name: str, pixels) -> str:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file, "PNG")
        return name

    def row(self, **cells: str) -> None:
        self.rows.append(cells)

    def finish(self) -> Path:
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with (self.path / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, names, restval="")
            table.writeheader()
            table.writerows(self.rows)
        (self.path / "benchmark.toml").write_text(HEADER, encoding="utf-8")
        return self.path


def picture(number: int):
    generator = np.random.default_rng(number)
    return generator.integers(0, 200, (*SIZE, 3), dtype=np.uint8)


def source_label(shift: int = 0):
    label = np.zeros(SIZE, np.uint8)
    label[8:16, 8 + shift : 20 + shift] = 2
    label[20:] = 7
    label[0, :5] = IGNORE
    return label


def write_pairs(path: Path) -> PairFolder:
    """Return a folder of three sources with five kinds of edits, not finished yet.

    The second source's sketch has voided pixels in its label; the third's violet is rejected.
    """
    folder = PairFolder(path)
    for number, source in enumerate(SOURCES):
        image, label = picture(number), source_label()
        stem = f"bild-ä{number}"
        own = {
            "label": folder.png(f"l/{stem}.png", label),
            "mask": folder.png(f"m/{stem}.png", (label == 2).astype(np.uint8) * 255),
        }
        common = {"source": source, "object_class": "boat"}
        folder.row(image=folder.png(f"i/{stem}.png", image), **own, **common)
        violet = image.copy()
        violet[label == 2] += 50
        rejected = {"accepted": "false", "rejection": "unchanged"} if number == 2 else {}
        edit = {"attribute": "color", "value": "violet", "caption": "ignored"}
        folder.row(image=folder.png(f"i/{stem}-v.png", violet), **own, **common, **edit, **rejected)
        if number == 0:
            continue
        sketch = {"attribute": "style", "value": "sketch", "target_prompt": "lines, and lines"}
        voided = label.copy()
        voided[8:10, 8:20] = IGNORE
        if number == 1:
            sketch["label"] = folder.png(f"l/{stem}-s.png", voided)
        folder.row(image=folder.png(f"i/{stem}-s.png", image + 40), **common, **sketch)
        moved = {
            "label": folder.png(f"l/{stem}-p.png", source_label(6)),
            "mask": folder.png(f"m/{stem}-p.png", (source_label(6) == 2).astype(np.uint8)),
        }
        position = {"attribute": "position", "value": "right"}
        rolled = np.roll(image, 6, axis=1)
        folder.row(image=folder.png(f"i/{stem}-p.png", rolled), **moved, **common, **position)
    return folder


def imported(root: Path, *, name: str = "harbour") -> BenchmarkFolder:
    """Return the benchmark that `write_pairs` becomes, below `root`/benchmark_data."""
    pairs = root / "pairs"
    if not pairs.exists():
        write_pairs(pairs).finish()
    take(pairs, root / "benchmark_data" / name)
    return BenchmarkFolder(root / "benchmark_data" / name)


def take(pairs: Path, folder: Path):
    """Take a folder in; return the report."""
    return import_benchmark(read_origin(pairs), folder, threads=2, on_sample=lambda: None)
