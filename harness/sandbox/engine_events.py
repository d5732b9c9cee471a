"""What the engine remembers of a container's life, from its event log; nothing of its outputs.

The state of an exited container does not say who ended it, and sometimes omits that the kernel
killed one of its processes for memory; the engine's own events do.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import docker

from harness.sandbox.engine import EngineDescription


@dataclass(frozen=True, kw_only=True)
class EngineMemory:
    """The events of one container that matter for blame."""

    out_of_memory: bool
    """Whether the kernel killed a process in it for memory."""
    killed: bool
    """Whether somebody had the engine send it a signal, or pause it."""
    death: bool
    """Whether the engine saw it end; not so where the engine itself has been restarted since."""


def read_events(actions: Iterable[str]) -> EngineMemory:
    """Return what a container's event names say, in any order."""
    seen = {action.split(":")[0] for action in actions}
    return EngineMemory(
        out_of_memory="oom" in seen,
        killed=not seen.isdisjoint({"kill", "stop", "restart", "pause"}),
        # Podman says "died".
        death=not seen.isdisjoint({"die", "died"}),
    )


def recall(api: docker.APIClient, container: str, *, engine: EngineDescription) -> EngineMemory:
    """Return what the engine remembers of `container`; every time is the engine's own."""
    inspected = api.inspect_container(container)
    wanted = {
        "since": unix_nanoseconds(inspected["Created"]),
        "filters": json.dumps({"container": [inspected["Id"]]}),
    }
    if engine.is_podman:
        # Podman tells nothing that is older than `until`; this makes it stop where its log ends.
        wanted["stream"] = "false"
    else:
        until = api.info().get("SystemTime") or datetime.now(UTC).isoformat()
        wanted["until"] = unix_nanoseconds(until)
    # Not the SDK's `events`: it knows neither fractions of a second nor Podman's parameter.
    url = f"{api.base_url}/v{api.api_version}/events"
    answer = api.get(url, params=wanted, timeout=api.timeout)
    answer.raise_for_status()
    events: Iterable[dict[str, Any]] = map(json.loads, answer.text.splitlines())
    return read_events(str(event.get("Action") or event.get("status")) for event in events)


def unix_nanoseconds(stamp: str) -> str:
    """Return the engine's RFC 3339 `stamp` as seconds.nanoseconds, which its event log takes."""
    seconds, _, rest = stamp.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :]
    moment = datetime.fromisoformat((seconds + zone).replace("Z", "+00:00"))
    return f"{moment.timestamp():.0f}.{digits.ljust(9, '0')[:9]}"
