"""What is left when a run ends from outside: by a signal, another user, or a lost engine."""

import gc
import os
import signal
import socket
import subprocess
import sys

import docker
import pytest
from actor_runs import RUN_ID, containers_left, run_image
from engine_relay import Relay

from harness.errors import RunInterruptedError
from harness.sandbox.orphans import remove_orphans
from harness.sandbox.owner import HOST_LABEL, PROCESS_LABEL, RUN_LABEL

pytestmark = pytest.mark.docker


def test_ctrl_c_leaves_no_container(engine, actor_image):
    def interrupt(_sample_id, _png):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_image(engine, actor_image("echo"), on_prediction=interrupt)

    assert containers_left(engine) == []


def test_a_container_that_somebody_ends_is_not_blamed(engine, actor_image):
    def kill_it(_sample_id, _png):
        engine.api.kill(f"harness-{RUN_ID}")

    with pytest.raises(RunInterruptedError, match="someone else"):
        run_image(engine, actor_image("drip"), on_prediction=kill_it)

    assert containers_left(engine) == []


def test_a_container_that_somebody_removes_is_not_blamed(engine, actor_image):
    def remove_it(_sample_id, _png):
        engine.api.remove_container(f"harness-{RUN_ID}", force=True)

    with pytest.raises(RunInterruptedError, match="engine was lost"):
        run_image(engine, actor_image("drip"), on_prediction=remove_it)

    assert containers_left(engine) == []


HARNESS_PROCESS = """
import sys, docker
from harness.records.run import StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.docker_runner import DockerRunner

DockerRunner(docker.from_env()).run(
    sys.argv[1],
    [StreamedSample(id=str(n), png=b"") for n in range(1000)],
    limits=ContainerLimits(),
    run_id=sys.argv[2],
    on_prediction=lambda sample_id, png: print(sample_id, flush=True),
)
"""


@pytest.fixture
def harness_process(actor_image):
    """A harness of its own that waits for a slow submission, after the first prediction."""
    command = [sys.executable, "-c", HARNESS_PROCESS, actor_image("drip"), RUN_ID]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"0\n"
        yield process
        process.kill()


def test_an_interrupted_process_removes_its_container(engine, harness_process):
    harness_process.send_signal(signal.SIGINT)

    assert harness_process.wait(30) != 0
    assert containers_left(engine) == []


def test_orphans_of_a_killed_process_are_removed(engine, harness_process):
    assert remove_orphans(engine) == ()

    harness_process.kill()
    harness_process.wait(30)

    assert remove_orphans(engine) == (RUN_ID,)
    assert containers_left(engine) == []


def test_containers_of_other_machines_are_left_alone(engine, actor_image):
    labels = {RUN_LABEL: RUN_ID, HOST_LABEL: "elsewhere", PROCESS_LABEL: "1/1/1"}
    container = engine.containers.create(actor_image("echo"), labels=labels)
    try:
        assert remove_orphans(engine) == ()
    finally:
        container.remove()


@pytest.fixture
def fragile_engine(tmp_path):
    """A client whose way to the engine can be cut: every byte passes through a relay."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://"):
        pytest.skip("the engine is not on a local socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "relay.sock"))
    listener.listen()
    relay = Relay(listener, address.removeprefix("unix://"))
    client = docker.DockerClient(base_url=f"unix://{tmp_path}/relay.sock", version="auto")
    yield client, relay
    client.close()
    relay.cut()


# The SDK does not close the socket of a connection that was refused.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_is_lost_interrupts_the_run(fragile_engine, engine, actor_image, caplog):
    frail, relay = fragile_engine

    def cut(_sample_id, _png):
        relay.cut_from_elsewhere()

    try:
        with pytest.raises(RunInterruptedError, match="engine was lost"):
            run_image(frail, actor_image("drip"), on_prediction=cut)
    finally:
        for left in containers_left(engine):
            engine.api.remove_container(left, force=True)
    assert "could not be removed" in caplog.text
    gc.collect()
