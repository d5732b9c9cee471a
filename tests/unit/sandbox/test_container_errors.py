"""What an error repeats of the engine's own words."""

from types import SimpleNamespace

import docker.errors
import pytest

from harness.errors import EngineError, RunInterruptedError
from harness.records.submission import ContainerLimits
from harness.sandbox.container import Container
from harness.sandbox.engine import EngineDescription

ENGINE = EngineDescription(
    name="Docker Engine",
    version="1",
    api_version="1",
    runtimes=(),
    default_runtime="runc",
    storage_driver="",
    cgroup_version="",
    root="",
    cpus=1,
    memory_bytes=1,
)


def container(said: str) -> Container:
    """Return a container of an engine that answers everything with an error that says `said`."""

    def refuse(*_: object, **__: object) -> None:
        status = "500 Server Error"
        raise docker.errors.APIError(status, explanation=said)

    api = SimpleNamespace(inspect_container=refuse, inspect_image=refuse, start=refuse)
    return Container(SimpleNamespace(api=api), "harness-1", engine=ENGINE)


def test_short_words_are_repeated_whole():
    with pytest.raises(RunInterruptedError, match=r"\): no such container: harness-1$"):
        container("no such container: harness-1").state()


def test_long_words_keep_their_beginning_and_their_end():
    said = "error mounting: " + "/x" * 2000 + ": too many levels of symbolic links"

    with pytest.raises(EngineError) as raised:
        container(said).create("sha256:0", ContainerLimits(), labels={})

    message = str(raised.value)
    assert "error mounting: /x/x" in message
    assert message.count(" ... ") == 1
    assert message.endswith("too many levels of symbolic links")
    assert len(message) < 400


def test_the_words_of_a_failed_start_are_as_short_and_plain():
    said = "exec: /\x1b[2J" + "x" * 100_000 + ": no such file"
    api = SimpleNamespace(inspect_container=lambda _: {"State": {"Error": said}})

    error = Container(SimpleNamespace(api=api), "harness-1", engine=ENGINE).state().error

    assert error.startswith(r"exec: /\x1b[2Jxx")
    assert error.endswith("xx: no such file")
    assert len(error) < 400


def test_words_out_of_a_hostile_image_steer_no_terminal():
    with pytest.raises(RunInterruptedError) as raised:
        container("no file /a\x1b[2J\n\tb\u202ec").state()

    assert str(raised.value).endswith(r"no file /a\x1b[2J b\u202ec")
