"""What is left when a run ends from outside: by a signal, another user, or a lost engine."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import docker
import docker.errors
import pytest
from actor_runs import LIMITS, RUN_ID, SAMPLES, containers_left, run_image
from engine_relay import Relay

from harness.errors import RunInterruptedError
from harness.records.run import RunStatus
from harness.sandbox.orphans import remove_orphans
from harness.sandbox.owner import (
    CONTAINER_LABEL,
    EXPIRES_LABEL,
    HOST_LABEL,
    PROCESS_LABEL,
    RUN_LABEL,
    container_name,
)

pytestmark = pytest.mark.docker


def test_ctrl_c_leaves_no_container(engine, actor_image):
    def interrupt(_sample_id, _png):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_image(engine, actor_image("echo"), on_prediction=interrupt)

    assert containers_left(engine) == []


def test_a_container_that_somebody_ends_is_not_blamed(engine, actor_image):
    def kill_it(_sample_id, _png):
        (container,) = containers_left(engine)
        engine.api.kill(container)

    with pytest.raises(RunInterruptedError, match="someone else"):
        run_image(engine, actor_image("drip"), on_prediction=kill_it)

    assert containers_left(engine) == []


POLITE = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(sys.argv[2])))
exec(compile(open("/actors.py").read(), "/actors.py", "exec"))
"""


@pytest.mark.parametrize("code", ["0", "1"])
def test_one_that_somebody_stops_and_that_exits_politely_is_not_blamed(
    engine, actors, throwaway, code
):
    command = json.dumps(["python3", "-c", POLITE, "drip", code])
    image = throwaway.build({"Dockerfile": f"FROM {actors}\nCMD {command}\n".encode()})

    def stop_it(_sample_id, _png):
        (container,) = containers_left(engine)
        engine.api.kill(container, signal.SIGTERM)

    with pytest.raises(RunInterruptedError, match="someone else"):
        run_image(engine, image, on_prediction=stop_it)

    assert containers_left(engine) == []


def test_one_that_somebody_pauses_is_not_blamed_for_being_late(engine, actor_image):
    def pause_it(_sample_id, _png):
        (container,) = containers_left(engine)
        engine.api.pause(container)

    limits = LIMITS.model_copy(update={"image_seconds": 1.0})
    with pytest.raises(RunInterruptedError, match="someone else"):
        run_image(engine, actor_image("drip"), limits=limits, on_prediction=pause_it)

    assert containers_left(engine) == []


def test_a_container_that_somebody_removes_is_not_blamed(engine, actor_image):
    def remove_it(_sample_id, _png):
        (container,) = containers_left(engine)
        engine.api.remove_container(container, force=True)

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


@contextmanager
def created(engine, image, *, expires, name=None):
    """Yield a container that was made on another machine; it may be gone afterwards."""
    labels = {RUN_LABEL: RUN_ID, HOST_LABEL: "elsewhere", PROCESS_LABEL: "1/1/1"}
    labels |= {EXPIRES_LABEL: f"{expires:.0f}", CONTAINER_LABEL: "./x"}
    container = engine.containers.create(image, labels=labels, name=name)
    try:
        yield container
    finally:
        with suppress(docker.errors.NotFound):
            container.remove()


def test_containers_of_other_machines_are_left_alone_until_they_expire(engine, actor_image):
    image, hour = actor_image("echo"), 3600
    with created(engine, image, expires=time.time() + hour, name=container_name(RUN_ID)):
        assert remove_orphans(engine) == ()
    with created(engine, image, expires=1, name=container_name(RUN_ID)):
        assert remove_orphans(engine) == (RUN_ID,)


@pytest.mark.parametrize("inside", ["./x", "a/x", f"{'a' * 64}/x"])
def test_labels_of_an_image_have_no_say_while_it_runs(engine, throwaway, actor_image, inside):
    lines = f"FROM {actor_image('drip')}\nLABEL harness.container={inside} harness.expires=1\n"
    image = throwaway.build({"Dockerfile": lines.encode()})
    removed = []

    outcome = run_image(
        engine, image, on_prediction=lambda *_: removed.append(remove_orphans(engine))
    )

    assert outcome.status is RunStatus.COMPLETED, outcome
    assert removed == [()] * len(SAMPLES)


def test_an_image_with_our_labels_makes_no_container_ours(engine, actor_image):
    with created(engine, actor_image("echo"), expires=1):
        assert remove_orphans(engine) == ()


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
