"""Where a container engine is looked for, and in which order; nothing of talking to one.

The order is the `docker` command's own: DOCKER_HOST, then the context that `docker context use` or
DOCKER_CONTEXT chose. What was chosen so is the only one tried; without a choice the usual sockets
are tried in turn.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from harness.errors import EngineError

_LOG = logging.getLogger(__name__)

SYSTEM_SOCKET = Path("/var/run/docker.sock")
SYSTEM_PODMAN_SOCKET = Path("/run/podman/podman.sock")
_DEFAULT_CONTEXT = "default"


@dataclass(frozen=True, kw_only=True)
class EngineAddress:
    """One place where an engine may answer."""

    url: str
    """As `unix:///var/run/docker.sock`, `tcp://HOST:PORT` or `ssh://USER@HOST`."""
    origin: str
    """Who says so, as `DOCKER_HOST` or `the system's Docker`."""
    tls: TLSConfig | None = None
    """The certificates of a TCP connection; None where it is not encrypted, or no TCP."""

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.url} ({self.origin})"


def engine_addresses(environment: Mapping[str, str], *, home: Path) -> tuple[EngineAddress, ...]:
    """Return the addresses to try, in order; there is at least one.

    Raises:
        EngineError: The docker context that is chosen does not exist or can't be read.
        docker.errors.TLSParameterError: The certificates of DOCKER_CERT_PATH are not there.
    """
    if url := environment.get("DOCKER_HOST"):
        tls = kwargs_from_env(environment=dict(environment)).get("tls") or None
        return (EngineAddress(url=url, origin="DOCKER_HOST", tls=tls),)
    folder = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    context = environment.get("DOCKER_CONTEXT") or _current_context(folder / "config.json")
    if context != _DEFAULT_CONTEXT:
        return (_context_address(folder / "contexts", context),)
    return tuple(_sockets(environment, home=home))


def _sockets(environment: Mapping[str, str], *, home: Path) -> Iterator[EngineAddress]:
    """Yield the usual sockets: the system's Docker in any case, others where they exist."""
    yield EngineAddress(url=f"unix://{SYSTEM_SOCKET}", origin="the system's Docker")
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    for path, origin in (
        (runtime / "docker.sock", "this user's rootless Docker"),
        (home / ".docker" / "run" / "docker.sock", "this user's Docker"),
        (runtime / "podman" / "podman.sock", "this user's Podman"),
        (SYSTEM_PODMAN_SOCKET, "the system's Podman"),
    ):
        if os.access(path, os.F_OK):
            yield EngineAddress(url=f"unix://{path}", origin=origin)


def _current_context(config: Path) -> str:
    """Return the context that `docker context use` chose; `default` where none was."""
    try:
        settings = json.loads(config.read_bytes())
    except FileNotFoundError:
        return _DEFAULT_CONTEXT
    except (OSError, ValueError) as error:
        # as the docker command does: it warns and goes on with its defaults
        _LOG.warning("%s can't be read, so its docker context is not used: %s", config, error)
        return _DEFAULT_CONTEXT
    chosen = settings.get("currentContext") if isinstance(settings, dict) else None
    return str(chosen) if chosen else _DEFAULT_CONTEXT


def _context_address(contexts: Path, name: str) -> EngineAddress:
    """Return where the context `name` says its engine is.

    Raises:
        EngineError: There is no such context, or its file says no address.
    """
    digest = hashlib.sha256(name.encode()).hexdigest()
    remedy = (
        "`docker context ls` shows those there are; choose one with `docker context use NAME`, or "
        "set DOCKER_HOST."
    )
    file = contexts / "meta" / digest / "meta.json"
    try:
        endpoint: dict[str, Any] = json.loads(file.read_bytes())["Endpoints"]["docker"]
        url = str(endpoint["Host"])
    except FileNotFoundError as error:
        msg = f"there is no docker context {name!r}, which is the chosen one"
        raise EngineError(msg, remedy=remedy) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"the docker context {name!r} ({file}) can't be read: {error!r}"
        raise EngineError(msg, remedy=remedy) from error
    tls = _context_tls(contexts / "tls" / digest / "docker", endpoint)
    return EngineAddress(url=url, origin=f"the docker context {name!r}", tls=tls)


def _context_tls(folder: Path, endpoint: Mapping[str, Any]) -> TLSConfig | None:
    """Return the certificates that a context keeps; None where it keeps none."""
    authority, certificate, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    if not (authority.exists() or certificate.exists()):
        return None
    return TLSConfig(
        client_cert=(str(certificate), str(key)) if certificate.exists() else None,
        ca_cert=str(authority) if authority.exists() else None,
        verify=not endpoint.get("SkipTLSVerify"),
    )
