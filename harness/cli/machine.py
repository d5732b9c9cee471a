"""Looks at this machine, one thing after the other; decides nothing and changes nothing."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.workspace import Workspace
from harness.records.diagnosis import CheckStatus, MachineCheck

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.sandbox.engine import EngineDescription, Exposure

DISTRIBUTION = "segmentation-attribute-harness"
LOW_DISK_BYTES = 5 * 10**9
SECCOMP_DOCKER = 25
"""The first Docker whose seccomp filter closes io_uring."""
VSOCK_DOCKER = 23
"""The first one whose filter closes sockets to the hypervisor (AF_VSOCK)."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def python_checks() -> Iterator[MachineCheck]:
    """Yield how Python and the packages of the harness stand."""
    found = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    yield _ok("python", found)
    versions, absent = _package_versions()
    if absent:
        yield _missing(
            "packages",
            f"not installed: {', '.join(absent)}",
            "Run `scripts/python-env.sh runtime`, or install the harness with pip again.",
        )
    else:
        yield _ok("packages", ", ".join(f"{name} {version}" for name, version in versions.items()))


def engine_checks() -> Iterator[MachineCheck]:
    """Yield how the container engine, its runtimes and its images stand."""
    from harness.errors import EngineError
    from harness.sandbox.engine import ENGINE_FAILURES, connect, describe, exposure

    try:
        client = connect()
    except EngineError as error:
        yield _missing("engine", str(error), error.remedy)
        return
    with closing(client):
        try:
            engine = describe(client)
        except EngineError as error:
            yield _missing("engine", str(error), error.remedy)
            return
        yield _engine_check(engine, exposure(client))
        yield _limits_check(engine)
        yield from _seccomp_check(engine)
        yield _runtimes_check(engine)
        try:
            yield _base_image_check(client)
            yield _submission_images_check(client)
        except ENGINE_FAILURES as error:
            yield _missing(
                "images",
                f"the engine does not list its images: {error}",
                "See what `docker images` and the engine's own log say.",
            )
        yield from _engine_disk_check(engine)


def gpu_checks() -> Iterator[MachineCheck]:
    """Yield which GPUs the driver names."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, check=False, capture_output=True, text=True, timeout=20)
        lines = answer.stdout.strip().splitlines() if answer.returncode == 0 else []
    except (OSError, subprocess.TimeoutExpired):
        lines = []
    if lines:
        yield _ok("gpu", "; ".join(lines))
    else:
        yield _warn(
            "gpu",
            "none that nvidia-smi names",
            "None is needed unless a recipe uses the diffusion editor or a submission asks for "
            "one; then install NVIDIA's driver.",
        )


def workspace_checks(workspace: Workspace) -> Iterator[MachineCheck]:
    """Yield how the workspace's disk, caches, benchmarks and results stand."""
    yield _disk_check("disk: workspace", workspace.root)
    sizes = {name: _size(workspace.cache / name) for name in ("wheels", "weights")}
    said = ", ".join(f"{name} {_human(size)}" for name, size in sizes.items())
    yield _ok("cache", f"{workspace.cache}: {said}; safe to delete")
    built = sorted(path.parent.name for path in workspace.benchmark_data.glob("*/benchmark.json"))
    if built:
        yield _ok("benchmarks", f"built: {', '.join(built)}")
    else:
        yield _warn("benchmarks", "none is built", "Run `harness build-benchmark mini`.")
    yield _database_check(workspace.database)


def browser_checks() -> Iterator[MachineCheck]:
    """Yield whether the tests of the site find Chromium."""
    found = os.environ.get("HARNESS_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), ""
    )
    if found and Path(found).exists():
        yield _ok("chromium", found)
    else:
        yield _warn(
            "chromium",
            "not found; only the tests of the site need it",
            "Run `scripts/browser.sh`, or set HARNESS_CHROMIUM to Chromium or Chrome.",
        )


def _ok(subject: str, found: str) -> MachineCheck:
    return MachineCheck(subject=subject, status=CheckStatus.OK, found=found)


def _warn(subject: str, found: str, remedy: str) -> MachineCheck:
    return MachineCheck(subject=subject, status=CheckStatus.WARN, found=found, remedy=remedy)


def _missing(subject: str, found: str, remedy: str) -> MachineCheck:
    return MachineCheck(subject=subject, status=CheckStatus.MISSING, found=found, remedy=remedy)


def _package_versions() -> tuple[dict[str, str], list[str]]:
    """Return the versions of the runtime's packages, and the names of those not installed."""
    versions: dict[str, str] = {}
    absent: list[str] = []
    try:
        required = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return {}, [DISTRIBUTION]
    for requirement in [*(line for line in required if "extra ==" not in line), "pip"]:
        name = requirement.split(";")[0].split(">")[0].split("=")[0].strip()
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
    return versions, absent


