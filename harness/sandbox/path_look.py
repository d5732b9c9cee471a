"""What stands at a path of a container that was never started; nothing is read or run."""

import base64
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import docker

_GO_FOLDER = 1 << 31
"""The bit of Go's `fs.FileMode` for a folder."""
_STAT_HEADER = "X-Docker-Container-Path-Stat"


@dataclass(frozen=True, kw_only=True)
class PathLook:
    """What the engine says of one path."""

    folder: bool
    """Whether it is a folder; Podman says so of a link to one as well."""
    target: str | None
    """Where it leads in the image, every link followed; None where it is no link."""


_NOWHERE = PathLook(folder=False, target=None)
"""A link that never ends."""


def look(api: docker.APIClient, container: str, path: str) -> PathLook | None:
    """Return what stands at the absolute `path` in `container`, or None where there is nothing.

    Only headers are exchanged, so nothing that the image holds is larger than the answer may be.

    Raises:
        requests.RequestException: The engine can't be asked.
    """
    answer = _ask(api, container, path)
    stat = answer.headers.get(_STAT_HEADER)
    if stat is not None:  # Podman gives it beside "not found", too: for a link that leads nowhere
        return _read(stat, path)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and _ask(api, container, "/").ok:
        return _NOWHERE
    answer.raise_for_status()
    return None


def _ask(api: docker.APIClient, container: str, path: str) -> Any:  # noqa: ANN401 - a requests.Response
    # Not the SDK's `get_archive`: that one has the engine pack what stands there.
    url = f"{api.base_url}/v{api.api_version}/containers/{container}/archive"
    return api.head(url, params={"path": path}, timeout=api.timeout)


def _read(stat: str, path: str) -> PathLook:
    found = json.loads(base64.b64decode(stat))
    target = str(found.get("linkTarget") or path)  # Podman's names a path that is no link itself
    return PathLook(
        folder=bool(int(found["mode"]) & _GO_FOLDER),
        target=target if target != path else None,
    )
