"""How the runner's tests run an actor: samples, walls, and what must not be left over."""

import secrets

import docker

from harness.records.run import RunOutcome, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.docker_runner import DockerRunner
from harness.sandbox.owner import RUN_LABEL

RUN_ID = secrets.token_hex(6)
"""This session's own, so that two sessions can share an engine."""
SAMPLES = [StreamedSample(id=f"{n:016x}", png=bytes([n]) * 1000) for n in range(6)]
LIMITS = ContainerLimits(
    memory_mb=64,
    pids=32,
    tmp_mb=8,
    shm_mb=4,
    cpus=1.5,
    startup_seconds=10,
    image_seconds=10,
    total_seconds=60,
    exit_seconds=5,
    max_in_flight=4,
    log_bytes=100_000,
    max_prediction_bytes=10_000,
)


def run_image(
    engine: docker.DockerClient, image_id, *, samples=SAMPLES, limits=LIMITS, on_prediction=None
) -> RunOutcome:
    return DockerRunner(engine).run(
        image_id,
        samples,
        limits=limits,
        run_id=RUN_ID,
        on_prediction=on_prediction or (lambda _id, _png: None),
    )


def containers_left(engine: docker.DockerClient) -> list[str]:
    """Return the ids of this session's containers, running or not."""
    mine = {"label": f"{RUN_LABEL}={RUN_ID}"}
    return [found["Id"] for found in engine.api.containers(all=True, filters=mine)]
