"""Which base image is taken, in which order, and how often a registry is asked."""

import base64
import json
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
import requests

from harness.errors import EngineError, ImageBuildError
from harness.sandbox.base_image import (
    DEFAULT_BASE,
    LOCAL_BASE,
    PULL_TIMEOUT_SECONDS,
    PYTHON_VERSION_LABEL,
    resolve_base_image,
)


class FakeEngine:
    """An engine with images of given configuration, and a registry that has some."""

    def __init__(self, present: dict[str, dict[str, Any]], registry: tuple[str, ...] = ()) -> None:
        self.present = present
        self.registry = registry
        self.pulled: list[str] = []
        self.patience: list[int] = []
        self.links: dict[str, str] = {}
        self.removed: list[str] = []
        self.api = SimpleNamespace(
            timeout=120,
            base_url="http+docker://localhost",
            api_version="1.41",
            create_container=lambda image, **_: {"Id": f"made-of-{image}"},
            remove_container=lambda container, **_: self.removed.append(container),
            head=self._head,
        )
        self.images = SimpleNamespace(get=self._get, pull=self._pull)

    def _get(self, reference: str) -> Any:
        if reference not in self.present:
            msg = "no such image"
            raise docker.errors.ImageNotFound(msg)
        attributes = {"Config": self.present[reference], "Architecture": "amd64"}
        return SimpleNamespace(id=f"sha256:{reference}", attrs=attributes, tags=[reference])

    def _pull(self, reference: str) -> None:
        self.pulled.append(reference)
        self.patience.append(self.api.timeout)
        if reference not in self.registry:
            msg = "no route to the registry"
            raise requests.ConnectionError(msg)
        self.present[reference] = {"Env": ["PYTHON_VERSION=3.11.9"]}

    def _head(self, url: str, *, params: dict[str, str], timeout: int) -> Any:
        assert (url.rpartition("/containers/")[2], timeout) == ("made-of-sha256:own:1/archive", 120)
        path = params["path"]
        if path not in self.links:
            return SimpleNamespace(headers={}, status_code=404)
        stat = {"mode": 134218239, "linkTarget": self.links[path]}
        header = base64.b64encode(json.dumps(stat).encode()).decode()
        return SimpleNamespace(headers={"X-Docker-Container-Path-Stat": header}, status_code=200)


@pytest.fixture(autouse=True)
def labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.image_file.new_labels", lambda *_, **__: {})


LOCAL = {"Labels": {PYTHON_VERSION_LABEL: "3.11"}}
OFFICIAL = {"Env": ["PATH=/bin", "PYTHON_VERSION=3.11.13"], "Labels": None}


def resolve(engine: FakeEngine, requested: str | None = None) -> tuple[str, str]:
    client: Any = engine
    base = resolve_base_image(client, requested)
    return base.reference, base.python_version


def test_the_default_is_taken_where_it_is_present() -> None:
    engine = FakeEngine({DEFAULT_BASE: OFFICIAL, LOCAL_BASE: LOCAL})
    assert resolve(engine) == (DEFAULT_BASE, "3.11")
    assert engine.pulled == []


def test_the_default_is_pulled_with_short_patience_where_it_can_be() -> None:
    engine = FakeEngine({}, registry=(DEFAULT_BASE,))
    assert resolve(engine) == (DEFAULT_BASE, "3.11")
    assert engine.patience == [PULL_TIMEOUT_SECONDS]
    assert engine.api.timeout == 120


def test_a_local_one_that_was_made_here_is_taken_without_a_pull() -> None:
    engine = FakeEngine({LOCAL_BASE: LOCAL}, registry=(DEFAULT_BASE,))
    assert resolve(engine) == (LOCAL_BASE, "3.11")
    assert engine.pulled == []


def test_a_pull_that_failed_is_not_tried_again() -> None:
    engine = FakeEngine({})
    for _ in range(2):
        with pytest.raises(ImageBuildError):
            resolve(engine)
    assert engine.pulled == [DEFAULT_BASE]


def test_nothing_at_all_names_the_command_that_makes_one() -> None:
    with pytest.raises(ImageBuildError) as raised:
        resolve(FakeEngine({}))
    line = raised.value.one_line()
    assert f"{DEFAULT_BASE} and {LOCAL_BASE} are not present" in line
    assert "harness base-image" in line


def test_a_requested_base_is_the_only_one() -> None:
    engine = FakeEngine({DEFAULT_BASE: OFFICIAL, "own:1": {"Env": ["PYTHON_VERSION=3.12.1"]}})
    assert resolve(engine, "own:1") == ("own:1", "3.12")
    with pytest.raises(ImageBuildError, match="other:1 is not present"):
        resolve(engine, "other:1")


@pytest.mark.parametrize(
    ("links", "version"),
    [
        ({"/usr/bin/python3": "/usr/bin/python3.13"}, "3.13"),
        ({"/usr/local/bin/python3": "/opt/python3.12", "/usr/bin/python3": "/x/python3.9"}, "3.12"),
        ({"/usr/local/bin/python3": "/bin/sh", "/usr/bin/python3": "/usr/bin/python3.9"}, "3.9"),
    ],
)
def test_an_image_that_says_nothing_is_looked_into_and_never_run(
    links: dict[str, str], version: str
) -> None:
    engine = FakeEngine({"own:1": {}})
    engine.links = links
    assert resolve(engine, "own:1") == ("own:1", version)
    assert engine.removed == ["made-of-sha256:own:1"]


@pytest.mark.parametrize(
    ("config", "target"),
    [
        ({}, None),
        ({}, "/usr/bin/python2.7"),
        ({}, "/usr/bin/pypy"),
        ({"Env": ["PYTHON_VERSION=4.1"]}, None),
        ({"Env": ["PYTHON_VERSION=3." + "9" * 400]}, None),
    ],
)
def test_an_image_whose_python_is_unknown_is_refused_with_the_way_out(
    config: dict[str, Any], target: str | None
) -> None:
    engine = FakeEngine({"own:1": config})
    engine.links = {"/usr/bin/python3": target} if target else {}
    with pytest.raises(ImageBuildError, match="own:1 does not say which Python 3") as raised:
        resolve(engine, "own:1")
    assert "ENV PYTHON_VERSION=3.11" in raised.value.remedy


def test_an_engine_that_stops_answering_is_its_own_error() -> None:
    engine = FakeEngine({})

    def gone(_: str) -> None:
        msg = "gone"
        raise requests.ConnectionError(msg)

    engine.images.get = gone
    with pytest.raises(EngineError, match="stopped answering"):
        resolve(engine)
