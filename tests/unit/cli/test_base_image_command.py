"""When `harness base-image` makes an image, and when it finds that none is needed."""

from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
from click.testing import CliRunner, Result

from harness.cli.base_image import command
from harness.sandbox import base_image_making
from harness.sandbox import engine as engine_module
from harness.sandbox.base_image_making import BaseImageRequest


class FakeClient:
    """A client of an engine that has the images `present` and can pull none."""

    def __init__(self, *present: str) -> None:
        self.present = present
        self.closed = False
        self.api = SimpleNamespace(timeout=1)
        self.images = SimpleNamespace(get=self._get, pull=self._pull, list=self._list)

    def _get(self, reference: str) -> str:
        if reference not in self.present:
            msg = "none"
            raise docker.errors.ImageNotFound(msg)
        return reference

    def _pull(self, reference: str) -> None:
        msg = f"no {reference}"
        raise docker.errors.NotFound(msg)

    def _list(self, name: str) -> list[str]:
        return [name] if name in self.present else []

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[BaseImageRequest]:
    requests: list[BaseImageRequest] = []

    def make(client: object, request: BaseImageRequest, *, on_step: Any) -> str:
        del client
        on_step("Fetching")
        requests.append(request)
        return "sha256:made"

    monkeypatch.setattr(base_image_making, "make_base_image", make)
    return requests


def run(monkeypatch: pytest.MonkeyPatch, client: FakeClient, *options: str) -> Result:
    monkeypatch.setattr(engine_module, "connect", lambda: client)
    result = CliRunner().invoke(command, options)
    assert client.closed or result.exit_code == 2
    return result


def test_it_is_made_where_nothing_is_there(
    monkeypatch: pytest.MonkeyPatch, made: list[BaseImageRequest]
) -> None:
    result = run(monkeypatch, FakeClient(), "--if-needed")
    assert result.exit_code == 0
    assert result.stdout == "harness-base:bookworm is ready (sha256:made)\n"
    assert result.stderr == "Fetching ...\n"
    assert made == [BaseImageRequest()]


def test_it_is_not_needed_where_the_default_is_present(
    monkeypatch: pytest.MonkeyPatch, made: list[BaseImageRequest]
) -> None:
    client = FakeClient("python:3.11-slim-bookworm")
    assert "no local base image is needed" in run(monkeypatch, client, "--if-needed").stdout
    assert made == []
    run(monkeypatch, client)
    assert made == [BaseImageRequest()]


def test_it_is_made_anew_only_by_force(
    monkeypatch: pytest.MonkeyPatch, made: list[BaseImageRequest]
) -> None:
    client = FakeClient("own:latest")
    assert "--force makes it anew" in run(monkeypatch, client, "--tag", "own").stdout
    assert made == []
    run(monkeypatch, client, "--tag", "own", "--suite", "trixie", "--force")
    assert made == [BaseImageRequest(tag="own:latest", suite="trixie")]


@pytest.mark.parametrize(
    "options", [("--tag", "Not A Tag"), ("--suite", "--foreign"), ("--mirror=-x",)]
)
def test_what_is_no_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, made: list[BaseImageRequest], options: tuple[str, ...]
) -> None:
    assert run(monkeypatch, FakeClient(), *options).exit_code == 2
    assert made == []
