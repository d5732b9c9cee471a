"""From a submission to an image that can run: built from a folder, or taken as it is."""

import json
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
import requests

from harness.errors import DiskFullError, HarnessError, ImageBuildError, SubmissionError
from harness.records.base import sha256_hex
from harness.records.submission import SubmissionManifest
from harness.sandbox.base_image import BaseImage, find_or_pull, resolve_base_image
from harness.sandbox.build_context import BuildContext, assemble_context
from harness.sandbox.build_log import BuildLog
from harness.sandbox.engine import ENGINE_FAILURES, engine_lost
from harness.sandbox.image_file import MAX_FILE_BYTES, read_image_file
from harness.sandbox.submission_folder import (
    MANIFEST_NAME,
    SubmissionFolder,
    parse_json_manifest,
    parse_manifest,
)
from harness.sandbox.weights import WeightsStore
from harness.sandbox.wheels import REQUIREMENTS_NAME, fetch_wheels

SUBMISSION_LABEL = "org.harness.submission"
"""Holds the manifest as JSON (or TOML), so that an image can be evaluated by reference."""
CONTEXT_LABEL = "org.harness.context"
"""Holds the digest of what an image was built from."""
REPOSITORY = "harness-submission"
BUILD_TIMEOUT_SECONDS = 3600
"""How long a build may stay silent."""


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image that can run, known by content."""

    manifest: SubmissionManifest
    """What the submission says of itself."""
    digest: str
    """The engine's content id, as `sha256:...`."""
    reference: str
    """The tag under which people find it, or the reference they gave."""
    base: str | None
    """The base image it was built on; None where the Dockerfile names its own."""
    seconds: float
    """How long it took to get it."""
    cached: bool
    """Whether it was there already, so nothing was built."""
    log: str
    """The last lines of the build; empty where nothing was built."""


def build_image(
    client: docker.DockerClient,
    submission: SubmissionFolder,
    *,
    weights_dir: Path | None,
    cache_dir: Path,
    base_image: str | None = None,
) -> BuiltImage:
    """Return the image of `submission`, built unless the same one is present.

    Raises:
        ImageBuildError: A step of the Dockerfile failed, or its base or wheels are missing.
        WeightsError: Weights are missing or not the promised bytes.
        SubmissionError: The requirements can't be fetched safely.
        DiskFullError: The engine has no room left for it.
        EngineError: The engine stopped answering.
    """
    started = time.monotonic()
    dockerfile = submission.text("Dockerfile") or ""
    base = _base(client, dockerfile, base_image)
    context = assemble_context(
        submission,
        wheels=_wheels(client, submission, base, cache_dir=cache_dir),
        weights=WeightsStore(cache_dir=cache_dir, weights_dir=weights_dir),
    )
    identity = sha256_hex(f"{context.digest} {base.digest if base else '-'}".encode())
    tag = f"{REPOSITORY}/{_component(submission.manifest.name)}:{identity[:16]}"
    digest, log = _present(client, tag, identity), BuildLog()
    cached = digest is not None
    if digest is None:
        labels = {CONTEXT_LABEL: identity, SUBMISSION_LABEL: _as_label(submission.manifest)}
        arguments = {"BASE_IMAGE": base.reference} if base else {}
        request = _BuildRequest(tag=tag, labels=labels, arguments=arguments, scratch=cache_dir)
        digest, log = _build(client, context, request)
    return BuiltImage(
        manifest=submission.manifest,
        digest=digest,
        reference=tag,
        base=base.reference if base else None,
        seconds=time.monotonic() - started,
        cached=cached,
        log=log.tail(),
    )


def image_submission(client: docker.DockerClient, reference: str) -> BuiltImage:
    """Return the image called `reference`, with the manifest that it carries; it is never run here.

    Raises:
        ImageBuildError: There is no such image and it can't be pulled.
        SubmissionError: It carries no manifest, or a bad one.
        EngineError: The engine stopped answering.
    """
    started = time.monotonic()
    try:
        image = find_or_pull(client, reference)
        if image is None:
            msg = f"there is no image {reference}, and it can't be pulled"
            raise ImageBuildError(
                msg,
                remedy="Check the reference with `docker images`, or load it with `docker load`.",
            )
        digest = str(image.id)
        label = (image.labels or {}).get(SUBMISSION_LABEL)
        manifest = _from_label(label, reference) if label else _from_file(client, digest, reference)
    except ENGINE_FAILURES as error:
        raise engine_lost(error) from error
    return BuiltImage(
        manifest=manifest,
        digest=digest,
        reference=reference,
        base=None,
        seconds=time.monotonic() - started,
        cached=True,
        log="",
    )


