"""Which process of which machine a container belongs to; nothing of containers at work.

A harness may itself run in a container. Then its host name and process numbers mean nothing outside
and are new each time, so it is known by that container, which the engine can be asked about.
"""

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.records.submission import ContainerLimits

RUN_LABEL = "harness.run"
HOST_LABEL = "harness.host"
PROCESS_LABEL = "harness.process"
EXPIRES_LABEL = "harness.expires"
CONTAINER_LABEL = "harness.container"
_EXPIRY_SLACK_SECONDS = 86400
"""How long after its total deadline a container is left alone: harness time does not count."""
_PROC = Path("/proc")
_START_TIME_FIELD = 19
"""Where the start time stands in /proc/PID/stat after the command's closing bracket (proc(5))."""
_MOUNT_ROOT, _MOUNT_POINT = 3, 4
"""Fields of a line of /proc/self/mountinfo (proc(5))."""
_ENGINES_OWN_FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
"""What an engine puts into every container, from a folder called after the container."""
_CONTAINER_ID = re.compile(r"/(?:overlay-)?containers/([0-9a-f]{64})/")
"""Docker: .../containers/ID/hostname; Podman: .../overlay-containers/ID/userdata/hostname."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, told from another that later gets the same number."""

    host: str
    """The machine's name, or the container's in which the harness runs."""
    process: str
    """`<boot>-<pid namespace>/<pid>/<start time>`: machines on one engine may share a name, and the
    first pid namespace has the same number on all of them."""
    container: str = ""
    """`<id>/<start time>` of the container it runs in, where the engine knows that one; a restart
    gives it another."""


def this_process(*, container: str = "") -> Owner:
    """Return the running process as an owner, in the `container` that the engine says it is in."""
    pid = os.getpid()
    return Owner(
        host=socket.gethostname(),
        process=f"{_pid_namespace()}/{pid}/{_start_time(pid)}",
        container=container,
    )


def own_container_id() -> str | None:
    """Return the id of the container this process seems to run in, or None."""
    try:
        return container_id_in((_PROC / "self" / "mountinfo").read_text(errors="replace"))
    except OSError:  # no /proc: not Linux
        return None


def container_id_in(mountinfo: str) -> str | None:
    """Return the id that Docker or Podman gave the container whose `mountinfo` this is, or None."""
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if len(fields) > _MOUNT_POINT and fields[_MOUNT_POINT] in _ENGINES_OWN_FILES:
            found = _CONTAINER_ID.search(fields[_MOUNT_ROOT])
            if found:
                return found.group(1)
    return None


def owner_labels(
    owner: Owner, run_id: str, *, limits: ContainerLimits, now: datetime
) -> dict[str, str]:
    """Return the labels of a container of `run_id` that `owner` starts at `now`."""
    expires = now.timestamp() + limits.total_seconds + _EXPIRY_SLACK_SECONDS
    inside = {CONTAINER_LABEL: owner.container} if owner.container else {}
    return inside | {
        RUN_LABEL: run_id,
        HOST_LABEL: owner.host,
        PROCESS_LABEL: owner.process,
        EXPIRES_LABEL: f"{expires:.0f}",
    }


def is_orphan(
    labels: Mapping[str, str], *, now: datetime, started_at: Callable[[str], str | None]
) -> bool:
    """Return whether nobody waits for the container with `labels` any more.

    A process of this machine that has ended leaves orphans, and so does a container of this engine
    in which the harness ran: `started_at` says when the container of an id was started, or None
    where it does not run. What another machine started is one only when it has outlived every
    deadline.
    """
    expires = labels.get(EXPIRES_LABEL, "")
    if expires.isdecimal() and now.timestamp() > int(expires):
        return True
    container, _, start = labels.get(CONTAINER_LABEL, "").partition("/")
    if container and started_at(container) != start:
        return True
    namespace, _, rest = labels.get(PROCESS_LABEL, "").partition("/")
    pid, _, started = rest.partition("/")
    ours = labels.get(HOST_LABEL) == socket.gethostname() and namespace == _pid_namespace()
    return ours and pid.isdecimal() and not _lives(int(pid), started)


def _pid_namespace() -> str:
    try:
        number = str((_PROC / "self" / "ns" / "pid").readlink()).strip("pid:[]")
        boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
    except OSError:  # no /proc: not Linux
        return ""
    return f"{boot}-{number}"


def _lives(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process: it answers
        pass
    # A number that was given away anew starts at another time; "" is a time that can't be read.
    return _start_time(pid) in ("", started)


def _start_time(pid: int) -> str:
    """Return when `pid` started, as the kernel counts; empty where it can't be read."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_START_TIME_FIELD]
