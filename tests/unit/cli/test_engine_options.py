"""The option that does without a wall, and the engine that is refused without it."""

from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from harness.cli import engine_options as options_module
from harness.cli.engine_options import engine_options, open_engine
from harness.errors import EngineError
from harness.sandbox import engine, wall_check
from harness.sandbox.engine import EngineDescription

ROOTLESS = EngineDescription(
    name="Docker Engine",
    version="20.10",
    api_version="1.41",
    runtimes=("runc",),
    default_runtime="runc",
    storage_driver="overlay2",
    cgroup_version="1",
    root="/home/ann/docker",
    cpus=2,
    memory_bytes=2**32,
    unenforced=("memory", "pids"),
    rootless=True,
)


@click.command()
@engine_options
def command(**given: Any) -> None:
    click.echo(repr(given["allow_unenforced"]))


def test_the_names_are_those_of_the_sandbox() -> None:
    assert options_module.WAIVABLE == wall_check.WAIVABLE


@pytest.mark.parametrize(
    ("words", "given"),
    [([], ()), (["--allow-unenforced", "memory, pids"], ("memory", "pids"))],
)
def test_walls_are_named_with_commas_between(words: list[str], given: tuple[str, ...]) -> None:
    assert CliRunner().invoke(command, words).output == f"{given!r}\n"


def test_a_wall_that_no_engine_may_lack_is_refused() -> None:
    result = CliRunner().invoke(command, ["--allow-unenforced", "memory,network"])
    assert result.exit_code == 2
    assert "'network' is none of memory" in result.output


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    client = SimpleNamespace(closed=False)
    client.close = lambda: setattr(client, "closed", True)
    monkeypatch.setattr(engine, "connect", lambda: client)
    monkeypatch.setattr(engine, "describe", lambda _: ROOTLESS)
    return client


def test_an_engine_that_lacks_a_wall_is_refused_and_left(client: SimpleNamespace) -> None:
    with pytest.raises(EngineError, match="does not enforce pids"):
        open_engine(("memory",))
    assert client.closed


def test_an_engine_whose_lacks_are_allowed_is_opened(client: SimpleNamespace) -> None:
    assert open_engine(("memory", "pids")) is client
    assert not client.closed
