"""A small source data set and an editor without an editor's difficulties."""

import os
import signal
from pathlib import Path

import numpy as np

from harness.benchmark.build import BuildRequest
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.dataset.recipe_check import KnownEditors
from harness.dataset.recipe_file import LoadedRecipe, load_recipe
from harness.editing.editor import EditJob, EditRequest, EditResult, EditSource
from harness.records.attributes import Attribute, Scope

VALUES = {
    Attribute.COLOR: ("violet", "blue"),
    Attribute.STYLE: ("sketch",),
    Attribute.POSITION: ("left", "right"),
}
KNOWN = KnownEditors(values=VALUES, algorithm=1, models=("tiny",), geometry_models=("tiny",))
RECIPE = """
name = "tiny"
title = "Tiny"
description = "A benchmark for tests."
license = "CC0-1.0"
citation = "Tests, 2026."
seed = 7
qualifying_miou = 0.1
[source]
adapter = "camvid"
split = "test"
label_space = "camvid"
description = "Ask the tests."
[selection]
classes = ["car", "bicyclist"]
min_object_fraction = 0.05
require_object = false
[editor]
algorithm = 1
[[edits]]
attribute = "color"
values = ["violet", "blue"]
[[edits]]
attribute = "style"
values = ["sketch"]
[[edits]]
attribute = "position"
values = ["left", "right"]
amount = 0.2
min_object_fraction = 0.2
"""
SIZE = (24, 32)
"""Height and width of the images."""


class FakeEditor:
    """Adds a number from the seed; moves an object by rolling the image; leaves blue unchanged."""

    device = None

    def __init__(self, _worker: int = 0) -> None:
        pass

    def edit_many(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        return tuple(self.edit(job.source, job.requests) for job in jobs)

    def edit(self, source: EditSource, requests: tuple[EditRequest, ...]) -> tuple[EditResult, ...]:
        return tuple(self._one(source, request) for request in requests)

    def _one(self, source: EditSource, request: EditRequest) -> EditResult:
        scope, image = request.edit.scope, source.image.copy()
        if request.edit.value == "blue":
            return EditResult(image=image, label=source.label, mask=source.mask)
        shift = np.uint8(40 + request.seed % 50)
        if scope is Scope.GLOBAL:
            return EditResult(image=image + shift, label=source.label, mask=source.mask)
        assert source.mask is not None
        if scope is Scope.LOCAL:
            image[source.mask] += shift
            return EditResult(image=image, label=source.label, mask=source.mask)
        step = -4 if request.edit.value == "left" else 4
        return EditResult(
            image=np.roll(image, step, axis=1),
            label=np.roll(source.label, step, axis=1),
            mask=np.roll(source.mask, step, axis=1),
            visible_fraction=1.0,
        )


class DyingEditor(FakeEditor):
    """Ends its process by a signal at every source whose first pixel is red."""

    def edit(self, source: EditSource, requests: tuple[EditRequest, ...]) -> tuple[EditResult, ...]:
        if tuple(source.image[0, 0]) == (255, 0, 0):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().edit(source, requests)


def write_source(root: Path, name: str, *, object_pixels: int, first_pixel=(10, 20, 30)) -> None:
    """Write an image of noise and a label: road, and one car of `object_pixels`, row by row."""
    height, width = SIZE
    generator = np.random.default_rng(sum(name.encode()))
    image = generator.integers(0, 120, (height, width, 3), dtype=np.uint8)
    image[0, 0] = first_pixel
    label = np.full((height, width), 3, np.uint8)
    label.reshape(-1)[width * 4 : width * 4 + object_pixels] = 8
    for folder, data in (("images", encode_rgb_png(image)), ("labels", encode_gray_png(label))):
        path = root / "test" / folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_sources(root: Path) -> None:
    """Write a source with a large car, one with a middling one, one with a speck, one without."""
    for name, pixels in (("a-large", 256), ("b-middling", 64), ("c-speck", 8), ("d-none", 0)):
        write_source(root, name, object_pixels=pixels)


def write_recipe(folder: Path, *, text: str = RECIPE) -> LoadedRecipe:
    """Write the recipe `tiny` and return it loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    return load_recipe("tiny", folder, known=KNOWN)


def build_request(tmp_path: Path, *, folder: str = "tiny", **changes) -> BuildRequest:
    """Return a request to build the four sources in this process."""
    source_root = tmp_path / "sources"
    if not source_root.exists():
        write_sources(source_root)
    defaults = {
        "loaded": write_recipe(tmp_path / "recipes"),
        "source_root": source_root,
        "folder": tmp_path / folder,
        "editor_factory": FakeEditor,
        "workers": 0,
    }
    return BuildRequest(**(defaults | changes))


def tree(folder: Path) -> dict[str, bytes]:
    """Return the content of every file of a benchmark, by relative path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and ".build" not in file.parts
    }
