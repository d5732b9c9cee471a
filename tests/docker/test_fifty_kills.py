"""Fifty kills at random moments, of everything that can be killed, and the scores are the same."""

import os
import random
import shutil
import signal
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker
import docker.errors
import pytest
from fakes import write_tiny_benchmark
from killing import Evaluation, all_counts, files_left, stored_runs
from model_images import build_model
from private_engine import PrivateEngine
from throwaway_images import ThrowawayImages

from harness.records.run import RunStatus
from harness.sandbox.owner import RUN_LABEL

pytestmark = [
    pytest.mark.docker,
    # The SDK does not close the socket of a connection that was refused, as while an engine starts.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

KILLS = 50
SOURCES, SAMPLES = 100, 300
WORKERS = (1, 2, 3)
SECONDS_AN_IMAGE = "0.003"
SEED = 5
VICTIMS = {"harness": 27, "container": 9, "engine": 5, "Ctrl-C": 4, "SIGTERM": 2, "process": 3}
"""How often each is killed; the process of a container once in a run, or it would be blamed."""
CODES = {
    "harness": {0, -signal.SIGKILL},
    "container": {0, 14},
    "engine": {0, 7, 14},
    "Ctrl-C": {0, 130},
    "SIGTERM": {0, 130},
    "process": {0, 14},
}
"""The exit codes of a harness after each; 0 where it had just finished."""


@pytest.fixture(scope="module")
def private_engine():
    engine = PrivateEngine()
    try:
        engine.start()
        yield engine
    finally:
        engine.remove()


@pytest.fixture(scope="module")
def image(private_engine, base_image):
    private_engine.load(base_image.reference)
    with closing(private_engine.client()) as client:
        images = ThrowawayImages(client)
        yield build_model(images, base_image, "model-killed", SECONDS_AN_IMAGE)


@pytest.fixture
def workspace(tmp_path):
    write_tiny_benchmark(tmp_path / "benchmark_data" / "tiny", sources=SOURCES)
    return tmp_path


@dataclass(kw_only=True)
class Killer:
    """Starts the same command again and again, and kills something each time."""

    workspace: Path
    image: str
    engine: PrivateEngine
    chance: random.Random
    killed: Counter = field(default_factory=Counter)
    codes: list = field(default_factory=list)
    resumed: int = 0

    def __post_init__(self) -> None:
        self._to_come = [name for name, times in VICTIMS.items() for _ in range(times)]
        self.chance.shuffle(self._to_come)

    def complete_a_run(self) -> None:
        """Kill and start again until one more run is stored, whether its harness saw it or not."""
        before = len(stored_completed(self.workspace))
        options = ["--again"] if before else []
        spared = False  # whether the process of a container has been killed in this run
        while True:
            victim = self._next(spared=spared)
            evaluation = Evaluation(
                self.workspace,
                self.image,
                *("--workers", str(self.chance.choice(WORKERS)), *options),
                engine=self.engine.address,
            )
            try:
                struck = victim is not None and self._strike(evaluation, victim)
                code = evaluation.end()
                said = evaluation.said()
            finally:
                evaluation.close()
            assert "Traceback" not in said, said
            self.resumed += "resuming run" in said
            if struck:
                self.killed[victim] += 1
                self._to_come.remove(victim)
                spared |= victim == "process"
                assert code in CODES[victim], (victim, code, said)
                self.codes.append((victim, code))
            else:
                assert code == 0, (victim, code, said)
            completed = len(stored_completed(self.workspace)) - before
            assert completed == 1 if code == 0 else completed in (0, 1)
            if completed:
                return

    def _next(self, *, spared: bool) -> str | None:
        return next((v for v in self._to_come if not (spared and v == "process")), None)

    def _strike(self, evaluation: Evaluation, victim: str) -> bool:
        """Return whether something was killed, at a moment drawn by chance."""
        moment = self.chance.random()
        if moment < 0.25:  # before anything is predicted
            running = evaluation.wait_until(0, self.chance.uniform(0.0, 2.5))
        elif moment < 0.75:  # in the middle
            running = evaluation.wait_until(self.chance.randint(1, SAMPLES), 0.0)
        else:  # while it ends and is stored
            running = evaluation.wait_until(SAMPLES, self.chance.uniform(0.0, 0.6))
        return running and self._kill(evaluation, victim)

    def _kill(self, evaluation: Evaluation, victim: str) -> bool:
        match victim:
            case "harness":
                evaluation.interrupt(signal.SIGKILL)
            case "Ctrl-C":
                evaluation.interrupt(signal.SIGINT)
            case "SIGTERM":
                evaluation.interrupt(signal.SIGTERM)
            case "engine":
                self.engine.kill()
                self.engine.start()
            case _:
                return self._kill_container(through_engine=victim == "container")
        return True

    def _kill_container(self, *, through_engine: bool) -> bool:
        """Return whether there was a container to kill."""
        with closing(self.engine.client()) as client:
            for found in client.api.containers(filters={"label": RUN_LABEL}):
                with suppress(docker.errors.APIError, ProcessLookupError):
                    if through_engine:
                        client.api.kill(found["Id"])
                    else:
                        pid = client.api.inspect_container(found["Id"])["State"]["Pid"]
                        if not pid:
                            return False
                        os.kill(pid, signal.SIGKILL)
                    return True
        return False


def stored_completed(workspace: Path) -> list:
    if not (workspace / "leaderboard" / "results.duckdb").exists():
        return []
    return [r for r in stored_runs(workspace) if r.outcome.status is RunStatus.COMPLETED]


def test_fifty_kills_change_no_score(private_engine, image, workspace, tmp_path_factory):
    calm = tmp_path_factory.mktemp("calm")
    shutil.copytree(workspace / "benchmark_data", calm / "benchmark_data")
    undisturbed = Evaluation(calm, image, engine=private_engine.address)
    assert undisturbed.end() == 0, undisturbed.said()
    undisturbed.close()
    (alone,) = stored_runs(calm)
    expected = all_counts(calm, alone.run_id)
    assert len(expected[0]) > SAMPLES

    chance = random.Random(SEED)  # noqa: S311 - no secret
    killer = Killer(workspace=workspace, image=image, engine=private_engine, chance=chance)
    rounds = 0
    while killer.killed.total() < KILLS or not rounds:
        killer.complete_a_run()
        rounds += 1
    last = Evaluation(workspace, image, engine=private_engine.address)  # mends what is to be mended
    assert last.end() == 0, last.said()
    last.close()

    records = stored_runs(workspace)
    assert len(records) == rounds
    assert {record.outcome.status for record in records} == {RunStatus.COMPLETED}
    for record in records:
        assert all_counts(workspace, record.run_id) == expected
        assert record.outcome.predictions == SAMPLES
    in_parts = [record for record in records if record.parts]
    for record in in_parts:
        # no image was predicted for nothing, once its prediction was kept
        assert sum(part.predictions for part in record.parts) == SAMPLES
    assert killer.killed == VICTIMS
    assert killer.resumed >= KILLS // 4
    assert sum(part.predictions > 0 for r in in_parts for part in r.parts) >= KILLS // 4
    assert files_left(workspace) == []
    with closing(private_engine.client()) as client:
        assert client.containers.list(all=True) == []
        assert client.volumes.list() == []
