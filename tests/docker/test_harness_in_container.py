"""The harness in a container of its own, with the engine's socket mounted (Dockerfile, header)."""

import json
import os
import secrets
import subprocess
import time
from pathlib import Path

import pytest
from black_submission import black_submission
from fakes import write_tiny_benchmark
from run_mark import RUN_LABELS, RUN_MARK

from harness.sandbox.orphans import remove_orphans
from harness.sandbox.owner import CONTAINER_LABEL, RUN_LABEL

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def socket(engine):
    """The engine's socket on this machine, which the harness's container gets."""
    address = engine.api.base_url
    url = engine.address.url
    if not url.startswith("unix://"):
        pytest.skip(f"the engine at {address} has no socket here to be mounted")
    return Path(url.removeprefix("unix://"))


@pytest.fixture(scope="module")
def harness_image(base_image):
    """The project's own image, built as the Dockerfile says where the network is closed."""
    run = RUN_MARK + secrets.token_hex(4)
    tags = {"packages": f"harness-packages:test-{run}", "slim": f"harness:test-{run}"}
    subprocess.run([ROOT / "scripts" / "wheels.sh"], check=True, capture_output=True)
    marks = [word for label in RUN_LABELS.items() for word in ("--label", "=".join(label))]
    closed = [*marks, "--network", "none", "--build-arg", f"BASE_IMAGE={base_image.reference}"]
    try:
        for target, tag in tags.items():
            command = [
                "docker",
                "build",
                "--quiet",
                "--target",
                target,
                "--tag",
                tag,
                *closed,
                ROOT,
            ]
            built = subprocess.run(command, check=False, capture_output=True, text=True)
            assert built.returncode == 0, built.stderr
        yield tags["slim"]
    finally:
        subprocess.run(
            ["docker", "rmi", "--force", *tags.values()], check=False, capture_output=True
        )


@pytest.fixture(scope="module")
def submission_image(throwaway, base_image):
    """Returns the id of an image that predicts the first class everywhere, or hangs after one."""

    def build(*, environment: str = "") -> str:
        files = black_submission(base_image.reference, environment=environment)
        return str(throwaway.build(files))

    return build


@pytest.fixture
def workspace(tmp_path):
    write_tiny_benchmark(tmp_path / "benchmark_data" / "tiny")
    return tmp_path


@pytest.fixture
def inside(harness_image, socket, workspace):
    """Returns the command line of a harness in a container, as the Dockerfile's header has it."""

    def command(*arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        return [
            *("docker", "run", "--rm", "--network", "none", *options),
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *("--volume", f"{workspace}:/workspace"),
            *("--volume", f"{socket}:/var/run/docker.sock"),
            *("--group-add", str(socket.stat().st_gid)),
            *(harness_image, *arguments),
        ]

    return command


def answer(command: list[str]):
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_submission_is_checked_and_evaluated_from_inside(inside, submission_image, workspace):
    image = submission_image()
    words = ("--benchmark", "tiny", "--format", "json")

    checked = answer(inside("check", image, *words))
    evaluated = answer(inside("evaluate", image, *words))
    again = answer(inside("evaluate", image, *words))

    assert checked["outcome"]["status"] == "completed"
    assert evaluated["run"]["outcome"]["status"] == "completed"
    assert evaluated["run"]["outcome"]["predictions"] == 12
    assert evaluated["run"]["image_digest"] == image
    run_id = evaluated["run"]["run_id"]
    assert (again["reused"], again["run"]["run_id"]) == (True, run_id)
    database = workspace / "leaderboard" / "results.duckdb"
    assert database.stat().st_uid == os.getuid()
    assert (workspace / "leaderboard" / "runs" / run_id).is_dir()


def test_the_doctor_inside_sees_the_engine(inside):
    report = answer(inside("doctor", "--format", "json"))

    found = {check["subject"]: check for check in report["checks"]}
    assert "/var/run/docker.sock" in found["engine"]["found"]
    assert found["packages"]["status"] == "ok"


def test_orphans_of_a_killed_container_are_told_from_those_of_a_living_one(
    engine, inside, submission_image
):
    image = submission_image(environment="HANG=1")
    detached = inside("evaluate", image, "--benchmark", "tiny", options=("--detach",))
    started = subprocess.run(detached, check=True, capture_output=True, text=True)
    harness_container = started.stdout.strip()
    try:
        run_id = wait_for_run(engine, of=harness_container)
        assert run_id not in remove_orphans(engine)
    finally:
        engine.api.kill(harness_container, "SIGKILL")
    wait_until_gone(engine, harness_container)

    remove_orphans(engine)  # or another harness on this engine was quicker
    mine = {"label": f"{RUN_LABEL}={run_id}"}
    assert engine.api.containers(all=True, filters=mine) == []


def wait_for_run(engine, *, of: str) -> str:
    """Return the run whose container the harness in the container `of` has started."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        for found in engine.api.containers(filters={"label": CONTAINER_LABEL}):
            if found["Labels"][CONTAINER_LABEL].startswith(f"{of}/"):
                return str(found["Labels"][RUN_LABEL])
        time.sleep(0.1)
    said = engine.api.logs(of).decode()
    pytest.fail(f"the harness in its container started no submission: {said}")


def wait_until_gone(engine, container: str) -> None:
    """Wait until the engine has done what `--rm` asked of it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while engine.api.containers(all=True, filters={"id": container}):
        assert time.monotonic() < until
        time.sleep(0.05)
