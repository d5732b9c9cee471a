"""Which containers are left over, and how one is removed."""

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
import requests

from harness.errors import EngineError
from harness.records.submission import ContainerLimits
from harness.sandbox import container as container_module
from harness.sandbox import orphans
from harness.sandbox.container import Container
from harness.sandbox.orphans import remove_orphans, this_owner
from harness.sandbox.owner import (
    CONTAINER_LABEL,
    EXPIRES_LABEL,
    HOST_LABEL,
    PROCESS_LABEL,
    RUN_LABEL,
    owner_labels,
    this_process,
)

HARNESS = "c" * 64
STARTED = "2026-11-22T11:00:00Z"
LIVING = {"Running": True, "StartedAt": STARTED}
ENDED = {"Running": False, "StartedAt": STARTED}
RUN = "0123456789ab"
NOW = "2026-11-22T12:00:00.123456789Z"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"


class FakeEngine:
    """Answers as an engine that runs the containers in `states`."""

    created = "2026-11-22T10:00:00Z"

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
        return {"State": self.states[name], "Created": self.created}

    def info(self) -> dict[str, Any]:
        return {"SystemTime": NOW}

    def containers(self, **_: object) -> list[dict[str, Any]]:
        name = f"/harness-{self.labels[RUN_LABEL]}"
        return [
            {"Id": f"one-{n}", "Names": [name], "State": "running", "Labels": self.labels}
            for n in range(2)
        ]

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


def refused(_: str) -> None:
    msg = "500 Server Error"
    raise docker.errors.APIError(msg)


@pytest.mark.parametrize(
    "answer", [refused, lambda _: [], lambda _: {}, lambda _: {"State": None}, lambda _: None]
)
def test_an_engine_that_answers_oddly_removes_nothing(answer: Callable[[str], Any]) -> None:
    engine = FakeEngine({}, {RUN_LABEL: RUN, CONTAINER_LABEL: f"{HARNESS}/{STARTED}"})
    engine.inspect_container = answer
    assert remove_orphans(engine) == ()
    assert engine.removed == []


def test_an_image_with_our_labels_and_a_name_of_its_own_is_left_alone() -> None:
    engine = FakeEngine({}, {RUN_LABEL: RUN, EXPIRES_LABEL: "1"})
    (listed, _) = engine.containers()
    engine.containers = lambda **_: [listed | {"Names": ["/competent_darwin"]}]
    assert remove_orphans(engine) == ()
    engine.containers = lambda **_: [listed]
    assert remove_orphans(engine) == (RUN,)


@pytest.mark.parametrize(("expires", "count"), [(0, 2), (1, 0)])
def test_a_container_expires_by_the_engines_clock(expires: int, count: int) -> None:
    label = f"{NOON.timestamp() + expires:.0f}"
    assert len(remove_orphans(FakeEngine({}, {RUN_LABEL: RUN, EXPIRES_LABEL: label}))) == count


def test_labels_are_dated_by_the_engines_clock() -> None:
    labels = orphans.new_labels(FakeEngine({}, {}), RUN, limits=ContainerLimits(total_seconds=600))
    assert labels[EXPIRES_LABEL] == f"{NOON.timestamp() + 600 + 86400:.0f}"
    assert labels[RUN_LABEL] == RUN


def stopped(*, finished: str, **state: object) -> dict[str, Any]:
    return {"Running": False, "FinishedAt": finished} | state


@pytest.mark.parametrize(
    ("listed", "state", "count"),
    [
        ("exited", stopped(finished="2026-11-22T10:59:59.5Z"), 2),
        ("exited", stopped(finished="2026-11-22T11:00:01.5Z"), 0),
        ("created", stopped(finished=NEVER), 2),  # it was created at ten
        ("exited", {"Running": True, "FinishedAt": NEVER}, 0),
        ("exited", stopped(finished=NEVER, Restarting=True), 0),
        ("paused", stopped(finished=NEVER, Paused=True), 0),
        ("running", stopped(finished=NEVER), 0),
        ("exited", {"Running": False}, 0),
        ("exited", stopped(finished="yesterday"), 0),
        ("exited", {}, 0),
    ],
)
def test_what_stopped_long_ago_is_removed_whoever_made_it(
    listed: str, state: dict[str, Any], count: int
) -> None:
    elsewhere = {RUN_LABEL: RUN, HOST_LABEL: "elsewhere", PROCESS_LABEL: "1-1/1/1"}
    engine = FakeEngine({"one-0": state, "one-1": state}, elsewhere)
    entries = [entry | {"State": listed} for entry in engine.containers()]
    engine.containers = lambda **_: entries
    assert len(remove_orphans(engine)) == count


