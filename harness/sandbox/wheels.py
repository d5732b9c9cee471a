"""Fetches a submission's wheels on the host, so that its image builds without a network."""

import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ImageBuildError, SubmissionError
from harness.records.base import sha256_hex
from harness.sandbox.base_image import BaseImage

REQUIREMENTS_NAME = "requirements.txt"
NEWEST_GLIBC = 36
"""glibc 2.36 is Debian bookworm's, which the default base image is made of."""
OLDEST_GLIBC = 17
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[A-Za-z0-9._,\s-]*\])?"
    r"\s*(?:\(?\s*[<>=!~][^;@/\\]*\)?)?\s*(?:;[^@/\\]*)?"
)
INDEX_OPTION = re.compile(r"(?:-i|--index-url|--extra-index-url|-f|--find-links)[ =]+https://\S+")
OTHER_OPTIONS = {"--require-hashes", "--pre", "--prefer-binary", "--only-binary :all:"}
HASH = re.compile(r"\s--hash[ =]sha256:[0-9a-f]{64}(?=\s|$)")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """The wheels of one requirements.txt."""

    files: tuple[Path, ...]
    """The wheel files, by name."""
    cached: bool
    """Whether they were there already."""


def fetch_wheels(requirements: str, base: BaseImage, *, cache_dir: Path) -> Wheels:
    """Return the wheels that `requirements` asks for on `base`, from the cache where possible.

    Only wheels are fetched, never an archive that would run code on the host. pip's own settings
    (indexes, proxies, certificates) hold.

    Raises:
        SubmissionError: A line is none that can be fetched safely.
        ImageBuildError: A wheel does not exist or can't be fetched.
    """
    lines = checked_requirements(requirements)
    identity = json.dumps([lines, base.python_version, base.machine]).encode()
    folder = cache_dir / "wheels" / sha256_hex(identity)
    if folder.is_dir():
        return Wheels(files=_in(folder), cached=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # absolute, because pip runs in a folder of its own
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix="fetching-")).resolve()
    try:
        if lines:
            _download(lines, base, scratch)
        (scratch / REQUIREMENTS_NAME).unlink(missing_ok=True)
        try:
            scratch.rename(folder)
        except OSError:  # another process fetched the same wheels meanwhile
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Wheels(files=_in(folder), cached=False)


def checked_requirements(text: str) -> list[str]:
    """Return the lines of a requirements.txt, comments left out and continued lines joined.

    Raises:
        SubmissionError: A line is neither a named requirement nor an option that is allowed.
    """
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines()]
    lines = [" ".join(line.split()) for line in lines if line]
    for line in lines:
        if not _allowed(line):
            msg = f"{REQUIREMENTS_NAME}: `{line[:100]}` can't be fetched safely"
            raise SubmissionError(
                msg,
                remedy="Use names with versions and hashes, and https indexes; put wheels of your "
                "own into the folder's wheels/.",
            )
    return lines


def _allowed(line: str) -> bool:
    if line.startswith("-"):
        return line in OTHER_OPTIONS or INDEX_OPTION.fullmatch(line) is not None
    return REQUIREMENT.fullmatch(HASH.sub("", line).strip()) is not None


def _in(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob("*.whl")))


def _download(lines: list[str], base: BaseImage, folder: Path) -> None:
    requirements = folder / REQUIREMENTS_NAME
    requirements.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input"),
        *("--quiet", "--only-binary", ":all:", "--dest", str(folder)),
        *("--python-version", base.python_version, "--implementation", "cp"),
        *(part for tag in _platforms(base.machine) for part in ("--platform", tag)),
        *("--requirement", str(requirements)),
    ]
    _log.info("fetching wheels for Python %s", base.python_version)
    # an empty working folder, so that no requirement is taken for a file that lies there
    with tempfile.TemporaryDirectory() as empty:
        result = subprocess.run(
            command, check=False, cwd=empty, stdin=subprocess.DEVNULL, capture_output=True
        )
    if result.returncode != 0:
        msg = f"the wheels of {REQUIREMENTS_NAME} can't be fetched: {_reason(result.stderr)}"
        raise ImageBuildError(
            msg,
            remedy="Ask for versions that have wheels for Python "
            f"{base.python_version}, check the network and pip's settings, or put the wheels "
            "into the folder's wheels/.",
        )


def _platforms(machine: str) -> list[str]:
    newest_first = range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
    glibc = [f"manylinux_2_{minor}_{machine}" for minor in newest_first]
    # pip takes the older names manylinux2010 and manylinux1 from manylinux2014 by itself
    return [*glibc, f"manylinux2014_{machine}", f"linux_{machine}"]


def _reason(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or [line for line in lines if line] or ["pip failed without a word"])[-1][:300]
