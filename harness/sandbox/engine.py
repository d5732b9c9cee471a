"""The way to the container engine and what it is; nothing of images or containers."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
import requests

from harness.errors import EngineError
from harness.sandbox.engine_address import SYSTEM_SOCKET, EngineAddress, engine_addresses
from harness.sandbox.engine_tunnel import EngineTunnel, parse_ssh_address

API_TIMEOUT_SECONDS = 120
"""How long one answer of the engine may take; builds and waits set their own."""
DEFAULT_SOCKET = SYSTEM_SOCKET
ENGINE_FAILURES = (docker.errors.DockerException, requests.RequestException)
"""What the SDK raises where the engine does not do what it was asked."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

ENFORCED = {
    "MemoryLimit": "memory",
    "SwapLimit": "swap",
    "PidsLimit": "pids",
    "CpuCfsQuota": "cpus",
}
"""What the engine calls its abilities, and which wall each one stands for."""


class Exposure(Enum):
    """How others on the network may read or take over the way to an engine."""

    PLAIN = auto()
    """Nothing is encrypted."""
    UNVERIFIED = auto()
    """Encrypted, but to whoever answers: the engine's certificate is not verified."""


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
    """The walls of DESIGN.md's Isolation that it can't enforce on its machine."""
    address: str = ""
    """Where it was found and who said so."""
    rootless: bool = False
    """Whether it runs without root's rights on its machine."""
    remapped: bool = False
    """Whether root in its containers is nobody on its machine (user-namespace remapping)."""

    @property
    def is_podman(self) -> bool:
        """Whether it is Podman behind a Docker-compatible socket."""
        return self.name.startswith("Podman")

    def summary(self) -> str:
        """Return name and version in a few words, as a run keeps them, and what it lacks."""
        kind = " (rootless)" if self.rootless else ""
        lacking = f"; does not enforce {', '.join(self.unenforced)}" if self.unenforced else ""
        return f"{self.name} {self.version}{kind}{lacking}"


class EngineClient(docker.DockerClient):
    """A client that knows which engine it was led to, and ends the way there with itself."""

    def __init__(self, address: EngineAddress) -> None:
        """Connect to `address`.

        Raises:
            EngineError: The way over SSH can't be opened, or leads to no engine.
            docker.errors.DockerException: No engine answers.
        """
        # Not DockerClient's own: that one takes no APIClient made elsewhere.
        self.address = address
        self._tunnel: EngineTunnel | None = None
        if address.url.startswith("ssh://"):
            self._tunnel = EngineTunnel(parse_ssh_address(address.url))
        url = self._tunnel.address if self._tunnel is not None else address.url
        try:
            self.api = _Api(base_url=url, tls=address.tls or False, timeout=API_TIMEOUT_SECONDS)
        except ENGINE_FAILURES as error:
            refusal = self._tunnel.refusal() if self._tunnel is not None else None
            self._close_tunnel()
            if refusal is not None:
                raise refusal from error
            raise

    def close(self) -> None:
        """End the connection, and the way to it."""
        super().close()
        self._close_tunnel()

    def _close_tunnel(self) -> None:
        if self._tunnel is not None:
            self._tunnel.close()


class _Api(docker.APIClient):
    """The SDK's, with an eye to nothing but the engine's own settings.

    What REQUESTS_CA_BUNDLE and HTTP_PROXY say is meant for the web: requests would trust that
    bundle in place of the engine's certificates, and no proxy carries an attached connection.
    """

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own
        self.trust_env = False
        return super().merge_environment_settings(*args, **kwargs)


def connect() -> docker.DockerClient:
    """Return a client of the engine that answers; the caller closes it.

    DOCKER_HOST decides where it is set, then the docker context that is chosen; without either the
    system's Docker is tried, then this user's rootless Docker, then Podman.

    Raises:
        EngineError: No engine answers, or it refuses this user.
    """
    failures: list[tuple[EngineAddress, BaseException]] = []
    try:
        addresses = engine_addresses(os.environ, home=Path.home())
    except docker.errors.TLSParameterError as error:
        raise _refusal(os.environ.get("DOCKER_HOST", ""), error) from error
    for address in addresses:
        try:
            return EngineClient(address)
        except ENGINE_FAILURES as error:
            failures.append((address, error))
    first, cause = failures[0]
    raise _refusal(first.url, cause, tried=addresses) from cause


def exposure(client: docker.DockerClient) -> Exposure | None:
    """Return in which way `client` crosses a network openly, or None where it does not."""
    if not isinstance(client, EngineClient):
        return None
    tls, parts = client.address.tls, urlsplit(client.address.url)
    if parts.scheme not in ("tcp", "http", "https") or parts.hostname in _LOOPBACK:
        return None
    if tls is not None:
        return None if tls.verify else Exposure.UNVERIFIED
    return None if parts.scheme == "https" else Exposure.PLAIN


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
    security = tuple(str(option) for option in info.get("SecurityOptions") or ())
    default_runtime = str(info.get("DefaultRuntime") or "runc")
    # Podman lists what its settings name, there or not, and its socket starts the default only.
    runtimes = [default_runtime] if "BuildahVersion" in info else info.get("Runtimes") or ()
    return EngineDescription(
        name="Docker Engine" if name == "Engine" else name,
        version=str(version.get("Version", "")),
        api_version=str(version.get("ApiVersion", "")),
        runtimes=tuple(sorted(runtimes)),
        default_runtime=default_runtime,
        storage_driver=str(info.get("Driver", "")),
        cgroup_version=str(info.get("CgroupVersion") or ""),
        root=str(info.get("DockerRootDir", "")),
        cpus=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
        unenforced=_unenforced(info, security),
        address=str(client.address) if isinstance(client, EngineClient) else client.api.base_url,
        rootless="name=rootless" in security or info.get("Rootless") is True,
        remapped="name=userns" in security,
    )


def engine_lost(error: Exception) -> EngineError:
    """Return what to raise where the engine answered before and does not any more."""
    return EngineError(
        f"the container engine stopped answering: {error}",
        remedy="Check that `docker info` works and run the command again.",
    )


def _unenforced(info: Mapping[str, Any], security: tuple[str, ...]) -> tuple[str, ...]:
    """Return the walls that the engine itself says it lacks."""
    lacking = [name for key, name in ENFORCED.items() if info.get(key) is False]
    filters = [option for option in security if option.startswith("name=seccomp")]
    # An engine that lists its security options, and this one not among them, was built without it.
    if "SecurityOptions" in info and not any("unconfined" not in option for option in filters):
        lacking.append("seccomp")
    return tuple(lacking)


def _refusal(
    address: str, error: BaseException, *, tried: tuple[EngineAddress, ...] = ()
) -> EngineError:
    causes = list(_chain(error))
    others = f"; tried {', '.join(map(str, tried))}" if len(tried) > 1 else ""
    if any(isinstance(cause, PermissionError) for cause in causes):
        return EngineError(
            f"the container engine at {address} refuses this user{others}",
            remedy="Add the user to the engine's group (`sudo usermod -aG docker $USER`, then log "
            "in again), or run as root.",
        )
    if any(isinstance(cause, FileNotFoundError | ConnectionRefusedError) for cause in causes):
        return EngineError(
            f"no container engine answers at {address}{others}",
            remedy="Start it (`sudo systemctl start docker`), set DOCKER_HOST, or let "
            "`scripts/container-engine.sh` install and start one.",
        )
    return EngineError(
        f"the container engine at {address} can't be used: {_last_words(causes)}{others}",
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
