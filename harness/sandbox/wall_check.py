"""Whether the engine built the walls that were asked for; nothing of what they are for.

An engine drops what it does not know or can't do, some without a word: Podman's Docker-compatible
socket ignores a runtime, a kernel without swap accounting loses the swap limit. So a container is
looked at after it is made and before it is started.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from typing import Any

from harness.errors import EngineError
from harness.sandbox.engine import EngineDescription

WAIVABLE = ("memory", "swap", "pids", "cpus", "seccomp")
"""The walls that an operator may do without; the others are asked of every engine."""
PODMAN_FOLDERS = ("/run", "/var/tmp")  # noqa: S108 - the container's own
"""Where Podman puts a writable tmpfs of any size into a read-only container, if told nothing."""
_NOTHING_WRITABLE = "ro,noexec,nosuid,nodev,size=4k"
_NAMES = {
    "Memory": "memory",
    "MemorySwap": "swap",
    "PidsLimit": "pids",
    "CpuQuota": "cpus",
    "CpuPeriod": "cpus",
    "ShmSize": "shm",
    "NetworkMode": "network",
    "CapDrop": "capabilities",
    "SecurityOpt": "security options",
    "ReadonlyRootfs": "read-only root",
    "Tmpfs": "writable folders",
    "Ulimits": "ulimits",
    "LogConfig": "log",
    "DeviceRequests": "gpus",
    "Runtime": "runtime",
    "IpcMode": "ipc",
    "Init": "init",
}
_UNIVERSAL_CAPABILITIES = {
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
"""What every engine gives a container that asks for nothing: Podman lists what it took away."""


def own_tmpfs(engine: EngineDescription) -> dict[str, str]:
    """Return the tmpfs mounts to ask of `engine` so that nothing but /tmp can be written."""
    return dict.fromkeys(PODMAN_FOLDERS, _NOTHING_WRITABLE) if engine.is_podman else {}


def refuse_unenforced(engine: EngineDescription, *, waived: Collection[str]) -> None:
    """Do nothing where the engine enforces every wall that is not `waived`.

    Raises:
        EngineError: It says itself that it lacks one.
    """
    missing = [name for name in engine.unenforced if name not in waived]
    if not missing:
        return
    kind = " rootless" if engine.rootless else ""
    names = ",".join(engine.unenforced)
    msg = f"{engine.name} {engine.version} does not enforce {', '.join(missing)} on its machine"
    raise EngineError(
        msg,
        remedy=f"docs/engines.md says how a{kind} engine gets these walls; `harness evaluate` and "
        f"`harness check` take --allow-unenforced {names} for a submission that you trust.",
    )


def refuse_missing_walls(
    asked: Mapping[str, Any],
    inspected: Mapping[str, Any],
    *,
    user: str,
    engine: EngineDescription,
    waived: Collection[str],
) -> None:
    """Do nothing where the container `inspected` has every wall of the host config `asked`.

    `user` is whom it was to run as, on `engine`; walls in `waived` may differ.

    Raises:
        EngineError: A wall is missing or another one; the container must not be started.
    """
    differences = chain(
        _missing(asked, inspected),
        _never_asked(asked, inspected, user),
        _unusual(asked, inspected, engine),
    )
    found = [text for wall, text in differences if wall not in waived]
    if not found:
        return
    hint = "Podman's socket takes no runtime: start its service with `podman --runtime NAME`. "
    msg = f"the container engine did not build the walls it was asked for: {'; '.join(found)}"
    raise EngineError(
        msg,
        remedy=(hint if any(text.startswith("runtime") for text in found) else "")
        + "docs/engines.md says what each engine can do; `harness doctor` shows this one.",
    )


def _missing(asked: Mapping[str, Any], inspected: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name of each wall that is not as asked, and in what."""
    given: Mapping[str, Any] = inspected["HostConfig"]
    for key, wanted in asked.items():
        if wanted is None or (key == "CapDrop" and inspected.get("BoundingCaps") == []):
            continue  # where an engine says that nothing is left, it need not say what it took
        same = _COMPARED.get(key, _equal)
        if not same(wanted, given.get(key)):
            wall = _NAMES.get(key, key)
            yield wall, f"{wall} is {given.get(key)!r}, not {wanted!r}"


