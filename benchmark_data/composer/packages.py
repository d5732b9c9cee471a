"""Fetches pinned Debian packages into a cache and reads their files, refusing changed ones."""

import logging
import shutil
import subprocess
from pathlib import Path

from benchmark_data.composer.catalogue import Asset, CutoutAsset, Package
from harness.errors import SourceDataError
from harness.records.base import sha256_hex

MATTES = Path(__file__).with_name("mattes")
DEFAULT_CACHE = Path(".cache/composer")

log = logging.getLogger(__name__)


def fetch_package(package: Package, cache: Path) -> Path:
    """Return the folder with the unpacked files of `package`, fetched by apt if not cached.

    Raises:
        SourceDataError: apt does not have that version, or the machine has no apt.
    """
    target = cache / f"{package.name}_{package.version.replace(':', '_')}"
    if target.is_dir():
        return target
    work = cache / f"{target.name}.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    log.info("fetching %s %s", package.name, package.version)
    _run(["apt-get", "download", f"{package.name}={package.version}"], work, package)
    archives = sorted(work.glob("*.deb"))
    if len(archives) != 1:
        raise _unavailable(package, "apt-get downloaded no single archive")
    _run(["dpkg", "-x", archives[0].name, "files"], work, package)
    (work / "files").rename(target)
    shutil.rmtree(work)
    return target


def read_asset(asset: Asset, folder: Path) -> bytes:
    """Return the bytes of `asset` out of its package's unpacked `folder`.

    Raises:
        SourceDataError: The file is missing, or its bytes are not the pinned ones.
    """
    try:
        data = (folder / asset.path).read_bytes()
    except FileNotFoundError as error:
        raise _changed(asset, f"{asset.path} is missing") from error
    if asset.member is not None:
        first, length = asset.member
        data = data[first : first + length]
    if sha256_hex(data) != asset.sha256:
        raise _changed(asset, f"{asset.path} is not the pinned file")
    return data


def read_matte(asset: CutoutAsset) -> bytes | None:
    """Return the bytes of the asset's own matte, or None where the photograph brings its alpha.

    Raises:
        SourceDataError: The matte's bytes are not the pinned ones.
    """
    if asset.matte is None:
        return None
    data = (MATTES / asset.matte).read_bytes()
    if sha256_hex(data) != asset.matte_sha256:
        raise _changed(asset, f"mattes/{asset.matte} is not the pinned file")
    return data


def _run(command: list[str], folder: Path, package: Package) -> None:
    try:
        # S603: fixed programs, arguments from the project's own catalogue.
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise _unavailable(package, f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise _unavailable(package, last) from error


def _unavailable(package: Package, why: str) -> SourceDataError:
    return SourceDataError(
        f"the package {package.name} {package.version} can't be fetched: {why}",
        remedy="Run it on Debian 12, whose archive has this version, "
        "or unpack the package into the cache folder by hand.",
    )


def _changed(asset: Asset, why: str) -> SourceDataError:
    return SourceDataError(
        f"the photograph {asset.id} of {asset.package} changed: {why}",
        remedy="Delete the package from the composer's cache and fetch it again.",
    )
