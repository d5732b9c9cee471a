"""What every container test stands on: a client of the engine, and images that do not stay."""

import json
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from throwaway_images import ThrowawayImages

from harness.errors import HarnessError
from harness.sandbox.base_image import BaseImage, resolve_base_image
from harness.sandbox.engine import connect

ACTORS = Path(__file__).with_name("stream_actors.py")


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of the engine; where none answers, the test fails."""
    try:
        client = connect()
    except HarnessError as error:
        pytest.fail(f"--run-docker was given: {error.one_line()}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(engine: docker.DockerClient) -> BaseImage:
    """The base image that submissions are built on, made here where none can be pulled."""
    made = subprocess.run(
        [sys.executable, "-m", "harness", "base-image", "--if-needed"],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        pytest.fail(f"no base image to test with: {made.stderr.strip()}")
    return resolve_base_image(engine)


@pytest.fixture(scope="session")
def throwaway(engine: docker.DockerClient) -> Iterator[ThrowawayImages]:
    """Builds images that are gone when the session ends."""
    images = ThrowawayImages(engine)
    yield images
    images.remove()


@pytest.fixture(scope="session")
def actors(throwaway: ThrowawayImages, base_image: BaseImage) -> str:
    """The id of the image in which every part of stream_actors.py can be played."""
    lines = [
        f"FROM {base_image.reference}",
        "COPY actors.py /actors.py",
        "RUN mkdir /data && echo weights > /data/model.bin && chmod -R a+rwX /data",
    ]
    return throwaway.build(
        {"Dockerfile": "\n".join(lines).encode(), "actors.py": ACTORS.read_bytes()}
    )


@pytest.fixture
def actor_image(throwaway: ThrowawayImages, actors: str) -> Callable[..., str]:
    """Returns the id of an image that plays a part, or runs another command."""

    def build(part: str = "", *, command: list[str] | None = None) -> str:
        words = ["python3", "/actors.py", part] if command is None else command
        dockerfile = f"FROM {actors}\nCMD {json.dumps(words)}\n"
        return throwaway.build({"Dockerfile": dockerfile.encode()})

    return build


@pytest.fixture
def write_submission(tmp_path: Path) -> Callable[..., Path]:
    """Writes a submission's folder; a manifest and a Dockerfile are given where left out."""

    def write(name: str = "tiny", **files: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        defaults = {
            "submission.toml": f"""
                name = "{name}"
                title = "A test's submission"
                authors = ["Tests"]
                label_space = "voc"
                """,
            "Dockerfile": """
                ARG BASE_IMAGE=python:3.11-slim-bookworm
                FROM ${BASE_IMAGE}
                COPY predict.py /app/
                CMD ["python3", "/app/predict.py"]
                """,
            "predict.py": "",
        }
        for file, text in {**defaults, **files}.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def disposable_name(engine: docker.DockerClient) -> Iterator[str]:
    """A submission name of its own; the images built under it are removed afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    for image in engine.images.list(name=f"harness-submission/{name}"):
        engine.images.remove(image.id, force=True)
