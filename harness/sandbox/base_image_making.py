"""Makes a base image from the distribution's packages, for machines that can't pull one."""

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests

from harness.errors import DiskFullError, EngineError, ImageBuildError, PermissionRefusedError
from harness.sandbox.apt_sources import own_mirror
from harness.sandbox.base_image import LOCAL_BASE, PYTHON_VERSION_LABEL

PACKAGES = ("python3", "python3-pip", "python3-venv", "ca-certificates")
NEEDED_BYTES = 1_200_000_000
"""What the unpacked packages and the archives they come in need at once, with room to spare."""
IMPORT_TIMEOUT_SECONDS = 900
LOG_LINES = 5
"""How much of debootstrap's log an error shows."""
NOT_NEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "var/cache/apt",
    "var/cache/debconf",
    "var/lib/apt/lists",
    "var/log",
)
"""What no submission reads; emptied, not removed, because apt expects the folders."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BaseImageRequest:
    """Which base image to make."""

    tag: str = LOCAL_BASE
    """The reference it gets."""
    suite: str = "bookworm"
    """The Debian release it holds."""
    mirror: str | None = None
    """The mirror it comes from; None for this machine's own, else debootstrap's default."""


def make_base_image(
    client: docker.DockerClient,
    request: BaseImageRequest,
    *,
    on_step: Callable[[str], None] = _log.info,
) -> str:
    """Return the content id of the base image that was made as `request` says.

    Raises:
        PermissionRefusedError: This user can't make one.
        DiskFullError: There is too little room for it.
        ImageBuildError: debootstrap is missing or failed.
        EngineError: The engine refused the image.
    """
    _check_machine(Path(tempfile.gettempdir()))
    mirror = request.mirror or own_mirror(request.suite)
    with _scratch_root() as root:
        on_step(f"Fetching Debian {request.suite} with Python and pip (about a minute)")
        _debootstrap(root, request.suite, mirror)
        on_step("Leaving out what no submission needs")
        version = _python_version(root)
        _shrink(root)
        on_step(f"Importing {request.tag}")
        return _import(client, root, tag=request.tag, changes=_changes(request.suite, version))


def _check_machine(scratch: Path) -> None:
    if os.geteuid() != 0:
        msg = "a base image can be made by root only (debootstrap needs chroot)"
        raise PermissionRefusedError(
            msg,
            remedy="Run `sudo harness base-image`, or pull python:3.11-slim-bookworm elsewhere and "
            "bring it here with `docker save` and `docker load`.",
        )
    if shutil.which("debootstrap") is None:
        msg = "debootstrap is not installed"
        raise ImageBuildError(
            msg,
            remedy="Install it (`apt-get install debootstrap`), or bring a base image here with "
            "`docker save` and `docker load`.",
        )
    if (free := shutil.disk_usage(scratch).free) < NEEDED_BYTES:
        msg = (
            f"{scratch} has {free / 1e9:.1f} GB free, and making a base image takes "
            f"{NEEDED_BYTES / 1e9:.1f} GB"
        )
        raise DiskFullError(
            msg,
            remedy="Free some space there, or set TMPDIR to a folder on another disk.",
        )


@contextmanager
def _scratch_root() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="harness-base-"))
    root = folder / "root"
    root.mkdir(mode=0o755)
    try:
        yield root
    finally:
        # debootstrap unmounts what it mounted, unless it was killed: never delete through a mount
        for inner in ("proc", "sys", "dev/pts", "dev"):
            if os.path.ismount(root / inner):
                subprocess.run(["umount", "--lazy", str(root / inner)], check=False)
        if not any(os.path.ismount(root / inner) for inner in ("proc", "sys", "dev")):
            shutil.rmtree(folder, ignore_errors=True)


def _debootstrap(root: Path, suite: str, mirror: str | None) -> None:
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        suite,
        str(root),
        *([mirror] if mirror else []),
    ]
    log_path = root.parent / "debootstrap.log"
    with log_path.open("wb") as log:
        code = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ).returncode
    if code != 0:
        lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        said = " | ".join(line.strip() for line in lines[-LOG_LINES:]) or f"exit code {code}"
        msg = f"debootstrap could not fetch {suite} from {mirror or 'its default mirror'}: {said}"
        raise ImageBuildError(
            msg,
            remedy="Check the suite's name and the mirror (--mirror URL), and that this machine "
            "may mount and chroot.",
        )


def _python_version(root: Path) -> str:
    found = sorted((root / "usr" / "bin").glob("python3.[0-9]*"))
    versions = [path.name.removeprefix("python") for path in found]
    return next(version for version in versions if version.replace(".", "").isdigit())


def _shrink(root: Path) -> None:
    for name in NOT_NEEDED:
        folder = root / name
        if folder.is_dir() and not folder.is_symlink():
            for child in folder.iterdir():
                if child.is_dir() and not child.is_symlink():
                    shutil.rmtree(child)
                else:
                    child.unlink()
    for name in ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial"):
        (root / name).mkdir(parents=True, exist_ok=True)
    python = root / "usr" / "bin" / "python"
    if not python.is_symlink() and not python.exists():
        python.symlink_to("python3")
    for name in ("etc/hostname", "etc/resolv.conf"):  # this machine's, copied in by debootstrap
        (root / name).unlink(missing_ok=True)


def _changes(suite: str, version: str) -> list[str]:
    return [
        f"LABEL {PYTHON_VERSION_LABEL}={version}",
        f"LABEL org.harness.base={suite}",
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ENV LANG=C.UTF-8",
        "ENV PIP_BREAK_SYSTEM_PACKAGES=1",
        'CMD ["python3"]',
    ]


def _import(client: docker.DockerClient, root: Path, *, tag: str, changes: list[str]) -> str:
    repository, _, version = tag.rpartition(":")
    arguments = ["tar", "--numeric-owner", "--sort=name", "-C", str(root), "-c", "."]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as tar:
        answer = _send(
            client, tar.stdout, params={"repo": repository, "tag": version, "changes": changes}
        )
    if tar.returncode != 0:
        msg = f"tar could not pack the base image (exit code {tar.returncode})"
        raise ImageBuildError(
            msg,
            remedy="See what it printed above and run the command again.",
        )
    return _imported_id(client, tag, answer)


def _send(client: docker.DockerClient, stream: Any, *, params: dict[str, Any]) -> str:  # noqa: ANN401
    api = client.api
    try:
        # the SDK's import_image_from_stream has no timeout of its own; a slow disk needs one
        response = api.post(
            f"{api.base_url}/v{api.api_version}/images/create",
            data=stream,
            params={"fromSrc": "-", **params},
            headers={"Content-Type": "application/tar"},
            timeout=IMPORT_TIMEOUT_SECONDS,
        )
    except requests.RequestException as error:
        raise _refused(str(error)) from error
    if not response.ok:
        raise _refused(response.text)
    return response.text


def _imported_id(client: docker.DockerClient, tag: str, answer: str) -> str:
    """Return the id of what was imported, under `tag`: Podman's socket leaves the version out."""
    imported = re.search("sha256:[0-9a-f]{64}", answer)
    repository, _, version = tag.rpartition(":")
    try:
        if imported is not None:
            client.api.tag(imported.group(), repository, version)
        return str(client.images.get(tag).id)
    except docker.errors.DockerException as error:
        raise _refused(answer) from error


def _refused(said: str) -> EngineError:
    return EngineError(
        f"the container engine did not take the base image: {said.strip()[-300:]}",
        remedy="Check the engine's disk space (`harness doctor`) and run the command again.",
    )
