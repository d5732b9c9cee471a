"""`harness evaluate --workers` on a real engine: the same counts, one fault, nothing left over."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from command_line import answer, assert_refused, harness
from fakes import write_tiny_benchmark
from model_images import build_model, counts_alone, manifest_of, stored_counts

from harness.evaluation.archive import read_predictions
from harness.evaluation.unfinished import UNFINISHED
from harness.evaluation.worker_plan import plan_workers
from harness.records.submission import ContainerLimits
from harness.sandbox.owner import RUN_LABEL
from harness.sandbox.walls import host_settings

pytestmark = pytest.mark.docker

SOURCES = 12
"""Three times as many samples."""
START_SECONDS = 60.0


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    root = tmp_path_factory.mktemp("workers")
    write_tiny_benchmark(root / "benchmark_data" / "tiny", sources=SOURCES)
    return root


@pytest.fixture(scope="module")
def image_digests(workspace):
    """The sha256 of each sample's image."""
    lines = (workspace / "benchmark_data" / "tiny" / "manifest.jsonl").read_text().splitlines()
    return [json.loads(line)["image_sha256"] for line in lines]


@pytest.fixture(scope="module")
def model(throwaway, base_image):
    """Builds an image of the model of this name."""

    def build(name, *words, **manifest):
        return build_model(throwaway, base_image, name, *words, **manifest)

    return build


def left_over(engine, runs):
    """Return the containers of these runs, running or not."""
    return [
        found["Id"]
        for run_id in runs
        for found in engine.api.containers(all=True, filters={"label": f"{RUN_LABEL}={run_id}"})
    ]


def test_three_workers_count_what_one_counts(engine, workspace, model, tmp_path):
    image = model("model-three", "0.3")

    run = answer(workspace, "evaluate", image, "--benchmark", "tiny", "--workers", "3")["run"]

    assert run["workers"] == 3
    assert run["outcome"]["status"] == "completed", run
    assert run["outcome"]["predictions"] == 3 * SOURCES
    alone = counts_alone(workspace, tmp_path, "model-three")
    assert stored_counts(workspace / "leaderboard" / "results.duckdb", run["run_id"]) == alone
    shares = re.findall(r"^answered (\d+)$", run["outcome"]["log"], re.MULTILINE)
    assert sum(map(int, shares)) == 3 * SOURCES
    assert run["outcome"]["log"].count("=== worker ") == len(shares)
    assert len(shares) >= 2  # on a crowded machine, one may start when nothing is left
    assert left_over(engine, [run["run_id"]]) == []


def test_one_of_three_workers_fails(engine, workspace, model, image_digests):
    image = model("model-falling", "0.1", image_digests[20])

    result = harness(workspace, "evaluate", image, "--benchmark", "tiny", "--workers", "3")

    assert_refused(result, 13, "model-falling failed (exited-early", "of 3)")
    assert "this one is too much" in result.stderr
    (folder,) = (
        run.parent
        for run in (workspace / "leaderboard" / "runs").glob("*/run.json")
        if "model-falling" in run.read_text()
    )
    record = json.loads((folder / "run.json").read_text())
    assert (record["outcome"]["exit_code"], record["workers"]) == (3, 3)
    assert (folder / "log.txt").read_text().endswith("this one is too much\n")
    assert left_over(engine, [record["run_id"]]) == []


def test_a_model_with_a_memory_is_not_shared(workspace, model):
    image = model("model-tracking", stateless=False)
    result = harness(workspace, "evaluate", image, "--benchmark", "tiny", "--workers", "2")
    assert_refused(result, 5, "stateless = false", "--workers 1")


def test_gpus_are_counted_before_anything_starts(workspace, model):
    image = model("model-gpu")
    result = harness(
        *(workspace, "evaluate", image, "--benchmark", "tiny"),
        *("--workers", "2", "--gpus", "2", "--gpu-ids", "0,1,2"),
    )
    assert_refused(result, 18, "3 GPUs are named and 4 are needed")


def test_each_container_asks_the_engine_for_gpus_of_its_own(engine, model):
    # What an engine with GPUs does with it is not tested here; that it is asked rightly is.
    image = model("model-asking")
    limits = ContainerLimits(gpus=2)
    plan = plan_workers(manifest_of("model-asking"), limits, workers=2)
    for number, gpu_ids in enumerate(plan.gpu_ids):
        walls = engine.api.create_host_config(**host_settings(limits, gpu_ids=gpu_ids))
        made = engine.api.create_container(image, host_config=walls)["Id"]
        try:
            (asked,) = engine.api.inspect_container(made)["HostConfig"]["DeviceRequests"]
        finally:
            engine.api.remove_container(made)
        assert asked["DeviceIDs"] == [str(2 * number), str(2 * number + 1)]
        assert (asked["Count"], asked["Capabilities"]) == (0, [["gpu"]])


def test_an_engine_without_gpus_says_so_once(engine, workspace, model):
    image = model("model-hopeful")
    result = harness(
        *(workspace, "evaluate", image, "--benchmark", "tiny"), *("--workers", "2", "--gpus", "1")
    )
    assert_refused(result, 7, "refuses to start a container")
    assert engine.api.containers(all=True, filters={"ancestor": image}) == []


def test_a_machine_that_is_too_small_is_said(workspace, model):
    image = model("model-big")
    result = harness(
        *(workspace, "evaluate", image, "--benchmark", "tiny"),
        *("--workers", "2", "--memory-mb", "1000000000"),
    )
    assert result.returncode == 0, result.stderr
    assert "warning: 2 containers of 1000000000 MiB may take 2000000000 MiB" in result.stderr


def running(engine, image):
    return [
        found["Id"]
        for found in engine.api.containers(filters={"ancestor": image, "status": "running"})
    ]


def predicted(workspace):
    """Return how many predictions the unfinished run has kept so far."""
    archives = (workspace / "leaderboard" / "runs" / UNFINISHED).glob("*.predictions")
    return sum(len(list(read_predictions(archive))) for archive in archives)


def test_ctrl_c_leaves_no_container_and_the_rest_is_done_later(engine, workspace, model, tmp_path):
    image = model("model-slow", "0.5")
    arguments = ("evaluate", image, "--benchmark", "tiny", "--workers", "3")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "--workspace", str(workspace), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    until = time.monotonic() + START_SECONDS
    while len(running(engine, image)) < 3 or predicted(workspace) < 3:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=START_SECONDS)

    assert process.returncode == 130, said
    assert "Traceback" not in said
    mine = {"ancestor": image}
    assert engine.api.containers(all=True, filters=mine) == []

    resumed = answer(workspace, *arguments)["run"]
    assert resumed["outcome"]["status"] == "completed"
    assert resumed["outcome"]["predictions"] == 3 * SOURCES
    assert [part["ending"] for part in resumed["parts"]] == ["stopped by the user", "completed"]
    alone = counts_alone(workspace, tmp_path, "model-slow")
    assert stored_counts(workspace / "leaderboard" / "results.duckdb", resumed["run_id"]) == alone
