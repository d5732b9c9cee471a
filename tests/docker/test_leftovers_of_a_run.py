"""What .ci/run removes after its tests: theirs, however they ended, and nobody else's."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import docker.errors
import pytest
from throwaway_images import archive_of

pytestmark = pytest.mark.docker
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "test-leftovers.sh"
TESTS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from private_engine import PrivateEngine
PrivateEngine().start()
print(flush=True)
time.sleep(600)
"""
"""A test with an engine of its own, which nobody ends."""


@pytest.fixture
def build(engine, actors):
    """Returns the id of an image of a run's mark; all of them are gone afterwards."""
    made = []

    def build_marked(mark: str) -> str:
        dockerfile = f'FROM {actors}\nLABEL org.harness.test.run={mark}\nCMD ["sleep", "600"]\n'
        files = archive_of({"Dockerfile": dockerfile.encode()})
        image, _ = engine.images.build(fileobj=files, custom_context=True, nocache=True, rm=True)
        made.append(image.id)
        return str(image.id)

    yield build_marked
    for image in made:
        try:
            engine.images.remove(image, force=True)
        except docker.errors.ImageNotFound:
            continue


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(
        prefix="harness-ci-", dir="/tmp", ignore_cleanup_errors=True
    ) as made:
        yield Path(made)


def is_there(get, name: str) -> bool:
    try:
        get(name)
    except docker.errors.NotFound:
        return False
    return True


def test_what_a_killed_run_left_goes_and_nothing_else(engine, build, folder):
    mark, other = secrets.token_hex(3), secrets.token_hex(3)
    images = {name: build(name) for name in (mark, other)}
    containers = {
        name: engine.containers.run(image, detach=True, network_mode="none").id
        for name, image in images.items()
    }
    engine.api.tag(images[mark], f"harness-submission/test-{mark}12345678")
    others = {**os.environ, "HARNESS_TEST_MARK": other}
    ours = {**os.environ, "HARNESS_TEST_MARK": mark, "TMPDIR": str(folder)}
    command = [sys.executable, "-c", TESTS, str(SCRIPT.parents[1] / "tests")]
    with (
        subprocess.Popen(["sleep", "600"], env=others) as bystander,
        subprocess.Popen(
            command,
            env=ours,
            stdout=subprocess.PIPE,
        ) as tests,
    ):
        try:
            assert tests.stdout.readline() == b"\n"
            assert bridges(mark) != []

            subprocess.run([SCRIPT, mark, folder], check=True)

            assert tests.wait(20) == -9
            assert bystander.poll() is None
            assert not folder.exists()
            assert bridges(mark) == []
            assert processes_naming(folder) == []
            assert not is_there(engine.containers.get, containers[mark])
            assert not is_there(engine.images.get, images[mark])
            assert is_there(engine.images.get, images[other])
            assert engine.containers.get(containers[other]).status == "running"
        finally:
            bystander.kill()
            tests.kill()
            engine.containers.get(containers[other]).remove(force=True)


def bridges(mark: str) -> list[str]:
    return [path.name for path in Path("/sys/class/net").glob(f"he-{mark}*")]


def processes_naming(folder: Path) -> list[str]:
    """Return what still runs of an engine in `folder`, once what was killed has been reaped."""
    time.sleep(0.2)
    found = []
    for status in Path("/proc").glob("[0-9]*"):
        try:
            words = (status / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words:
            found.append(words.decode())
    return found


@pytest.mark.parametrize("words", [[], ["", "/"], ["abcdef", "/"], ["abcdef", "/harness-ci-a"]])
def test_without_a_run_nothing_is_removed(words):
    refused = subprocess.run([SCRIPT, *words], check=False, capture_output=True, text=True)

    assert refused.returncode == 1
    assert "no mark and folder of a run" in refused.stderr
