"""Who a container belongs to where the harness runs in one itself, and how one is removed."""

from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest

from harness.errors import EngineError
from harness.records.submission import ContainerLimits
from harness.sandbox import container as container_module
from harness.sandbox import orphans
from harness.sandbox.container import Container
from harness.sandbox.orphans import remove_orphans, this_owner
from harness.sandbox.owner import CONTAINER_LABEL, RUN_LABEL

HARNESS = "c" * 64
STARTED = "2026-11-22T11:00:00Z"
LIVING = {"Running": True, "StartedAt": STARTED}
ENDED = {"Running": False, "StartedAt": STARTED}


class FakeEngine:
    """Answers as an engine that runs the containers in `states`."""

    def __init__(self, states: dict[str, dict[str, Any]], labels: dict[str, str]) -> None:
        self.states, self.labels = states, labels
        self.asked: list[str] = []
        self.removed: list[str] = []
        self.api = self

    def inspect_container(self, name: str) -> dict[str, Any]:
        self.asked.append(name)
        if name not in self.states:
            msg = "no such container"
            raise docker.errors.NotFound(msg)
        return {"State": self.states[name]}

    def containers(self, **_: object) -> list[dict[str, Any]]:
        return [{"Id": f"one-{n}", "Labels": self.labels} for n in range(2)]

    def remove_container(self, name: str, **_: object) -> None:
        self.removed.append(name)


@pytest.mark.parametrize(
    ("states", "container"),
    [({HARNESS: LIVING}, f"{HARNESS}/{STARTED}"), ({HARNESS: ENDED}, ""), ({}, "")],
)
def test_the_own_container_counts_where_this_engine_runs_it(
    monkeypatch: pytest.MonkeyPatch, states: dict[str, Any], container: str
) -> None:
    monkeypatch.setattr(orphans, "own_container_id", lambda: HARNESS)
    assert this_owner(FakeEngine(states, {})).container == container


def test_outside_a_container_no_engine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "own_container_id", lambda: None)
    engine = FakeEngine({}, {})
    assert this_owner(engine).container == ""
    assert engine.asked == []


@pytest.mark.parametrize(
    ("state", "removed"), [(LIVING, []), (ENDED, ["one-0", "one-1"]), (None, ["one-0", "one-1"])]
)
def test_what_an_ended_harness_left_in_the_engine_is_removed(
    state: dict[str, Any] | None, removed: list[str]
) -> None:
    labels = {RUN_LABEL: "0123456789ab", CONTAINER_LABEL: f"{HARNESS}/{STARTED}"}
    engine = FakeEngine({} if state is None else {HARNESS: state}, labels)
    assert remove_orphans(engine) == ("0123456789ab",) * len(removed)
    assert engine.removed == removed
    assert engine.asked == [HARNESS]  # once for both


def test_an_engine_that_does_not_answer_removes_nothing() -> None:
    labels = {RUN_LABEL: "0123456789ab", CONTAINER_LABEL: f"{HARNESS}/{STARTED}"}
    engine = FakeEngine({}, labels)

    def refuse(_: str) -> None:
        msg = "500 Server Error"
        raise docker.errors.APIError(msg)

    engine.inspect_container = refuse
    with pytest.raises(EngineError, match="does not say whether"):
        remove_orphans(engine)
    assert engine.removed == []


class RefusingApi:
    """An engine that removes nothing until it has been asked `patience` times."""

    def __init__(self, patience: int, error: Exception) -> None:
        self.patience, self.error = patience, error
        self.asked = 0

    def remove_container(self, *_: object, **__: object) -> None:
        self.asked += 1
        if self.asked < self.patience:
            raise self.error


@pytest.mark.parametrize(
    ("patience", "error", "asked", "warned"),
    [
        (1, docker.errors.APIError("409 Conflict"), 1, False),
        (3, docker.errors.APIError("500 could not be stopped"), 3, False),
        (99, docker.errors.APIError("500 could not be stopped"), 4, True),
        (99, docker.errors.NotFound("404"), 1, False),
        (99, docker.errors.DockerException("lost"), 1, True),
    ],
)
def test_a_removal_that_is_refused_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    patience: int,
    error: Exception,
    asked: int,
    *,
    warned: bool,
) -> None:
    monkeypatch.setattr(container_module, "_REMOVAL_PAUSES", (0.0, 0.0, 0.0))
    api = RefusingApi(patience, error)
    Container(SimpleNamespace(api=api), "harness-1", engine=SimpleNamespace()).remove()
    assert api.asked == asked
    assert ("could not be removed" in caplog.text) is warned


def test_a_container_without_a_wall_is_not_started() -> None:
    made = {"HostConfig": {}, "Config": {"User": "root"}}
    api = SimpleNamespace(
        inspect_image=lambda _: {"Config": {"Cmd": ["true"]}},
        create_host_config=lambda **settings: {"ReadonlyRootfs": settings["read_only"]},
        create_container=lambda *_, **__: None,
        inspect_container=lambda _: made,
    )
    engine = SimpleNamespace(is_podman=False)
    container = Container(SimpleNamespace(api=api), "harness-1", engine=engine)
    with pytest.raises(EngineError, match="read-only root is None, not True"):
        container.create("sha256:1", ContainerLimits(), labels={})
