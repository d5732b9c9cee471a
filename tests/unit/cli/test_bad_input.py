"""Every bad input ends in one line with a remedy and its documented exit code (issue 2)."""

import os
import subprocess
from pathlib import Path

import command_line
import duckdb
import numpy as np
import pytest
from command_line import assert_refused
from fakes import write_tiny_benchmark

from harness.benchmark.unit import SCRATCH, STATE, UNITS
from harness.dataset.image_io import decode_label, decode_rgb, encode_gray_png, encode_rgb_png
from harness.store.database import ResultsStore
from harness.store.schema import newest_version

ROOT = Path(__file__).resolve().parents[3]
RECIPE = (ROOT / "benchmark_data" / "recipes" / "camvid.toml").read_text(encoding="utf-8")
NO_ENGINE = "unix:///nonexistent/docker.sock"
RECIPE = RECIPE.replace('name = "camvid"', 'name = "mine"', 1)


def harness(workspace, *arguments):
    return command_line.harness(workspace, *arguments, DOCKER_HOST=NO_ENGINE)


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "benchmark_data" / "recipes").mkdir(parents=True)
    return tmp_path


def write_recipe(workspace, text):
    (workspace / "benchmark_data" / "recipes" / "mine.toml").write_text(text, encoding="utf-8")


def test_an_unknown_recipe_lists_the_known_ones(workspace):
    write_recipe(workspace, RECIPE)
    assert_refused(harness(workspace, "build-benchmark", "minni"), 4, "minni", "mine")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed =", "sead =", "sead"),
        ('attribute = "color"', 'attribute = "colour"', "colour"),
        ('"violet"', '"ultraviolet"', "ultraviolet"),
        ("[source]", "[source", "mine.toml"),
    ],
)
def test_a_recipe_with_a_fault_names_it(workspace, old, new, words):
    assert old in RECIPE
    write_recipe(workspace, RECIPE.replace(old, new, 1))
    assert_refused(harness(workspace, "build-benchmark", "mine", "--source", "."), 4, words)


def test_a_missing_source_says_where_it_is_to_be_had(workspace):
    write_recipe(workspace, RECIPE)
    result = harness(workspace, "build-benchmark", "mine", "--source", str(workspace / "none"))
    assert_refused(result, 12, "CamVid")


@pytest.mark.parametrize("command", ["evaluate", "check"])
def test_a_benchmark_that_is_not_built_says_how_to_build_it(workspace, command):
    result = harness(workspace, command, "model", "--benchmark", "mini")
    assert_refused(result, 15, "mini", "harness build-benchmark")


def test_an_engine_that_is_down_is_said_at_once(workspace):
    write_tiny_benchmark(workspace / "benchmark_data" / "tiny")
    (workspace / "submissions" / "model").mkdir(parents=True)
    result = harness(workspace, "evaluate", "model", "--benchmark", "tiny")
    assert_refused(result, 7, "/nonexistent/docker.sock")


def test_no_database_says_what_fills_one(workspace):
    assert_refused(harness(workspace, "rank", "--benchmark", "mini"), 10, "harness evaluate")


def test_another_programs_file_is_no_database(workspace):
    (workspace / "leaderboard").mkdir()
    (workspace / "leaderboard" / "results.duckdb").write_bytes(b"not a database" * 500)
    assert_refused(harness(workspace, "rank"), 10, "results.duckdb")


def test_a_database_of_a_newer_schema_names_both_versions(workspace):
    path = workspace / "leaderboard" / "results.duckdb"
    with ResultsStore.open(path):
        pass
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO harness_schema VALUES (999, 'of the future')")
    assert_refused(harness(workspace, "rank"), 10, "999", str(newest_version()))


def test_a_wrong_option_is_wrong_usage(workspace):
    result = harness(workspace, "rank", "--format", "xml")
    assert result.returncode == 2
    assert "xml" in result.stderr


def _mounted(folder, options):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        check=True,
    )


def _unmounted(folder):
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def full_disk(tmp_path):
    folder = tmp_path / "full"
    folder.mkdir()
    _mounted(folder, "size=256k")
    yield folder
    _unmounted(folder)


@pytest.fixture
def read_only(tmp_path):
    folder = tmp_path / "read-only"
    (folder / "benchmark_data" / "recipes").mkdir(parents=True)
    write_recipe(folder, RECIPE)
    if os.geteuid() != 0:
        (folder / "benchmark_data").chmod(0o555)
        yield folder
        (folder / "benchmark_data").chmod(0o755)
        return
    subprocess.run(["mount", "--bind", "-o", "ro", str(folder), str(folder)], check=True)
    yield folder
    _unmounted(folder)


def test_a_full_disk_is_said_and_nothing_half_written_is_left(full_disk, camvid_like):
    (full_disk / "benchmark_data" / "recipes").mkdir(parents=True)
    write_recipe(full_disk, RECIPE)
    result = harness(full_disk, "build-benchmark", "mine", "--source", str(camvid_like))
    assert_refused(result, 8, "full")
    built = full_disk / "benchmark_data" / "mine"
    images = list((built / "images").iterdir())
    assert images, "the disk was full before anything was written: nothing is proved"
    for image in images:
        assert decode_rgb(image.read_bytes(), name=image.name).shape == (240, 320, 3)
    for label in (built / "labels").iterdir():
        assert decode_label(label.read_bytes(), name=label.name).shape == (240, 320)
    assert {path.name for path in built.iterdir()} == {"images", "labels", "masks", STATE}
    assert not list((built / STATE / SCRATCH).iterdir())
    assert not list((built / STATE / UNITS).iterdir())


def test_a_read_only_folder_is_said(read_only, camvid_like):
    result = harness(read_only, "build-benchmark", "mine", "--source", str(camvid_like))
    assert_refused(result, 9, "read-only")


@pytest.fixture
def camvid_like(tmp_path):
    """Two noise images in CamVid's layout: enough pixels to fill a small disk."""
    generator = np.random.default_rng(1)
    for name in ("images", "labels"):
        (tmp_path / "source" / "test" / name).mkdir(parents=True)
    for stem in ("a", "b"):
        image = generator.integers(0, 256, (240, 320, 3)).astype(np.uint8)
        label = np.full((240, 320), 3, np.uint8)
        label[60:200, 80:240] = 8
        folder = tmp_path / "source" / "test"
        (folder / "images" / f"{stem}.png").write_bytes(encode_rgb_png(image))
        (folder / "labels" / f"{stem}.png").write_bytes(encode_gray_png(label))
    return tmp_path / "source"
