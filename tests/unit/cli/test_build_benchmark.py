"""The command on small real sources with the real editor."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.dataset.image_io import encode_gray_png, encode_rgb_png

RECIPE = """
name = "tiny"
title = "Tiny"
description = "A benchmark for tests."
license = "CC0-1.0"
seed = 7
qualifying_miou = 0.1
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
algorithm = 1
[[edits]]
attribute = "color"
values = ["violet"]
[[edits]]
attribute = "weather"
values = ["foggy"]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "benchmark_data" / "recipes").mkdir(parents=True)
    (tmp_path / "benchmark_data" / "recipes" / "tiny.toml").write_text(RECIPE)
    write_sources(tmp_path / "camvid", names=("a", "b"))
    return tmp_path


def write_sources(root: Path, *, names) -> None:
    for folder in ("images", "labels"):
        (root / "test" / folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        generator = np.random.default_rng(len(name))
        image = generator.integers(40, 200, (48, 64, 3), dtype=np.uint8)
        label = np.full((48, 64), 3, np.uint8)
        label[20:40, 20:50] = 8
        (root / "test" / "images" / f"{name}.png").write_bytes(encode_rgb_png(image))
        (root / "test" / "labels" / f"{name}.png").write_bytes(encode_gray_png(label))


def command(workspace: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "harness", "--workspace", str(workspace), *arguments]


def harness(workspace: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(workspace, *arguments), capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def build(workspace: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    source = ("--source", str(workspace / "camvid"))
    return harness(
        workspace, "build-benchmark", "tiny", *source, "--workers", "0", *arguments, code=code
    )


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("harness: error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_build_lock_verify_and_the_flipped_byte(workspace):
    report = json.loads(build(workspace, "--write-lock", "--format", "json").stdout)
    assert report["counts"]["samples"] == 6
    assert report["lock"] is None
    assert (workspace / "benchmark_data/recipes/tiny.lock.json").is_file()

    again = build(workspace).stdout
    assert "against the lock: 6 identical" in again
    assert "2 were finished before" in again
    assert "violet" in again
    listed = build(workspace, "--format", "csv").stdout.splitlines()
    assert listed[:2] == ["attribute,value,accepted,rejected,not made", "color,violet,2,,"]

    assert (
        "6 samples, all identical (against the lock)" in harness(workspace, "verify", "tiny").stdout
    )

    image = sorted((workspace / "benchmark_data/tiny/images").iterdir())[0]
    data = bytearray(image.read_bytes())
    data[200] ^= 1
    image.write_bytes(data)
    done = harness(workspace, "verify", "tiny", code=3)
    assert image.stem in error_line(done)
    assert image.stem in done.stdout
    found = json.loads(harness(workspace, "verify", "tiny", "--format", "json", code=3).stdout)
    assert [f["subject"] for f in found["findings"]] == [image.stem]
    assert found["ok"] is False
    listed = harness(workspace, "verify", "tiny", "--format", "csv", code=3).stdout
    assert listed.splitlines()[0] == "subject,verdict,detail"

    build(workspace)
    harness(workspace, "verify", "tiny")


def test_a_build_that_is_not_the_locked_one_exits_3_and_keeps_its_files(workspace):
    build(workspace, "--write-lock")
    refused = build(workspace, "--write-lock", code=15)
    assert "--replace-lock" in error_line(refused)

    write_sources(workspace / "camvid", names=("cc",))
    done = build(workspace, code=3)
    assert "tiny is not the locked one: 3 findings" in error_line(done)
    assert "harness verify tiny" in error_line(done)
    assert (workspace / "benchmark_data/tiny/benchmark.json").is_file()

    build(workspace, "--replace-lock")
    assert "against the lock: 9 identical" in build(workspace).stdout


@pytest.mark.parametrize(
    ("old", "new", "words", "code"),
    [
        ("seed = 7", "sead = 7", "line 6: unknown key 'sead'", 4),
        ('"violet"', '"mauve"', "color has no value 'mauve'", 4),
        ('"color"', '"colour"', "'colour' is not allowed", 4),
        ("algorithm = 1", "algorithm = 99", "line 18: this harness paints with algorithm 1", 4),
        ('"car"', '"cat"', "camvid has no class 'cat'", 4),
        ('split = "test"', 'split = "val"', "no folder", 12),
    ],
)
def test_bad_input_is_one_line_with_a_code(workspace, old, new, words, code):
    recipe = workspace / "benchmark_data/recipes/tiny.toml"
    recipe.write_text(RECIPE.replace(old, new))
    assert words in error_line(build(workspace, code=code))
    assert not (workspace / "benchmark_data/tiny").exists()


def test_a_refused_recipe_leaves_what_is_built(workspace):
    build(workspace)
    recipe = workspace / "benchmark_data/recipes/tiny.toml"
    recipe.write_text(RECIPE.replace("algorithm = 1", "algorithm = 99"))
    build(workspace, code=4)
    recipe.write_text(RECIPE)
    harness(workspace, "verify", "tiny")


def test_csv_is_one_row_a_value(workspace):
    done = build(workspace, "--format", "csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["attribute", "value", "accepted", "rejected", "not made"],
        ["color", "violet", "2", "", ""],
        ["weather", "foggy", "2", "", ""],
    ]


def test_verify_says_what_mends_each_finding(workspace):
    build(workspace, "--write-lock")
    extra = workspace / "benchmark_data/tiny/answers.md"
    extra.write_text("x")
    assert error_line(harness(workspace, "verify", "tiny", code=3)).endswith("Remove answers.md.")
    extra.unlink()
    recipe = workspace / "benchmark_data/recipes/tiny.toml"
    recipe.write_text(RECIPE.replace("seed = 7", "seed = 8"))
    assert "Undo the change of the recipe" in error_line(
        harness(workspace, "verify", "tiny", code=3)
    )
    recipe.write_text(RECIPE)
    harness(workspace, "verify", "tiny")


def test_an_unknown_recipe_and_a_missing_source(workspace):
    done = harness(workspace, "build-benchmark", "big", code=4)
    assert error_line(done).endswith("Known recipes: tiny.")
    done = harness(workspace, "build-benchmark", "tiny", code=12)
    assert "--source. Ask the tests." in error_line(done)


def test_nothing_built_and_another_benchmarks_lock(workspace):
    done = harness(workspace, "verify", "tiny", code=15)
    assert "Run `harness build-benchmark tiny`" in error_line(done)
    build(workspace, "--write-lock")
    lock = workspace / "benchmark_data/recipes/tiny.lock.json"
    lock.write_text(lock.read_text().replace('"tiny"', '"other"'))
    assert "the lock is of 'other'" in error_line(harness(workspace, "verify", "tiny", code=15))
    done = harness(workspace, "verify", "tiny", "--lock", str(workspace / "none"), code=15)
    assert "there is no lock" in error_line(done)


def test_interrupted_is_quiet_and_continues(workspace):
    write_sources(workspace / "camvid", names=[f"n{i:03}" for i in range(400)])
    arguments = command(workspace, "build-benchmark", "tiny", "--workers", "2")
    process = subprocess.Popen(
        [*arguments, "--source", str(workspace / "camvid")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    units = workspace / "benchmark_data/tiny/.build/units"
    while process.poll() is None and not (units.is_dir() and len(list(units.iterdir())) > 3):
        pass
    os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C does: to every process
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == "harness: interrupted; what was finished is kept"
    assert not (workspace / "benchmark_data/tiny/benchmark.json").exists()

    report = json.loads(build(workspace, "--format", "json").stdout)
    assert report["counts"]["kept_sources"] > 3
    assert report["counts"]["sources"] == 402
