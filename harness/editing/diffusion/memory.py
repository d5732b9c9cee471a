"""How much memory this process may take, as the kernel and the control group say."""

from pathlib import Path, PurePosixPath

KEPT_FREE = 0.15
"""The share of the free memory that is left to everything else."""
_UNLIMITED_FROM = 2**60
"""Control groups of version 1 write a number about as large for no limit."""


def usable(free_bytes: int) -> int:
    """Return what may be taken of `free_bytes`."""
    return int(free_bytes * (1 - KEPT_FREE))


def free_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of main memory that are free for this process; None if nothing says so.

    The least of what the kernel calls available and what the limits of the control groups leave.

    Args:
        root: The folder below which proc and sys are; for tests.
    """
    available = [_kernel_available(root), *_group_rooms(root)]
    known = [amount for amount in available if amount is not None]
    return max(0, min(known)) if known else None


def _kernel_available(root: Path) -> int | None:
    for line in _lines(root / "proc" / "meminfo"):
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return int(amount.split()[0]) * 1024  # in kB of 1024
    return None


def _group_rooms(root: Path) -> list[int | None]:
    """Return what each limited control group above this process has left."""
    rooms: list[int | None] = []
    for line in _lines(root / "proc" / "self" / "cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            mount, limit, usage = root / "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            limit, usage = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        rooms += [_room(folder, limit, usage) for folder in _folders(mount, path)]
    return rooms


def _folders(mount: Path, path: str) -> list[Path]:
    """Return the group's folder and all above it; inside a container only the mount is seen."""
    below = PurePosixPath(path.strip().lstrip("/"))
    return [mount / below, *(mount / parent for parent in below.parents)]


def _room(folder: Path, limit: str, usage: str) -> int | None:
    most = _number(folder / limit)
    used = _number(folder / usage)
    if most is None or used is None or most >= _UNLIMITED_FROM:
        return None
    return most - used + _given_back(folder)


def _given_back(folder: Path) -> int:
    """Return what the kernel drops first when memory runs short: file pages not used of late."""
    fields = dict(line.split() for line in _lines(folder / "memory.stat") if len(line.split()) == 2)
    return int(fields.get("total_inactive_file", fields.get("inactive_file", "0")))


def _number(path: Path) -> int | None:
    first = next(iter(_lines(path)), "")
    return int(first) if first.strip().isdigit() else None  # `max` is no limit


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
