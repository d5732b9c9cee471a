"""Containers whose harness is gone; nothing of those that still have one."""

import functools
import logging
from datetime import UTC, datetime

import docker
import docker.errors

from harness.errors import EngineError
from harness.sandbox.engine import ENGINE_FAILURES
from harness.sandbox.owner import RUN_LABEL, Owner, is_orphan, own_container_id, this_process

_LOG = logging.getLogger(__name__)


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

    Raises:
        EngineError: The engine can't be asked.
    """
    try:
        found = client.api.containers(all=True, filters={"label": RUN_LABEL})
    except ENGINE_FAILURES as error:
        msg = f"the container engine does not list its containers: {error}"
        raise EngineError(
            msg,
            remedy="See whether it runs: `harness doctor`.",
        ) from error
    now = datetime.now(UTC)
    started_at = functools.cache(functools.partial(_started_at, client))
    orphans = [
        entry for entry in found if is_orphan(entry["Labels"], now=now, started_at=started_at)
    ]
    return tuple(entry["Labels"][RUN_LABEL] for entry in orphans if _remove(client, entry["Id"]))


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


def _remove(client: docker.DockerClient, container: str) -> bool:
    try:
        client.api.remove_container(container, force=True, v=True)
    except docker.errors.NotFound:  # another harness was quicker
        return False
    except ENGINE_FAILURES as error:
        _LOG.warning("the orphaned container %s could not be removed: %s", container, error)
        return False
    return True