def _engine_check(engine: "EngineDescription", exposed: "Exposure | None") -> MachineCheck:
    from harness.sandbox.engine import Exposure

    rights = "rootless" if engine.rootless else "with root's rights"
    users = "users remapped" if engine.remapped else "users not remapped"
    found = (
        f"{engine.name} {engine.version} at {engine.address}, {rights}, {users}, "
        f"API {engine.api_version}, {engine.storage_driver}, "
        f"cgroup v{engine.cgroup_version or '?'}, "
        f"{engine.cpus} CPUs, {engine.memory_bytes / 2**30:.1f} GiB"
    )
    if exposed is None:
        return _ok("engine", found)
    remedies = {
        Exposure.PLAIN: "Whoever reaches this address is root on that machine, and nothing is "
        "encrypted: use ssh://USER@HOST, or TLS (DOCKER_TLS_VERIFY, DOCKER_CERT_PATH).",
        Exposure.UNVERIFIED: "The engine's certificate is not verified, so whoever stands in "
        "between can pass for it: set DOCKER_TLS_VERIFY=1, or make the context anew without "
        "skip-tls-verify.",
    }
    return _warn("engine", found, remedies[exposed])


def _limits_check(engine: "EngineDescription") -> MachineCheck:
    if engine.unenforced:
        return _missing(
            "limits",
            f"this engine does not enforce: {', '.join(engine.unenforced)}",
            "Submissions could exceed these, so `harness evaluate` refuses them here: give the "
            "engine the cgroup controllers (docs/engines.md), or allow it for those you trust with "
            f"--allow-unenforced {','.join(engine.unenforced)}.",
        )
    return _ok("limits", "memory, swap, pids, cpus and seccomp are enforced")


def _seccomp_check(engine: "EngineDescription") -> Iterator[MachineCheck]:
    """Yield how much of the kernel Docker's own filter leaves open; older ones leave more."""
    major = engine.version.partition(".")[0]
    if engine.name != "Docker Engine" or "seccomp" in engine.unenforced or not major.isdecimal():
        return
    if int(major) >= SECCOMP_DOCKER:
        yield _ok("seccomp", f"the filter of Docker {engine.version}")
        return
    open_ = "io_uring" if int(major) >= VSOCK_DOCKER else "io_uring and AF_VSOCK"
    yield _warn(
        "seccomp",
        f"the filter of Docker {engine.version} lets submissions use the kernel's {open_}",
        f"Update Docker to {SECCOMP_DOCKER} or newer, or evaluate those you don't trust with "
        "--runtime runsc.",
    )


def _runtimes_check(engine: "EngineDescription") -> MachineCheck:
    known = [name for name in engine.runtimes if not name.startswith("io.containerd.")]
    found = f"{', '.join(known)} (default {engine.default_runtime})"
    if "runsc" in known:
        return _ok("runtimes", found)
    return _warn(
        "runtimes",
        f"{found}; gVisor's runsc is not there",
        "Only for stronger walls: install runsc, add it to the engine's runtimes, and evaluate "
        "with --runtime runsc.",
    )


def _base_image_check(client: "DockerClient") -> MachineCheck:
    from harness.sandbox.base_image import DEFAULT_BASE, LOCAL_BASE

    names = (DEFAULT_BASE, LOCAL_BASE)
    there = [image for name in names for image in client.images.list(name=name)]
    if there:
        sizes = [
            f"{image.tags[0]} ({_human(int(image.attrs.get('Size', 0)))})"
            for image in there
            if image.tags
        ]
        return _ok("base image", ", ".join(sizes))
    return _warn(
        "base image",
        f"neither {DEFAULT_BASE} nor {LOCAL_BASE} is present",
        "It is pulled when needed; where it can't be, run `harness base-image` once.",
    )


def _submission_images_check(client: "DockerClient") -> MachineCheck:
    from harness.sandbox.image import CONTEXT_LABEL

    images = client.images.list(filters={"label": CONTEXT_LABEL, "dangling": False})
    return _ok("submission images", f"{len(images)} built; `docker rmi` removes those not needed")


def _engine_disk_check(engine: "EngineDescription") -> Iterator[MachineCheck]:
    root = Path(engine.root)
    # a remote engine's folder is not on this machine, even where one of that name is
    if engine.address.startswith("unix://") and root.is_dir() and os.access(root, os.X_OK):
        yield _disk_check("disk: engine", root)


def _disk_check(subject: str, folder: Path) -> MachineCheck:
    existing = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    usage = shutil.disk_usage(existing)
    found = f"{_human(usage.free)} free of {_human(usage.total)} at {folder}"
    if usage.free < LOW_DISK_BYTES:
        return _warn(
            subject, found, "Free some space: images, benchmarks and wheels take a few GB."
        )
    return _ok(subject, found)


def _database_check(database: Path) -> MachineCheck:
    if not database.exists():
        return _ok("results", f"none yet; `harness evaluate` makes {database}")
    if not os.access(database, os.R_OK | os.W_OK):
        return _warn(
            "results",
            f"{database} can't be read and written",
            "Give this user the right to it, or choose another --workspace.",
        )
    return _ok("results", f"{database} ({_human(database.stat().st_size)})")


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            # it has just gone, or is a link to nothing
            with suppress(OSError):
                total += Path(place, name).stat().st_size
    return total


def _human(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB" if size < 1000 else f"{size / 1000:.1f} TB"
