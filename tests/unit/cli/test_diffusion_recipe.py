"""A recipe of the diffusion editor, built with small random weights: the whole road, for real."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.benchmark.build import BuildRequest, build_benchmark, find_sources, write_lock
from harness.cli.diffusion_place import DiffusionOptions
from harness.cli.recipe_editors import plan_build
from harness.cli.workspace import Workspace
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.records.attributes import Scope

RECIPE = """
name = "random"
title = "Random"
description = "Pictures that mean nothing."
license = "CC0-1.0"
publish_images = false
seed = 7
qualifying_miou = 1.0
[source]
adapter = "camvid"
split = "test"
label_space = "camvid"
description = "Ask the tests."
[selection]
classes = ["car"]
min_object_fraction = 0.05
require_object = false
[editor]
kind = "diffusion"
model = "tiny"
geometry_model = "tiny"
steps = 2
sources_per_batch = 2
[editor.mask_guidance]
steps = 1
max_tries = 1
[[edits]]
attribute = "color"
values = ["mauve"]
[[edits]]
attribute = "weather"
values = ["snowy"]
[[edits]]
attribute = "size"
values = ["larger"]
amount = 0.25
[lock]
min_signature_psnr = 30
min_object_psnr = 30
"""
EDITS = 3 * 2 + 1
"""Two sources have a car and get three edits; the third has none and gets the weather."""


def write_source(root: Path, name: str, *, car: bool) -> None:
    generator = np.random.default_rng(len(name))
    image = generator.integers(40, 200, (64, 96, 3), dtype=np.uint8)
    label = np.full((64, 96), 3, np.uint8)
    if car:
        label[20:48, 20:60] = 8
    for folder, data in (("images", encode_rgb_png(image)), ("labels", encode_gray_png(label))):
        (root / "test" / folder).mkdir(parents=True, exist_ok=True)
        (root / "test" / folder / f"{name}.png").write_bytes(data)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    root = tmp_path_factory.mktemp("diffusion")
    (root / "benchmark_data" / "recipes").mkdir(parents=True)
    (root / "benchmark_data" / "recipes" / "random.toml").write_text(RECIPE)
    for name, car in (("a", True), ("bb", True), ("ccc", False)):
        write_source(root / "sources", name, car=car)
    return Workspace(root=root)


def request(workspace: Workspace, folder: str, **changes) -> BuildRequest:
    """Return a request to build in this process, on the CPU."""
    plan = plan_build(workspace, "random", workers=0, options=DiffusionOptions(device=("cpu",)))
    plain = BuildRequest(
        loaded=plan.loaded,
        source_root=workspace.root / "sources",
        folder=workspace.root / folder,
        editor_factory=plan.editor_factory,
        workers=plan.workers,
        threads=plan.threads,
    )
    return replace(plain, **changes)


def build(asked: BuildRequest, on_unit=lambda _: None):
    return build_benchmark(asked, find_sources(asked), on_unit=on_unit)


@pytest.fixture(scope="module")
def whole(workspace):
    """Return a finished build: its request and its report."""
    asked = request(workspace, "whole")
    return asked, build(asked)


def test_every_edit_is_made_and_keeps_what_it_must(whole):
    asked, report = whole
    folder = BenchmarkFolder(asked.folder)
    samples = folder.samples()
    sources = {s.id: s for s in samples if s.edit is None}
    assert len(samples) == 3 + EDITS == report.counts.samples
    for sample in samples:
        if sample.edit is not None and sample.edit.scope is Scope.LOCAL:
            mask = folder.mask(sample)
            before, after = (folder.image(i) for i in (sample.source_id, sample.id))
            assert np.array_equal(before[~mask], after[~mask])
            assert sample.label_pixel_sha256 == sources[sample.source_id].label_pixel_sha256


def test_the_header_records_what_the_networks_ran_on(whole):
    asked, _ = whole
    device = BenchmarkFolder(asked.folder).header().environment.device
    assert (device.device, device.precision.value, device.compiled) == ("cpu", "float32", False)
    assert device.torch.startswith("2.")
    assert device.diffusers
    assert device.transformers
    assert device.weights == {}


def test_passes_are_counted(whole):
    _, report = whole
    passes = report.cost.passes
    # Two steps: an inversion a source, two branches an edit and step; geometry has its own.
    assert passes.inversion >= 2 * 3
    assert passes.sampling >= 2 * 2 * (EDITS - 2)
    assert report.cost.edits == EDITS
    assert report.cost.seconds_per_edit > 0


@pytest.mark.parametrize("stop", [1, 3])
def test_a_killed_build_continues_and_ends_with_the_same_pixels(workspace, whole, stop):
    seen = []

    def killed(unit):
        seen.append(unit)
        if len(seen) == stop:
            raise KeyboardInterrupt

    asked = request(workspace, f"killed-{stop}")
    with pytest.raises(KeyboardInterrupt):
        build(asked, killed)
    units = sorted((asked.folder / ".build" / "units").iterdir())
    units[0].unlink()  # as if it had been killed in the middle of a batch
    report = build(asked)
    assert report.counts.kept_sources == len(units) - 1
    assert report.digest == whole[1].digest


def test_a_finished_build_meets_its_lock(whole):
    asked, _ = whole
    write_lock(asked)
    try:
        lock = build(asked).lock
    finally:
        asked.loaded.lock_path.unlink()
    assert (lock.identical, lock.equivalent, lock.findings) == (3 + EDITS, 0, ())


def test_the_command_builds_with_a_worker_says_what_it_cost_and_that_it_means_nothing(
    workspace, whole
):
    sources = str(workspace.root / "sources")
    arguments = ["build-benchmark", "random", "--source", sources, "--device", "cpu"]
    command = [sys.executable, "-m", "harness", "--workspace", str(workspace.root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "UNet passes and" in done.stdout
    assert f"s an edit, over {EDITS} edits" in done.stdout
    assert "MEAN NOTHING" in done.stderr

    again = subprocess.run(
        [*command, "--format", "json"], capture_output=True, text=True, check=False
    )
    report = json.loads(again.stdout)
    assert report["counts"]["kept_sources"] == 3
    assert report["cost"]["edits"] == EDITS
    assert report["digest"] == whole[1].digest
