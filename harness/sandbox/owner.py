"""Which process of which machine a container belongs to; nothing of containers at work.

A harness may itself run in a container. Then its host name and process numbers mean nothing outside
and are new each time, so it is known by that container, which the engine can be asked about.
"""

import os
import re
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.records.submission import ContainerLimits

RUN_LABEL = "harness.run"
HOST_LABEL = "harness.host"
PROCESS_LABEL = "harness.process"
EXPIRES_LABEL = "harness.expires"
CONTAINER_LABEL = "harness.container"
_RUN_ID = re.compile("[0-9a-f]{12}")
_EXPIRES = re.compile("[0-9]{1,12}")
_INSIDE = re.compile("(?P<id>[0-9a-f]{64})/(?P<start>[0-9A-Za-z:.+-]{1,64})")
_PROCESS = re.compile(
    "(?P<namespace>[0-9a-f-]{1,64})/(?P<pid>[1-9][0-9]{0,8})/(?P<started>[0-9]{0,20})"
)
"""What the labels must look like to count: an image may have brought them, of any length."""
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


def container_name(run_id: str, number: int = 0) -> str:
    """Return a name for container `number` of `run_id`, another one for every start."""
    return f"harness-{run_id}-{number}-{secrets.token_hex(4)}"


def owner_labels(
    owner: Owner, run_id: str, *, limits: ContainerLimits, now: datetime
) -> dict[str, str]:
    """Return the labels of a container of `run_id` that `owner` starts at `now`, by the engine.

    Every one of them is there, or the image's own label of that name would stand in its place.
    """
    expires = now.timestamp() + limits.total_seconds + _EXPIRY_SLACK_SECONDS
    return {
        RUN_LABEL: run_id,
        HOST_LABEL: owner.host,
        PROCESS_LABEL: owner.process,
        EXPIRES_LABEL: f"{expires:.0f}",
        CONTAINER_LABEL: owner.container,
    }


def is_ours(names: Iterable[str], labels: Mapping[str, str]) -> bool:
    """Return whether a harness made the container of these `names`, as the engine lists them.

    Its labels alone don't say so: an image can bring any label, and no name.
    """
    run_id = labels.get(RUN_LABEL, "")
    if _RUN_ID.fullmatch(run_id) is None:
        return False
    return any(name.startswith(f"/harness-{run_id}") for name in names)


def is_orphan(
    labels: Mapping[str, str], *, now: datetime, has_ended: Callable[[str, str], bool]
) -> bool:
    """Return whether nobody waits for the container with `labels` any more.

    A process of this machine that has ended leaves orphans, and so does a container of this engine
    in which the harness ran: `has_ended` is given its id and when it was started, and says whether
    it surely runs no more since then. What another machine started is one only when it has
    outlived every deadline. `now` is the engine's time.
    """
    expires = labels.get(EXPIRES_LABEL, "")
    if _EXPIRES.fullmatch(expires) and now.timestamp() > int(expires):
        return True
    inside = _INSIDE.fullmatch(labels.get(CONTAINER_LABEL, ""))
    if inside is not None and has_ended(inside["id"], inside["start"]):
        return True
    return owner_lives(labels) is False


def owner_lives(labels: Mapping[str, str]) -> bool | None:
    """Return whether the process that made the container with `labels` lives, or None.

    None where that can't be seen: from another machine, in another container or since a reboot.
    """
    process = _PROCESS.fullmatch(labels.get(PROCESS_LABEL, ""))
    # Off Linux the namespace is "", which the pattern has not: it would be that of any machine.
    if process is None or process["namespace"] != _pid_namespace():
        return None
    if labels.get(HOST_LABEL) != socket.gethostname():
        return None
    return _lives(int(process["pid"]), process["started"])


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
