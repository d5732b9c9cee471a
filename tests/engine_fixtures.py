"""The fixtures that every test with a container engine stands on; nothing of submissions.

A conftest.py that imports them by name offers them to the tests beside it.
"""

import subprocess
import sys
from collections.abc import Iterator

import docker
import pytest
from throwaway_images import ThrowawayImages

from harness.errors import HarnessError
from harness.sandbox.base_image import BaseImage, resolve_base_image
from harness.sandbox.engine import connect


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
