"""Containers whose harness is gone; nothing of those that still have one."""

import logging
from datetime import UTC, datetime

import docker
import docker.errors

from harness.errors import EngineError
from harness.sandbox.engine import ENGINE_FAILURES
from harness.sandbox.owner import RUN_LABEL, is_orphan

_LOG = logging.getLogger(__name__)


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
    orphans = [entry for entry in found if is_orphan(entry["Labels"], now=now)]
    return tuple(entry["Labels"][RUN_LABEL] for entry in orphans if _remove(client, entry["Id"]))


def _remove(client: docker.DockerClient, container: str) -> bool:
    try:
        client.api.remove_container(container, force=True, v=True)
    except docker.errors.NotFound:  # another harness was quicker
        return False
    except ENGINE_FAILURES as error:
        _LOG.warning("the orphaned container %s could not be removed: %s", container, error)
        return False
    return True
