"""The whole road on real containers: build, prove, evaluate, rank, render (issue 2, Shows)."""

import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import answer, harness

from harness.sandbox.owner import RUN_LABEL

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ("color-forest", "mini-unet", "mini-unet-augmented")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, base_image):
    """A workspace of its own with the repository's recipes, sources and submissions."""
    del base_image
    root = tmp_path_factory.mktemp("road")
    data = root / "benchmark_data"
    (data / "mini").mkdir(parents=True)
    (data / "recipes").symlink_to(ROOT / "benchmark_data" / "recipes")
    (data / "mini" / "sources").symlink_to(ROOT / "benchmark_data" / "mini" / "sources")
    (root / "submissions").symlink_to(ROOT / "submissions")
    return root


@pytest.fixture(scope="module")
def build(workspace):
    return answer(workspace, "build-benchmark", "mini")


@pytest.fixture(scope="module")
def evaluations(workspace, build):
    del build
    return {name: answer(workspace, "evaluate", name, "--benchmark", "mini") for name in BUNDLED}


@pytest.fixture(scope="module")
def board(workspace, evaluations):
    del evaluations
    return answer(workspace, "rank", "--benchmark", "mini")


def test_the_build_is_the_locked_one(build):
    assert build["lock"]["locked"]
    assert build["lock"]["findings"] == []
    assert build["lock"]["identical"] + build["lock"]["equivalent"] == build["counts"]["samples"]


def test_verify_says_identical_and_names_one_flipped_byte(workspace, build):
    del build
    report = answer(workspace, "verify", "mini")
    assert report["findings"] == []
    path = sorted((workspace / "benchmark_data" / "mini" / "images").iterdir())[77]
    kept = path.read_bytes()
    path.write_bytes(kept[:-100] + bytes([kept[-100] ^ 1]) + kept[-99:])
    try:
        result = harness(workspace, "verify", "mini")
        assert result.returncode == 3
        assert path.stem in result.stdout + result.stderr
    finally:
        path.write_bytes(kept)
    assert harness(workspace, "verify", "mini").returncode == 0


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_submission_passes_its_check(workspace, build, name):
    del build
    report = answer(workspace, "check", name)
    assert report["outcome"]["status"] == "completed"
    assert report["outcome"]["predictions"] == 3
    assert [f for f in report["findings"] if f["severity"] == "error"] == []


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_submission_completes(evaluations, build, name):
    run = evaluations[name]["run"]
    assert run["outcome"]["status"] == "completed"
    assert run["outcome"]["predictions"] == build["counts"]["samples"]
    assert run["limits"]["gpus"] == 0
    assert not evaluations[name]["reused"]


def test_the_same_key_is_not_run_twice(workspace, evaluations):
    again = answer(workspace, "evaluate", "mini-unet", "--benchmark", "mini")
    assert again["reused"]
    assert again["run"]["run_id"] == evaluations["mini-unet"]["run"]["run_id"]


def test_three_submissions_are_ranked_with_every_drop(board):
    assert {row["submission"]["name"] for row in board["ranked"]} == set(BUNDLED)
    assert sorted(row["rank"] for row in board["ranked"]) == [1, 2, 3]
    for row in board["ranked"]:
        assert len(row["attributes"]) == 7
        values = [value for attribute in row["attributes"] for value in attribute["values"]]
        assert len(values) == 27
        assert all(value["drop_pp"] is not None for value in values)
        assert all(value["drop_interval"]["low"] <= value["drop_pp"] for value in values)


def test_the_models_are_what_their_readmes_say(board):
    rows = {row["submission"]["name"]: row for row in board["ranked"]}
    qualifying = board["benchmark"]["qualifying_miou"]
    for name in ("mini-unet", "mini-unet-augmented"):
        assert rows[name]["clean_miou"] > 1.5 * qualifying
    assert rows["mini-unet-augmented"]["drop_pp"] < rows["mini-unet"]["drop_pp"]
    color = rows["color-forest"]["attributes"][0]
    assert color["attribute"] == "color"
    assert color["drop_pp"] > 0.1 * 100 * color["clean_miou"]  # a tenth of the little it has


def test_the_site_shows_every_submission_and_the_pairs(workspace, board):
    del board
    result = harness(workspace, "leaderboard", "--benchmark", "mini")
    assert result.returncode == 0, result.stderr
    index = Path(result.stdout.strip().splitlines()[-1])
    assert index.is_file()
    site = workspace / "leaderboard" / "site" / "mini"
    for name in BUNDLED:
        page = (site / "submissions" / f"{name}.html").read_text(encoding="utf-8")
        assert "violet" in page
    assert len(list((site / "pairs").glob("*.html"))) > 64
    assert list((workspace / "leaderboard" / "site").rglob("*.webp"))


def test_nothing_of_these_runs_is_left(evaluations):
    docker = shutil.which("docker")
    assert docker is not None
    listed = subprocess.run(
        [docker, "ps", "--all", "--format", f'{{{{.Label "{RUN_LABEL}"}}}}'],
        capture_output=True,
        text=True,
        check=True,
    )
    run_ids = {evaluation["run"]["run_id"] for evaluation in evaluations.values()}
    assert len(run_ids) == 3
    assert run_ids.isdisjoint(listed.stdout.split())