@dataclass(frozen=True, kw_only=True)
class _BuildRequest:
    tag: str
    labels: dict[str, str]
    arguments: dict[str, str]
    scratch: Path


def _base(client: docker.DockerClient, dockerfile: str, requested: str | None) -> BaseImage | None:
    """Return the base that goes into `ARG BASE_IMAGE`, or None where the Dockerfile has none."""
    if re.search(r"^\s*ARG\s+BASE_IMAGE\b", dockerfile, re.IGNORECASE | re.MULTILINE):
        return resolve_base_image(client, requested)
    if requested:
        msg = f"--base-image {requested} was given, and the Dockerfile takes none"
        raise ImageBuildError(
            msg,
            remedy="Start it with `ARG BASE_IMAGE=python:3.11-slim-bookworm` and "
            "`FROM ${BASE_IMAGE}`, or leave the option out.",
        )
    return None


def _wheels(
    client: docker.DockerClient,
    submission: SubmissionFolder,
    base: BaseImage | None,
    *,
    cache_dir: Path,
) -> tuple[Path, ...]:
    requirements = submission.text(REQUIREMENTS_NAME)
    dockerfile = submission.text("Dockerfile") or ""
    if requirements is None or not re.search(r"\bwheels\b", dockerfile):
        return ()
    if base is None:
        named = re.search(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", dockerfile, re.I | re.M)
        base = resolve_base_image(client, named.group(1) if named else None)
    return fetch_wheels(requirements, base, cache_dir=cache_dir).files


def _present(client: docker.DockerClient, tag: str, identity: str) -> str | None:
    """Return the id of the image that was built from the same context, or None."""
    try:
        image = client.images.get(tag)
    except docker.errors.ImageNotFound:
        return None
    except ENGINE_FAILURES as error:
        raise engine_lost(error) from error
    return str(image.id) if (image.labels or {}).get(CONTEXT_LABEL) == identity else None


def _build(
    client: docker.DockerClient, context: BuildContext, request: _BuildRequest
) -> tuple[str, BuildLog]:
    log = BuildLog()
    request.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=request.scratch) as archive:
        context.write_tar(archive)
        archive.seek(0)
        try:
            answers = client.api.build(
                fileobj=archive,
                custom_context=True,
                tag=request.tag,
                labels=request.labels,
                buildargs=request.arguments,
                rm=True,
                forcerm=True,
                decode=True,
                timeout=BUILD_TIMEOUT_SECONDS,
            )
            for answer in answers:
                log.take(answer)
            if log.error is None:
                return str(client.images.get(request.tag).id), log
        except docker.errors.ImageNotFound:
            log.error = "the engine built no image"
        except docker.errors.APIError as error:
            log.error = str(error.explanation or error)
        except requests.RequestException as error:
            raise engine_lost(error) from error
    raise _unbuilt(request.tag, log)


def _unbuilt(tag: str, log: BuildLog) -> HarnessError:
    """Return what to raise for a build that ended as `log` says."""
    name = tag.removeprefix(f"{REPOSITORY}/").rpartition(":")[0]
    message = f"the image of {name} can't be built: {log.explanation()}"
    # the engine's own words, or those of a step's program: either way it is the engine's disk
    if re.search(r"no space left on device|disk quota exceeded", message, re.IGNORECASE):
        return DiskFullError(
            message,
            remedy="Free room where the engine keeps its images (`docker system df` says what takes"
            " it, `docker image prune` removes what has no name) and run the command again.",
        )
    return ImageBuildError(
        message,
        remedy="Correct the Dockerfile or what it copies; `harness --verbose` shows the whole log.",
    )


def _component(name: str) -> str:
    """Return `name` as a part of an image reference, where separators stand alone and inside."""
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def _as_label(manifest: SubmissionManifest) -> str:
    return json.dumps(manifest.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)


def _from_label(label: str, reference: str) -> SubmissionManifest:
    origin = f"the label {SUBMISSION_LABEL} of {reference}"
    if label.lstrip().startswith("{"):
        return parse_json_manifest(label, origin=origin)
    return parse_manifest(label.encode(), origin=origin)


def _from_file(client: docker.DockerClient, digest: str, reference: str) -> SubmissionManifest:
    data = read_image_file(client, digest, f"/{MANIFEST_NAME}")
    if data is None:
        msg = f"the image {reference} does not say which submission it is"
        raise SubmissionError(
            msg,
            remedy=f"Build it with a label {SUBMISSION_LABEL} that holds the manifest as JSON, or "
            f"with the file /{MANIFEST_NAME} (at most {MAX_FILE_BYTES // 1024} KiB).",
        )
    return parse_manifest(data, origin=f"/{MANIFEST_NAME} in {reference}")
