"""Ctrl-C once and twice, two runs at once, a full disk: what stays, and what the user is told."""

import os
import re
import signal
import subprocess

import pytest
from fakes import write_tiny_benchmark
from killing import Evaluation, all_counts, files_left, kept, stored_runs
from model_images import build_model

from harness.evaluation.archive import PREDICTIONS_NAME, read_predictions
from harness.records.run import RunStatus
from harness.sandbox.owner import RUN_LABEL

pytestmark = pytest.mark.docker

SOURCES, SAMPLES = 60, 180
FULL_MIB = 24


@pytest.fixture(scope="module")
def image(throwaway, base_image):
    return build_model(throwaway, base_image, "model-stopped", "0.02")


@pytest.fixture(scope="module")
def expected(image, tmp_path_factory):
    """The counts of a run that nothing disturbs."""
    workspace = tmp_path_factory.mktemp("calm")
    write_tiny_benchmark(workspace / "benchmark_data" / "tiny", sources=SOURCES)
    evaluation = Evaluation(workspace, image)
    assert evaluation.end() == 0, evaluation.said()
    evaluation.close()
    (run,) = stored_runs(workspace)
    return all_counts(workspace, run.run_id)


@pytest.fixture
def workspace(tmp_path):
    write_tiny_benchmark(tmp_path / "benchmark_data" / "tiny", sources=SOURCES)
    return tmp_path


@pytest.fixture
def evaluate(workspace, image):
    """Starts the same evaluation, as often as it is called; ends all of them afterwards."""
    started = []

    def start(*options):
        started.append(Evaluation(workspace, image, *options))
        return started[-1]

    yield start
    for evaluation in started:
        evaluation.close()


def containers(engine, image):
    found = engine.api.containers(all=True, filters={"ancestor": image, "label": RUN_LABEL})
    return [container["Id"] for container in found]


def assert_goes_on(workspace, evaluate, expected, *, ending):
    rest = evaluate()
    assert rest.end() == 0, rest.said()
    assert re.search(r"resuming run \w+: \d+ of 180 images", rest.said())
    (run,) = stored_runs(workspace)
    assert run.outcome.status is RunStatus.COMPLETED
    assert run.parts[0].ending.startswith(ending)
    assert sum(part.predictions for part in run.parts) == SAMPLES
    assert all_counts(workspace, run.run_id) == expected
    assert files_left(workspace) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_cleanly(engine, image, workspace, evaluate, expected, number):
    evaluation = evaluate()
    assert evaluation.wait_until(20, 0.0)
    evaluation.interrupt(number)

    assert evaluation.end() == 130
    said = evaluation.said()
    stopped = re.search(r"^harness: stopped; (\d+) of 180 images are kept\. Run ", said, re.M)
    assert stopped, said
    assert int(stopped.group(1)) == kept(workspace) >= 20
    assert "Traceback" not in said
    assert containers(engine, image) == []
    assert stored_runs(workspace)[0].outcome.status is RunStatus.HARNESS_FAILED
    assert_goes_on(workspace, evaluate, expected, ending="stopped by the user")


def test_two_signals_end_at_once_and_the_next_start_cleans_up(
    engine, image, workspace, evaluate, expected
):
    evaluation = evaluate()
    assert evaluation.wait_until(20, 0.0)
    for held in containers(engine, image):
        engine.api.pause(held)  # so that the first one can't end before the second one comes
    evaluation.interrupt()
    evaluation.wait_until(20, 0.05)
    evaluation.interrupt()

    assert evaluation.end() == 130
    assert kept(workspace) >= 20
    assert_goes_on(workspace, evaluate, expected, ending="")
    assert containers(engine, image) == []


def test_the_same_run_twice_at_once_names_the_other(workspace, evaluate):
    first = evaluate()
    assert first.wait_until(1, 0.0)
    first.process.send_signal(signal.SIGSTOP)  # or a busy machine would let it finish first
    second = evaluate()

    assert second.end() == 11
    first.process.send_signal(signal.SIGCONT)
    assert f"process {first.process.pid} on " in second.said()
    assert first.end() == 0, first.said()
    (run,) = stored_runs(workspace)
    assert run.parts == ()
    kept_ones = dict(
        read_predictions(workspace / "leaderboard/runs" / run.run_id / PREDICTIONS_NAME)
    )
    assert len(kept_ones) == SAMPLES


@pytest.fixture
def small_disk(workspace):
    """A disk of few megabytes where the results go."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    board = workspace / "leaderboard"
    board.mkdir()
    options = f"size={FULL_MIB}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", board], check=True)
    yield board
    subprocess.run(["umount", "--lazy", board], check=True)


@pytest.mark.parametrize("predictions", [0, 60])
def test_a_full_disk_is_said_and_loses_nothing(
    workspace, evaluate, expected, small_disk, predictions
):
    evaluation = evaluate()
    if predictions:
        assert evaluation.wait_until(predictions, 0.0)
    filler = small_disk / "filler"
    if predictions:
        fill(filler)
    else:
        with filler.open("wb") as stream:
            stream.write(bytes((FULL_MIB - 1) * 2**20))

    assert evaluation.end() == 8, evaluation.said()
    said = evaluation.said()
    errors = [line for line in said.splitlines() if line.startswith("harness: error: ")]
    assert len(errors) == 1, said
    assert "the disk is full, writing" in errors[0]
    assert str(small_disk) in errors[0]
    assert "Free some space" in errors[0]
    before = kept(workspace)
    assert before >= predictions

    filler.unlink()
    rest = evaluate()
    assert rest.end() == 0, rest.said()
    (run,) = [r for r in stored_runs(workspace) if r.outcome.status is RunStatus.COMPLETED]
    assert all_counts(workspace, run.run_id) == expected
    if predictions:
        assert f"{before} of 180 images were predicted before" in rest.said()
    assert files_left(workspace) == []


def fill(path):
    """Take all the room that there is."""
    with path.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            return