def _never_asked(
    asked: Mapping[str, Any], inspected: Mapping[str, Any], user: str
) -> Iterator[tuple[str, str]]:
    """Yield what the container has besides, and in what."""
    given: Mapping[str, Any] = inspected["HostConfig"]
    for key, harmless in _NEVER_ASKED.items():
        if (given.get(key) or "") not in harmless and key not in asked:
            yield key, f"{key} is {given[key]!r}, which nobody asked for"
    if inspected["Config"].get("User") != user:
        yield "user", f"user is {inspected['Config'].get('User')!r}, not {user!r}"
    for mount in inspected.get("Mounts") or ():
        if mount.get("Type") != "tmpfs":
            yield "mounts", f"{mount.get('Destination')} is a mount, which nobody asked for"
    if left := [*(inspected.get("EffectiveCaps") or ()), *(inspected.get("BoundingCaps") or ())]:
        yield "capabilities", f"capabilities is {left!r}, not []"
    restart = (given.get("RestartPolicy") or {}).get("Name")
    if restart not in (None, "", "no"):
        yield "RestartPolicy", f"RestartPolicy is {restart!r}, which nobody asked for"
    check = (inspected["Config"].get("Healthcheck") or {}).get("Test")
    if check and check != ["NONE"]:
        yield "health check", f"health check is {check!r}, which nobody asked for"


def _unusual(
    asked: Mapping[str, Any], inspected: Mapping[str, Any], engine: EngineDescription
) -> Iterator[tuple[str, str]]:
    """Yield what is not as it is by default; only of Docker, as Podman does not say these."""
    given: Mapping[str, Any] = inspected["HostConfig"]
    if engine.is_podman:
        return
    runtime, usual = given.get("Runtime"), engine.default_runtime
    if not asked.get("Runtime") and runtime and usual and runtime != usual:
        yield "runtime", f"runtime is {runtime!r}, not the engine's usual {usual!r}"
    for key in ("MaskedPaths", "ReadonlyPaths"):
        if given.get(key) == []:  # an engine that does not list them gives no list
            yield key, f"{key} is [], so that the kernel's own files lie open"
    if given.get("Sysctls"):
        yield "Sysctls", f"Sysctls is {given['Sysctls']!r}, which nobody asked for"


def _equal(wanted: Any, given: Any) -> bool:  # noqa: ANN401 - JSON of the engine
    return bool(wanted == given) or (not wanted and not given)


def _same_capabilities(wanted: list[str], given: list[str] | None) -> bool:
    names = {name.removeprefix("CAP_") for name in given or ()}
    return "ALL" in names or (wanted == ["ALL"] and names >= _UNIVERSAL_CAPABILITIES)


def _same_security(wanted: list[str], given: list[str] | None) -> bool:
    """Compare by name: engines shorten a profile's text; none may be switched off."""
    there = {option.partition("=")[0].partition(":")[0] for option in given or ()}
    asked = {option.partition("=")[0].partition(":")[0] for option in wanted}
    off = [o for o in given or () if o.endswith(("unconfined", "disable", "privileges=false"))]
    return asked <= there and not off


def _same_ulimits(wanted: list[dict[str, Any]], given: list[dict[str, Any]] | None) -> bool:
    def plain(limits: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
        return {
            str(limit["Name"]).lower().removeprefix("rlimit_"): (limit["Soft"], limit["Hard"])
            for limit in limits
        }

    return plain(wanted).items() <= plain(given or []).items()


def _same_folders(wanted: Mapping[str, str], given: Mapping[str, str] | None) -> bool:
    """Compare the folders and, for each, the options asked for; an engine adds its own."""
    there = given or {}
    return wanted.keys() == there.keys() and all(
        set(options.split(",")) <= set(there[folder].split(","))
        for folder, options in wanted.items()
    )


def _same_log(wanted: Mapping[str, Any], given: Mapping[str, Any] | None) -> bool:
    return bool(wanted.get("Type") == (given or {}).get("Type"))


def _same_devices(wanted: list[Any], given: list[Any] | None) -> bool:
    return len(wanted) == len(given or ())


def _own_ipc(wanted: str, given: str | None) -> bool:
    """Compare; Podman calls a container's own namespace shareable whatever was asked."""
    return wanted == given or (wanted == "private" and given == "shareable")


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "CapDrop": _same_capabilities,
    "SecurityOpt": _same_security,
    "Ulimits": _same_ulimits,
    "Tmpfs": _same_folders,
    "LogConfig": _same_log,
    "DeviceRequests": _same_devices,
    "IpcMode": _own_ipc,
}
_NEVER_ASKED: dict[str, tuple[Any, ...]] = {
    "Privileged": ("",),
    "Binds": ("",),
    "CapAdd": ("",),
    "Devices": ("",),
    "DeviceCgroupRules": ("",),
    "Mounts": ("",),
    "VolumesFrom": ("",),
    "GroupAdd": ("",),
    "PidMode": ("", "private"),
    "UTSMode": ("", "private"),
    "UsernsMode": ("", "private"),
    "OomKillDisable": ("",),
}
"""What no submission is given, and how it reads where it is not."""
