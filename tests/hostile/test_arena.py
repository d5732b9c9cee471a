"""The suite's own eyes: what it looks for after an attack, it does find."""

import secrets
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from leftovers import Leftovers
from listeners import LOCALHOST, Listeners
from watching import Watch

from harness.sandbox.owner import RUN_LABEL

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]
WRITING = """
import time
open("/big", "wb").write(bytes(4 * 2**20))
hoard = bytearray(20 * 2**20)
until = time.monotonic() + 2
while time.monotonic() < until:
    pass
time.sleep(600)
"""


@contextmanager
def unwalled(arena, run_id):
    """Run a container of the suite's image that writes, hoards and works; yields its volume."""
    volume = f"hostile-{arena.mark}"
    container = arena.engine.containers.run(
        arena.image,
        ["python3", "-c", WRITING],
        detach=True,
        network_mode="none",
        labels={RUN_LABEL: run_id},
        volumes={volume: {"bind": "/kept", "mode": "rw"}},
    )
    try:
        yield volume
    finally:
        container.remove(force=True, v=True)
        arena.engine.volumes.get(volume).remove()


def test_whatever_is_left_is_found_and_measured(arena, tmp_path):
    run_id = secrets.token_hex(6)
    outside = Path(f"/tmp/{arena.mark}")
    everything = Leftovers(arena.engine, arena.mark)
    everything.of_runs([run_id])

    with Watch(arena.engine, run_id, tmp_path) as watch, unwalled(arena, run_id) as volume:
        (tmp_path / "written").write_bytes(bytes(1000))
        outside.touch()
        time.sleep(3)
        everything.of_volumes(watch.volumes)
        found = everything.found()
        outside.unlink()
    cost = watch.measured()

    assert {entry.split()[0] for entry in found} == {
        "container",
        "file",
        "image",
        "process",
        "volume",
    }
    assert f"volume {volume}" in found
    assert cost.disk_bytes >= 4 * 2**20
    assert cost.container_mib >= 20
    assert cost.cpus > 0
    assert cost.workspace_bytes == 1000
    assert cost.seconds >= 3


def test_whoever_comes_by_is_seen():
    mark = secrets.token_hex(8)
    listening = Listeners(mark)
    told = listening.environment()
    socket.create_connection((LOCALHOST, int(told["HOSTILE_TCP"])), 5).close()
    socket.create_connection(("::1", int(told["HOSTILE_TCP6"])), 5).close()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"\0{told['HOSTILE_UNIX']}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"hello", (LOCALHOST, int(told["HOSTILE_UDP"])))
    until = time.monotonic() + 30
    while len(listening.seen) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    listening.close()

    assert sorted(seen.split(":")[0] for seen in listening.seen) == ["tcp", "tcp6", "udp", "unix"]


def test_the_memory_that_the_harness_takes_is_seen(arena, tmp_path):
    with Watch(arena.engine, "0" * 12, tmp_path) as watch:
        hoard = bytearray(50 * 2**20)
    del hoard

    assert 45 < watch.measured().harness_mib < 80
