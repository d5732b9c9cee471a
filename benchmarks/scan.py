"""Measures how fast a set of many sources is listed and scanned, and how much memory that takes.

Sources are the images of a few pictures under many names (hard links), in the VOC layout at VOC's
size, so that a hundred thousand need no disk to speak of. Beside it, as baseline, the plain loop
that reads each label and mask whole and looks for the object in one process. Each contender runs in
a process of its own, whose peak of resident memory is what is told.

Run from the repository's root: `python -m benchmarks.scan [--sources N]...`. It prints one JSON
object and leaves nothing behind.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import cv2
import numpy as np

from harness.benchmark.scan import Scanner, ScanPlan
from harness.benchmark.source_finding import find_build_sources
from harness.benchmark.watch import Unwatched
from harness.cli.recipe_editors import known_editors
from harness.dataset.recipe_file import LoadedRecipe, load_recipe
from harness.dataset.sources import list_sources
from harness.distribution.local import processors

RECIPES = Path(__file__).resolve().parents[1] / "benchmark_data" / "recipes"
HEIGHT, WIDTH = 375, 500
"""The size of most of VOC's images."""
PICTURES = 16
"""Different pictures; a quarter of them has an object that the recipe takes."""
_KIB = 1024


def write_tree(root: Path, sources: int) -> None:
    """Write a VOC tree of `sources` names of PICTURES pictures."""
    voc = root / "VOCdevkit" / "VOC2012"
    for folder in (
        "JPEGImages",
        "SegmentationClass",
        "SegmentationObject",
        "ImageSets/Segmentation",
    ):
        (voc / folder).mkdir(parents=True)
    generator = np.random.default_rng(7)
    names = [f"2012_{number:06}" for number in range(sources)]
    for number, name in enumerate(names):
        pairs = [
            ("JPEGImages", ".jpg"),
            ("SegmentationClass", ".png"),
            ("SegmentationObject", ".png"),
        ]
        for folder, suffix in pairs:
            file = voc / folder / f"{name}{suffix}"
            if number < PICTURES:
                file.write_bytes(_picture(folder, number, generator))
            else:
                os.link(voc / folder / f"{names[number % PICTURES]}{suffix}", file)
    listed = voc / "ImageSets" / "Segmentation" / "val.txt"
    listed.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _picture(folder: str, number: int, generator: np.random.Generator) -> bytes:
    if folder == "JPEGImages":
        coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        pixels = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        return cv2.imencode(".jpg", pixels)[1].tobytes()
    value = 7 if folder == "SegmentationClass" else 1
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    side = 180 if number % 4 == 0 else 40
    label[60 : 60 + side, 80 : 80 + side] = value
    return cv2.imencode(".png", label)[1].tobytes()


def _recipe() -> LoadedRecipe:
    return load_recipe("pascal-ea", RECIPES, known=known_editors())


def _harness(root: Path, workers: int) -> int:
    scan = find_build_sources(_recipe(), root, plan=ScanPlan(workers=workers), watch=Unwatched())
    return scan.report.taken


def _plain_loop(root: Path) -> int:
    """Return how many sources are taken, by the simplest program: one after another."""
    loaded = _recipe()
    listing = list_sources(loaded.recipe.source, root)
    scanner = Scanner(recipe=loaded.recipe, label_space=loaded.label_space)
    taken = 0
    for file in listing.files:
        file.load(loaded.label_space)
        taken += scanner.look(file).object_class is not None
    return taken


@click.command()
@click.option("--sources", "counts", multiple=True, type=int, default=(1000, 10_000, 100_000))
@click.option("--contender", hidden=True)
@click.option("--root", hidden=True, type=click.Path(path_type=Path))
def main(counts: tuple[int, ...], contender: str | None, root: Path | None) -> None:
    """Print seconds, images a second and peak memory by number of sources."""
    if contender is not None and root is not None:
        _run(contender, root)
        return
    figures: dict[str, object] = {"processors": processors()}
    for count in counts:
        with tempfile.TemporaryDirectory() as scratch:
            write_tree(Path(scratch), count)
            contenders = ["list", f"scan-{processors()}"]
            if count <= min(counts):
                contenders += ["scan-1", "plain"]
            for name in contenders:
                figures[f"{count} images, {name}"] = _measured(name, Path(scratch), count)
    click.echo(json.dumps(figures, indent=2))


def _measured(name: str, root: Path, count: int) -> dict[str, float]:
    arguments = ["--contender", name, "--root", str(root)]
    command = [sys.executable, "-m", "benchmarks.scan", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: dict[str, float] = json.loads(done.stdout)
    return {**said, "images_a_second": round(count / said["seconds"], 1)}


def _run(contender: str, root: Path) -> None:
    started = time.monotonic()
    if contender == "list":
        found = len(list_sources(_recipe().recipe.source, root).files)
    elif contender == "plain":
        found = _plain_loop(root)
    else:
        found = _harness(root, int(contender.removeprefix("scan-")))
    seconds = time.monotonic() - started
    peaks = [resource.getrusage(who).ru_maxrss for who in _WHO]
    said = {"seconds": round(seconds, 2), "found": found}
    said |= {"peak_mib": round(peaks[0] / _KIB), "largest_worker_mib": round(peaks[1] / _KIB)}
    click.echo(json.dumps(said))


_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


if __name__ == "__main__":
    main()
