"""Containers whose harness is gone, and how they are told; nothing of those that still have one."""

import functools
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import docker
import docker.errors

from harness.errors import EngineError
from harness.records.submission import ContainerLimits
from harness.sandbox.engine import ENGINE_FAILURES, engine_lost
from harness.sandbox.owner import (
    RUN_LABEL,
    Owner,
    is_orphan,
    is_ours,
    own_container_id,
    owner_labels,
    owner_lives,
    this_process,
)

_LOG = logging.getLogger(__name__)
_STOPPED_FOR = timedelta(hours=1)
"""After that long nobody waits for a stopped container, whoever it was that made it."""
_ODD = (LookupError, TypeError, ValueError, AttributeError)
"""What an answer of another shape than the engine's own runs into."""
_REMOVING = threading.Lock()
"""One thread of this process at a time: all would find the same orphans."""


def new_labels(
    client: docker.DockerClient, run_id: str, *, limits: ContainerLimits
) -> dict[str, str]:
    """Return the labels of a container that this process is about to make for `run_id`.

    Raises:
        EngineError: The engine can't be asked.
    """
    return owner_labels(this_owner(client), run_id, limits=limits, now=_engine_time(client))


def this_owner(client: docker.DockerClient) -> Owner:
    """Return the running process as the owner of containers on `client`'s engine.

    The container it runs in counts only where this engine runs it: on another machine's engine it
    is not there, and would pass for one that has ended.

    Raises:
        EngineError: The engine can't be asked.
    """
    container = own_container_id()
    start = _started_at(client, container) if container is not None else None
    return this_process(container=f"{container}/{start}" if start is not None else "")


def remove_orphans(client: docker.DockerClient) -> tuple[str, ...]:
    """Return the run ids whose left-over containers were removed.

    A container is left over where its harness is gone (see `is_orphan`), and where it has stopped
    long ago: after a reboot, nobody can tell whose it was.

    Raises:
        EngineError: The engine can't be asked.
    """
    with _REMOVING:
        orphans = _orphans(client)
        return tuple(entry["Labels"][RUN_LABEL] for entry in orphans if _remove(client, entry))


def _orphans(client: docker.DockerClient) -> list[dict[str, Any]]:
    try:
        found = client.api.containers(all=True, filters={"label": RUN_LABEL})
    except ENGINE_FAILURES as error:
        msg = f"the container engine does not list its containers: {error}"
        raise EngineError(
            msg,
            remedy="See whether it runs: `harness doctor`.",
        ) from error
    ours = [entry for entry in found if is_ours(entry.get("Names") or (), entry["Labels"])]
    if not ours:
        return []
    now = _engine_time(client)
    has_ended = functools.cache(functools.partial(_has_ended, client))
    return [
        entry
        for entry in ours
        if is_orphan(entry["Labels"], now=now, has_ended=has_ended)
        or _is_forgotten(client, entry, now=now)
    ]


def _is_forgotten(client: docker.DockerClient, entry: Mapping[str, Any], *, now: datetime) -> bool:
    """Return whether a listed container stopped long ago, and no process that lives made it."""
    if entry.get("State") == "running" or owner_lives(entry["Labels"]):
        return False
    try:
        found = client.api.inspect_container(entry["Id"])
        state = found["State"]
        if state["Running"] or state.get("Paused") or state.get("Restarting"):
            return False
        # One that never ran ended in the year 1.
        ended = max(map(datetime.fromisoformat, (state["FinishedAt"], found["Created"])))
        return now - ended > _STOPPED_FOR
    except (*ENGINE_FAILURES, *_ODD):
        return False


def _engine_time(client: docker.DockerClient) -> datetime:
    """Return what time it is by the engine, which another machine's clock may disagree with.

    Raises:
        EngineError: The engine can't be asked.
    """
    try:
        info = client.api.info()
    except ENGINE_FAILURES as error:
        raise engine_lost(error) from error
    try:
        return datetime.fromisoformat(info["SystemTime"]).astimezone(UTC)
    except _ODD:  # it does not say
        return datetime.now(UTC)


def _has_ended(client: docker.DockerClient, container: str, start: str) -> bool:
    """Return whether `container`, started at `start`, is known to run no more."""
    try:
        return _started_at(client, container) != start
    except (EngineError, *_ODD):
        return False


def _started_at(client: docker.DockerClient, container: str) -> str | None:
    """Return when the engine started `container`, or None where it does not run it.

    Raises:
        EngineError: The engine can't be asked.
    """
    try:
        state = client.api.inspect_container(container)["State"]
    except docker.errors.NotFound:
        return None
    except ENGINE_FAILURES as error:
        msg = f"the container engine does not say whether {container} runs: {error}"
        raise EngineError(
            msg,
            remedy="See whether it runs: `harness doctor`.",
        ) from error
    return str(state.get("StartedAt")) if state.get("Running") else None


def _remove(client: docker.DockerClient, entry: Mapping[str, Any]) -> bool:
    try:
        client.api.remove_container(entry["Id"], force=True, v=True)
    except docker.errors.NotFound:  # another harness was quicker
        return False
    except ENGINE_FAILURES as error:
        if _is_in_progress(error):  # another harness has just asked for it
            return True
        # As text: a kept log record would keep the error's frames and their sockets alive.
        _LOG.warning("the orphaned container %s could not be removed: %s", entry["Id"], str(error))
        return False
    return True


def _is_in_progress(error: Exception) -> bool:
    if not isinstance(error, docker.errors.APIError):
        return False
    return error.status_code == HTTPStatus.CONFLICT and "already in progress" in str(error)
