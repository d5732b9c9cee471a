"""What hostile code could do behind the harness's walls, and behind those of its peers, in one run.

Run it from the repository's root: `python -m benchmarks.isolation`. Containers are started as each
peer's public code starts them (`PEERS` names the file and its commit), all from the same image,
and the same probes are tried in each. What a peer asks its users to do, and doesn't enforce, does
not count; nor does what surrounds its containers elsewhere (a cloud's own walls).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import docker

from harness.records.submission import ContainerLimits
from harness.sandbox.base_image import resolve_base_image
from harness.sandbox.engine import connect, describe
from harness.sandbox.walls import container_settings, host_settings

PROBES = Path(__file__).with_name("isolation_probes.py")
UNBOUNDED_LOG = "a log without end on the engine's disk"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """How somebody starts the containers of people it doesn't know."""

    name: str
    source: str
    """Where its settings were read: repository, file and commit."""
    host: dict[str, Any]
    """Keyword arguments of docker-py's `create_host_config`."""
    container: dict[str, Any]
    """Keyword arguments of docker-py's `create_container`."""


CODABENCH_DROPS = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
PEERS = (
    Peer(
        name="SWE-bench",
        source="SWE-bench/SWE-bench swebench/harness/docker_build.py 058fe385",
        host={},
        container={"user": "root"},
    ),
    Peer(
        name="Codabench",
        source="codalab/codabench compute_worker/compute_worker.py 006d55f6",
        host={"cap_drop": list(CODABENCH_DROPS), "security_opt": ["no-new-privileges"]},
        container={},
    ),
    Peer(
        name="grand-challenge",
        source="comic/grand-challenge.org app/grandchallenge/components/backends/docker_client.py"
        " 0348e75e",
        host={
            # its network is an internal one of its own: an interface, and no way out
            "network_mode": "bridge",
            "init": True,
            "mem_limit": 4 * 2**30,
            "memswap_limit": 4 * 2**30,
            "cpu_period": 100_000,
            "cpu_quota": 100_000,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": 128,
            "log_config": docker.types.LogConfig(
                type=docker.types.LogConfig.types.JSON, config={"max-size": "1g"}
            ),
        },
        container={},
    ),
    Peer(
        name="this harness",
        source="harness/sandbox/walls.py",
        host=host_settings(ContainerLimits()),
        container=container_settings(ContainerLimits(), image_environment={}),
    ),
)


@click.command()
def main() -> None:
    """Print what was possible behind each one's walls, and how much was refused."""
    client = connect()
    image = resolve_base_image(client).reference
    found = {peer.name: _tried(client, image, peer) for peer in PEERS}
    lines = [f"{describe(client).summary()}, image {image}"]
    lines += [f"{peer.name}: {peer.source}" for peer in PEERS]
    lines += ["", *_table(found)]
    client.close()
    click.echo("\n".join(lines))


def _tried(client: docker.DockerClient, image: str, peer: Peer) -> dict[str, bool]:
    """Return what was possible, by probe, in a container that is started as the peer's are."""
    api = client.api
    container = api.create_container(
        image,
        ["python3", "-c", PROBES.read_text("utf-8")],
        host_config=api.create_host_config(**peer.host),
        **peer.container,
    )["Id"]
    try:
        log = api.inspect_container(container)["HostConfig"]["LogConfig"]
        output = api.attach(container, stdout=True, stderr=True, stream=True, demux=True)
        api.start(container)
        parts = [(out or b"", error or b"") for out, error in output]
        if api.wait(container)["StatusCode"] != 0:
            msg = f"the probes failed behind {peer.name}'s walls: {_joined(parts, 1)}"
            raise click.ClickException(msg)
    finally:
        api.remove_container(container, force=True, v=True)
    possible: dict[str, bool] = json.loads(_joined(parts, 0))
    bounded = log["Type"] in ("none", "local") or "max-size" in (log.get("Config") or {})
    return possible | {UNBOUNDED_LOG: not bounded}


def _joined(parts: list[tuple[bytes, bytes]], output: int) -> str:
    return b"".join(part[output] for part in parts).decode(errors="replace")


def _table(found: dict[str, dict[str, bool]]) -> list[str]:
    names = list(found)
    probes = list(found[names[0]])
    widest = max(map(len, probes))
    rows = [" | ".join(["possible behind the walls of".ljust(widest), *names])]
    for probe in probes:
        cells = ("yes" if found[name][probe] else "no" for name in names)
        padded = (cell.ljust(len(name)) for cell, name in zip(cells, names, strict=True))
        rows.append(" | ".join([probe.ljust(widest), *padded]))
    refused = (
        f"{sum(not p for p in found[n].values())}/{len(probes)}".ljust(len(n)) for n in names
    )
    return [*rows, " | ".join(["refused".ljust(widest), *refused])]


if __name__ == "__main__":
    main()
