"""The image that submissions are built on: which one is taken, and what Python it holds."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import docker
import docker.errors
import requests

from harness.errors import ImageBuildError
from harness.sandbox.engine import ENGINE_FAILURES, engine_lost
from harness.sandbox.image_file import never_started
from harness.sandbox.path_look import look

DEFAULT_BASE = "python:3.11-slim-bookworm"
"""What `ARG BASE_IMAGE` is by default."""
LOCAL_BASE = "harness-base:bookworm"
"""What `harness base-image` makes where the default can't be pulled."""
PYTHON_VERSION_LABEL = "org.harness.python-version"
_PYTHONS = ("/usr/local/bin/python3", "/usr/bin/python3")
PULL_TIMEOUT_SECONDS = 20
"""Patience with a registry that doesn't answer; being offline is normal."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BaseImage:
    """A base image that is present in the engine."""

    reference: str
    """The reference under which the Dockerfile finds it."""
    digest: str
    """The engine's content id of it."""
    python_version: str
    """The Python it holds, as `3.11`."""
    machine: str
    """The processor it is made for, as `x86_64`."""


def resolve_base_image(client: docker.DockerClient, requested: str | None = None) -> BaseImage:
    """Return the base image to build on: `requested`, else the first of these that is there.

    The default where it is present, the local one where it is present, the default pulled. A base
    that somebody made here goes before a pull, so a closed network costs no waiting.

    Raises:
        ImageBuildError: None of them is there and none can be pulled.
        EngineError: The engine stopped answering.
    """
    wanted = (requested,) if requested else (DEFAULT_BASE, LOCAL_BASE)
    for reference in wanted:
        image = _present(client, reference)
        if image is not None:
            return _described(client, image, reference)
    image = find_or_pull(client, wanted[0])
    if image is None:
        raise _no_base(list(wanted))
    return _described(client, image, wanted[0])


def _described(client: docker.DockerClient, image: Any, reference: str) -> BaseImage:  # noqa: ANN401
    return BaseImage(
        reference=reference,
        digest=str(image.id),
        python_version=_python_version(client, image),
        machine=_machine(str(image.attrs.get("Architecture", ""))),
    )


def find_or_pull(client: docker.DockerClient, reference: str) -> Any | None:  # noqa: ANN401 - the SDK's Image
    """Return the image called `reference`, pulled where it is not present, or None.

    Raises:
        EngineError: The engine stopped answering.
    """
    image = _present(client, reference)
    if image is None and _pull(client, reference):
        image = _present(client, reference)
    return image


def _present(client: docker.DockerClient, reference: str) -> Any | None:  # noqa: ANN401
    try:
        return client.images.get(reference)
    except docker.errors.ImageNotFound:
        return None
    except docker.errors.APIError as error:
        if error.is_client_error():  # no valid reference, so nothing can be there
            return None
        raise engine_lost(error) from error
    except requests.RequestException as error:
        raise engine_lost(error) from error


@lru_cache(maxsize=64)
def _pull(client: docker.DockerClient, reference: str) -> bool:
    """Return whether `reference` could be pulled; remembered, so nobody waits twice."""
    _log.info("pulling %s", reference)
    try:
        with _patience(client, PULL_TIMEOUT_SECONDS):
            client.images.pull(reference)
    except ENGINE_FAILURES as error:
        _log.info("%s can't be pulled: %s", reference, error)
        return False
    return True


@contextmanager
def _patience(client: docker.DockerClient, seconds: int) -> Iterator[None]:
    """Let no answer of the engine stay out for longer than `seconds`."""
    before = client.api.timeout
    client.api.timeout = seconds
    try:
        yield
    finally:
        client.api.timeout = before


def _python_version(client: docker.DockerClient, image: Any) -> str:  # noqa: ANN401
    """Return the Python in `image` as `major.minor`: as it says, else as its links are called.

    It is never run for that: anybody's image can be named as a base.
    """
    config: dict[str, Any] = image.attrs.get("Config") or {}
    labelled = (config.get("Labels") or {}).get(PYTHON_VERSION_LABEL)
    variables = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
    said = labelled or variables.get("PYTHON_VERSION") or _linked_version(client, str(image.id))
    found = re.match(r"(3\.\d{1,3})(?!\d)", said, re.ASCII)
    if not found:
        name = image.tags[0] if image.tags else image.id
        msg = f"the base image {name} does not say which Python 3 it holds"
        raise ImageBuildError(
            msg,
            remedy="Choose one that does, as `python:3.11-slim-bookworm` (--base-image, or FROM in"
            " the Dockerfile), or add `ENV PYTHON_VERSION=3.11`, with its own version, to this.",
        )
    return found.group(1)


def _linked_version(client: docker.DockerClient, image_id: str) -> str:
    """Return the version in the name that `python3` is a link to, or nothing."""
    try:
        with never_started(client, image_id) as container:
            for path in _PYTHONS:
                seen = look(client.api, container, path)
                name = PurePosixPath(seen.target or "").name if seen is not None else ""
                if name.startswith("python"):
                    return name.removeprefix("python")
    except ENGINE_FAILURES as error:
        raise engine_lost(error) from error
    return ""


def _machine(architecture: str) -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(architecture, architecture)


def _no_base(tried: list[str]) -> ImageBuildError:
    names = " and ".join(tried)
    return ImageBuildError(
        f"no base image to build on: {names} {'is' if len(tried) == 1 else 'are'} not present and "
        "can't be pulled",
        remedy="Run `harness base-image` once to make one from the distribution's packages, or "
        "name one with --base-image.",
    )
