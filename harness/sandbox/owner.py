"""Which process of which machine a container belongs to; nothing of containers at work."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.records.submission import ContainerLimits

RUN_LABEL = "harness.run"
HOST_LABEL = "harness.host"
PROCESS_LABEL = "harness.process"
EXPIRES_LABEL = "harness.expires"
_EXPIRY_SLACK_SECONDS = 86400
"""How long after its total deadline a container is left alone: harness time does not count."""
_PROC = Path("/proc")
_START_TIME_FIELD = 19
"""Where the start time stands in /proc/PID/stat after the command's closing bracket (proc(5))."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, told from another that later gets the same number."""

    host: str
    """The machine's name, or the container's in which the harness runs."""
    process: str
    """`<pid namespace>/<pid>/<start time>`."""


def this_process() -> Owner:
    """Return the running process as an owner."""
    pid = os.getpid()
    return Owner(host=socket.gethostname(), process=f"{_pid_namespace()}/{pid}/{_start_time(pid)}")


def owner_labels(
    owner: Owner, run_id: str, *, limits: ContainerLimits, now: datetime
) -> dict[str, str]:
    """Return the labels of a container of `run_id` that `owner` starts at `now`."""
    expires = now.timestamp() + limits.total_seconds + _EXPIRY_SLACK_SECONDS
    return {
        RUN_LABEL: run_id,
        HOST_LABEL: owner.host,
        PROCESS_LABEL: owner.process,
        EXPIRES_LABEL: f"{expires:.0f}",
    }


def is_orphan(labels: Mapping[str, str], *, now: datetime) -> bool:
    """Return whether nobody waits for the container with `labels` any more.

    A process of this machine that has ended leaves orphans; what another machine started is one
    only when it has outlived every deadline.
    """
    expires = labels.get(EXPIRES_LABEL, "")
    if expires.isdecimal() and now.timestamp() > int(expires):
        return True
    namespace, _, rest = labels.get(PROCESS_LABEL, "").partition("/")
    pid, _, started = rest.partition("/")
    ours = labels.get(HOST_LABEL) == socket.gethostname() and namespace == _pid_namespace()
    return ours and pid.isdecimal() and not _lives(int(pid), started)


def _pid_namespace() -> str:
    try:
        return str((_PROC / "self" / "ns" / "pid").readlink()).strip("pid:[]")
    except OSError:  # no /proc: not Linux
        return ""


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
