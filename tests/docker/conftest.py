"""What every container test stands on: a client of the engine, and images that do not stay."""

import json
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from engine_fixtures import base_image, engine, throwaway
from run_mark import RUN_MARK
from throwaway_images import ThrowawayImages

from harness.sandbox.base_image import BaseImage

__all__ = ["base_image", "engine", "throwaway"]

ACTORS = Path(__file__).with_name("stream_actors.py")


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
    name = f"test-{RUN_MARK}{uuid.uuid4().hex[:8]}"
    yield name
    for image in engine.images.list(name=f"harness-submission/{name}"):
        engine.images.remove(image.id, force=True)
