"""The way to the container engine and what it is; nothing of images or containers."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests

from harness.errors import EngineError

API_TIMEOUT_SECONDS = 120
"""How long one answer of the engine may take; builds and waits set their own."""
DEFAULT_SOCKET = Path("/var/run/docker.sock")
ENGINE_FAILURES = (docker.errors.DockerException, requests.RequestException)
"""What the SDK raises where the engine does not do what it was asked."""

ENFORCED = {
    "MemoryLimit": "memory",
    "SwapLimit": "swap",
    "PidsLimit": "processes",
    "CpuCfsQuota": "processors",
}
"""What the engine calls its abilities, and which limit each one stands for."""


@dataclass(frozen=True, kw_only=True)
class EngineDescription:
    """What the engine says of itself."""

    name: str
    """Its product name, as in `Docker Engine`."""
    version: str
    """Its version."""
    api_version: str
    """The newest API version it speaks."""
    runtimes: tuple[str, ...]
    """The OCI runtimes it can start, sorted."""
    default_runtime: str
    """The OCI runtime it starts unless told otherwise."""
    storage_driver: str
    """How it stores images, as `overlay2`."""
    cgroup_version: str
    """The cgroup version of its machine; empty where it doesn't say."""
    root: str
    """The folder that holds its images, on its own machine."""
    cpus: int
    """Processors of its machine."""
    memory_bytes: int
    """Memory of its machine."""

    unenforced: tuple[str, ...] = ()
    """The limits of DESIGN.md's Isolation that it can't enforce on its machine."""

    def summary(self) -> str:
        """Return name and version in a few words, as a run keeps them."""
        return f"{self.name} {self.version}"


def connect() -> docker.DockerClient:
    """Return a client of the engine that answers; the caller closes it.

    DOCKER_HOST decides where it is set; otherwise the system's socket is tried, then the sockets of
    a rootless Docker and of Podman.

    Raises:
        EngineError: No engine answers, or it refuses this user.
    """
    failures: list[tuple[str, BaseException]] = []
    for address in _addresses():
        try:
            return _client(address)
        except ENGINE_FAILURES as error:
            failures.append((address, error))
    raise _refusal(*failures[0]) from failures[0][1]


def describe(client: docker.DockerClient) -> EngineDescription:
    """Return what the engine behind `client` says of itself.

    Raises:
        EngineError: It stopped answering.
    """
    try:
        version: dict[str, Any] = client.version()
        info: dict[str, Any] = client.info()
    except ENGINE_FAILURES as error:
        raise _refusal(client.api.base_url, error) from error
    # Docker names its components; the first one is the engine itself (Podman: "Podman Engine").
    components = version.get("Components") or [{"Name": "Docker Engine"}]
    name = str(components[0].get("Name", "Docker Engine"))
    return EngineDescription(
        name="Docker Engine" if name == "Engine" else name,
        version=str(version.get("Version", "")),
        api_version=str(version.get("ApiVersion", "")),
        runtimes=tuple(sorted(info.get("Runtimes") or ())),
        default_runtime=str(info.get("DefaultRuntime") or "runc"),
        storage_driver=str(info.get("Driver", "")),
        cgroup_version=str(info.get("CgroupVersion") or ""),
        root=str(info.get("DockerRootDir", "")),
        cpus=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
        unenforced=tuple(name for key, name in ENFORCED.items() if info.get(key) is False),
    )


def engine_lost(error: Exception) -> EngineError:
    """Return what to raise where the engine answered before and does not any more."""
    return EngineError(
        f"the container engine stopped answering: {error}",
        remedy="Check that `docker info` works and run the command again.",
    )


def _addresses() -> tuple[str, ...]:
    if os.environ.get("DOCKER_HOST"):
        return (os.environ["DOCKER_HOST"],)
    sockets = [DEFAULT_SOCKET]
    if runtime_dir := os.environ.get("XDG_RUNTIME_DIR"):
        sockets += [Path(runtime_dir) / "docker.sock", Path(runtime_dir) / "podman" / "podman.sock"]
    there = [path for path in sockets if path == DEFAULT_SOCKET or path.exists()]
    return tuple(f"unix://{path}" for path in there)


def _client(address: str) -> docker.DockerClient:
    environment = {**os.environ, "DOCKER_HOST": address}
    return docker.from_env(timeout=API_TIMEOUT_SECONDS, environment=environment)


def _refusal(address: str, error: BaseException) -> EngineError:
    causes = list(_chain(error))
    if any(isinstance(cause, PermissionError) for cause in causes):
        return EngineError(
            f"the container engine at {address} refuses this user",
            remedy="Add the user to the engine's group (`sudo usermod -aG docker $USER`, then log "
            "in again), or run as root.",
        )
    if any(isinstance(cause, FileNotFoundError | ConnectionRefusedError) for cause in causes):
        return EngineError(
            f"no container engine answers at {address}",
            remedy="Start it (`sudo systemctl start docker`), set DOCKER_HOST, or let "
            "`scripts/container-engine.sh` install and start one.",
        )
    return EngineError(
        f"the container engine at {address} can't be used: {_last_words(causes)}",
        remedy="Check DOCKER_HOST and that `docker info` works; `harness doctor` says more.",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            # requests and urllib3 keep what went wrong among their arguments, not as a cause
            waiting += [cause.__cause__, cause.__context__, *cause.args]


def _last_words(causes: list[BaseException]) -> str:
    return str(causes[0]) or type(causes[0]).__name__
