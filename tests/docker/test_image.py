"""Images built for real: context, cache, failures, and manifests read from an image."""

from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from throwaway_images import archive_of

from harness.errors import ImageBuildError, SubmissionError
from harness.sandbox.base_image import BaseImage, resolve_base_image
from harness.sandbox.image import SUBMISSION_LABEL, BuiltImage, build_image, image_submission
from harness.sandbox.image_file import MAX_FILE_BYTES, read_image_file
from harness.sandbox.submission_folder import load_submission

pytestmark = pytest.mark.docker

MANIFEST = """
name = "in-file"
title = "In a file"
authors = ["Tests"]
label_space = "voc"
"""

NOWHERE = "localhost:1/harness-test:1"
"""In a registry that can't answer, so that no network is waited for."""

Write = Callable[..., Path]


def build(engine: docker.DockerClient, folder: Path, cache: Path) -> BuiltImage:
    return build_image(engine, load_submission(folder), weights_dir=None, cache_dir=cache)


@pytest.fixture
def imported(engine: docker.DockerClient, disposable_name: str) -> Iterator[Callable[..., str]]:
    """Makes an image of nothing but given files, without a build; removed afterwards."""
    made: list[str] = []

    def make(files: dict[str, bytes], changes: list[str] | None = None) -> str:
        repository, version = f"harness-test/{disposable_name}", str(len(made))
        engine.api.import_image_from_data(
            archive_of(files).getvalue(), repository=repository, tag=version, changes=changes
        )
        made.append(f"{repository}:{version}")
        return made[-1]

    yield make
    for tag in made:
        engine.images.remove(tag, force=True)


def test_the_base_image_holds_the_python_it_says(
    engine: docker.DockerClient, base_image: BaseImage
) -> None:
    said = engine.containers.run(
        base_image.reference,
        ["python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        remove=True,
        network_disabled=True,
    )
    assert said.decode().strip() == base_image.python_version


@pytest.mark.usefixtures("base_image")
def test_a_build_brings_in_the_folder_and_what_the_harness_adds(
    engine: docker.DockerClient, write_submission: Write, disposable_name: str, tmp_path: Path
) -> None:
    dockerfile = """
        ARG BASE_IMAGE=python:3.11-slim-bookworm
        FROM ${BASE_IMAGE}
        COPY . /app/
        COPY wheels/ /wheels/
        COPY weights/ /weights/
        RUN test -f /app/serve.py && test -d /wheels && test ! -e /app/secret.txt
        """
    files = {"Dockerfile": dockerfile, ".dockerignore": "secret.txt\n", "secret.txt": "no"}
    image = build(engine, write_submission(disposable_name, **files), tmp_path / "cache")
    assert image.digest.startswith("sha256:")
    assert not image.cached
    assert image.manifest.name == disposable_name
    serve = read_image_file(engine, image.digest, "/app/serve.py")
    assert serve is not None
    assert b"def serve" in serve


@pytest.mark.usefixtures("base_image")
def test_an_unchanged_folder_is_not_built_again_and_a_changed_one_is(
    engine: docker.DockerClient, write_submission: Write, disposable_name: str, tmp_path: Path
) -> None:
    folder = write_submission(disposable_name, **{"predict.py": "first = 1\n"})
    first = build(engine, folder, tmp_path / "cache")
    again = build(engine, folder, tmp_path / "cache")
    (folder / "predict.py").write_text("second = 2\n")
    changed = build(engine, folder, tmp_path / "cache")
    assert again.cached
    assert again.digest == first.digest
    assert not changed.cached
    assert changed.digest != first.digest
    # the digest names the image that was built, and its manifest comes along
    assert image_submission(engine, changed.digest).manifest == changed.manifest
    assert read_image_file(engine, changed.digest, "/app/predict.py") == b"second = 2\n"


@pytest.mark.usefixtures("base_image")
def test_a_failing_step_is_named_with_what_it_printed(
    engine: docker.DockerClient, write_submission: Write, disposable_name: str, tmp_path: Path
) -> None:
    dockerfile = """
        ARG BASE_IMAGE=python:3.11-slim-bookworm
        FROM ${BASE_IMAGE}
        RUN echo compiler not found >&2; exit 3
        """
    folder = write_submission(disposable_name, Dockerfile=dockerfile)
    with pytest.raises(ImageBuildError) as raised:
        build(engine, folder, tmp_path / "cache")
    message = raised.value.one_line()
    assert "RUN echo compiler not found >&2; exit 3" in message
    assert "last lines: compiler not found" in message
    assert "non-zero code: 3" in message
    assert "\n" not in message
    assert not engine.images.list(name=f"harness-submission/{disposable_name}")


def test_a_base_that_is_nowhere_names_the_command_that_makes_one(
    engine: docker.DockerClient,
) -> None:
    with pytest.raises(ImageBuildError, match=f"{NOWHERE} is not present"):
        resolve_base_image(engine, NOWHERE)


def test_a_manifest_is_read_from_a_file_in_an_image(
    engine: docker.DockerClient, imported: Callable[..., str]
) -> None:
    tag = imported({"submission.toml": MANIFEST.encode()})
    image = image_submission(engine, tag)
    assert image.manifest.name == "in-file"
    assert image.digest == engine.images.get(tag).id


def test_a_manifest_is_read_from_an_images_label(
    engine: docker.DockerClient, imported: Callable[..., str]
) -> None:
    text = '{"name":"in-label","title":"L","authors":["T"],"label_space":"voc"}'
    escaped = text.replace('"', '\\"')
    tag = imported({"x": b""}, changes=[f'LABEL {SUBMISSION_LABEL}="{escaped}"'])
    assert image_submission(engine, tag).manifest.name == "in-label"


@pytest.mark.parametrize(
    "files",
    [{"other": b"x"}, {"submission.toml": b"#" * (MAX_FILE_BYTES + 1)}],
    ids=["none", "too-large"],
)
def test_an_image_without_a_usable_manifest_is_refused(
    engine: docker.DockerClient, imported: Callable[..., str], files: dict[str, bytes]
) -> None:
    tag = imported(files)
    with pytest.raises(SubmissionError, match="does not say which submission"):
        image_submission(engine, tag)
    assert engine.containers.list(all=True, filters={"ancestor": tag}) == []


def test_an_image_that_is_nowhere_is_an_error(engine: docker.DockerClient) -> None:
    with pytest.raises(ImageBuildError, match=f"there is no image {NOWHERE}"):
        image_submission(engine, NOWHERE)