def test_what_has_just_been_created_is_no_orphan() -> None:
    elsewhere = {RUN_LABEL: RUN, HOST_LABEL: "elsewhere", PROCESS_LABEL: "1-1/1/1"}
    state = stopped(finished=NEVER)
    engine = FakeEngine({"one-0": state, "one-1": state}, elsewhere)
    entries = [entry | {"State": "created"} for entry in engine.containers()]
    engine.containers, engine.created = (lambda **_: entries), "2026-11-22T11:30:00Z"
    assert remove_orphans(engine) == ()


def test_what_a_living_process_of_here_made_may_stop_for_long() -> None:
    labels = owner_labels(this_process(), RUN, limits=ContainerLimits(), now=NOON)
    state = stopped(finished=NEVER)
    engine = FakeEngine({"one-0": state, "one-1": state}, labels)
    entries = [entry | {"State": "exited"} for entry in engine.containers()]
    engine.containers = lambda **_: entries
    assert remove_orphans(engine) == ()


def test_one_thread_at_a_time_looks_and_removes() -> None:
    engine = FakeEngine({}, {RUN_LABEL: RUN, EXPIRES_LABEL: "1"})
    listing, removing = engine.containers, engine.remove_container
    order: list[str] = []
    other = threading.Thread(target=remove_orphans, args=(engine,))

    def look(**_: object) -> list[dict[str, Any]]:
        order.append("look")
        return listing()[:1]

    def remove(name: str, **_: object) -> None:
        if other.ident is None:
            other.start()
            other.join(0.2)  # what must wait would get ahead now
        order.append("remove")
        removing(name)

    engine.containers, engine.remove_container = look, remove
    remove_orphans(engine)
    other.join(10)
    assert order == ["look", "remove"] * 2


@pytest.mark.parametrize(
    ("status", "words", "removed", "warned"),
    [
        (409, "removal of container one-0 is already in progress", (RUN, RUN), False),
        (409, "container is paused", (), True),
        (500, "removal of container one-0 is already in progress", (), True),
    ],
)
def test_what_another_harness_is_removing_counts_as_removed(
    caplog: pytest.LogCaptureFixture,
    status: int,
    words: str,
    removed: tuple[str, ...],
    *,
    warned: bool,
) -> None:
    engine = FakeEngine({}, {RUN_LABEL: RUN, EXPIRES_LABEL: "1"})
    answer = requests.Response()
    answer.status_code = status

    def refuse(_: str, **__: object) -> None:
        raise docker.errors.APIError(str(status), response=answer, explanation=words)

    engine.remove_container = refuse
    assert remove_orphans(engine) == removed
    assert ("could not be removed" in caplog.text) is warned


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


class Unclosable:
    """What an engine that went away leaves of a connection: it was closed under our hands."""

    def close(self) -> None:
        msg = "I/O operation on closed file"
        raise ValueError(msg)


def test_a_connection_that_can_not_be_closed_keeps_no_container() -> None:
    ours, theirs = socket.socketpair()
    attached = SimpleNamespace(_sock=ours, _response=Unclosable(), close=Unclosable().close)
    api = RefusingApi(1, docker.errors.NotFound("404"))
    api.attach_socket = lambda *_, **__: attached
    container = Container(SimpleNamespace(api=api), "harness-1", engine=SimpleNamespace())
    container.attach()
    container.remove()
    assert api.asked == 1
    assert ours.fileno() == -1
    theirs.close()


def test_a_container_without_a_wall_is_not_started() -> None:
    made = {"HostConfig": {}, "Config": {"User": "root"}}
    api = SimpleNamespace(
        inspect_image=lambda _: {"Config": {"Cmd": ["true"]}},
        create_host_config=lambda **settings: {"ReadonlyRootfs": settings["read_only"]},
        create_container=lambda *_, **__: None,
        inspect_container=lambda _: made,
    )
    engine = SimpleNamespace(is_podman=False, default_runtime="runc")
    container = Container(SimpleNamespace(api=api), "harness-1", engine=engine)
    with pytest.raises(EngineError, match="read-only root is None, not True"):
        container.create("sha256:1", ContainerLimits(), labels={})
