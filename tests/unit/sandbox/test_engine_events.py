import json
from types import SimpleNamespace

import pytest

from harness.sandbox.engine_events import EngineMemory, read_events, recall, unix_nanoseconds


@pytest.mark.parametrize(
    ("actions", "memory"),
    [
        (["create", "attach", "start", "die"], (False, False, True)),
        (["create", "start", "oom", "die"], (True, False, True)),
        (["start", "kill", "die"], (False, True, True)),
        (["start", "pause", "unpause"], (False, True, False)),
        (["start", "exec_create: sh -c kill", "died"], (False, False, True)),
        ([], (False, False, False)),
    ],
)
def test_events_say_who_ended_it(actions, memory):
    out_of_memory, killed, death = memory

    assert read_events(actions) == EngineMemory(
        out_of_memory=out_of_memory, killed=killed, death=death
    )


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("2026-11-22T14:00:00.123456789Z", "1795356000.123456789"),
        ("2026-11-22T14:00:00Z", "1795356000.000000000"),
        ("2026-11-22T15:00:00.5+01:00", "1795356000.500000000"),
    ],
)
def test_no_nanosecond_is_lost(stamp, seconds):
    assert unix_nanoseconds(stamp) == seconds


class FakeApi:
    """Answers for one container, and keeps what its events were asked with."""

    base_url, api_version, timeout = "http://engine", "1.41", 7

    def __init__(self, events):
        self.text = "".join(json.dumps(event) + "\n" for event in events)
        self.asked = []

    def inspect_container(self, name):
        assert name == "harness-1"
        return {"Id": "abc", "Created": "2026-11-22T14:00:00.5Z"}

    def info(self):
        return {"SystemTime": "2026-11-22T14:00:09.25Z"}

    def get(self, url, *, params, timeout):
        self.asked.append((url, params, timeout))
        return SimpleNamespace(text=self.text, raise_for_status=lambda: None)


ASKED = {"since": "1795356000.500000000", "filters": '{"container": ["abc"]}'}


@pytest.mark.parametrize(
    ("podman", "end"),
    [(False, {"until": "1795356009.250000000"}), (True, {"stream": "false"})],
)
def test_each_engine_is_asked_for_all_events_up_to_now(podman, end):
    api = FakeApi([{"Action": "start"}, {"status": "oom"}, {"Action": "die"}])

    found = recall(api, "harness-1", engine=SimpleNamespace(is_podman=podman))

    assert found == EngineMemory(out_of_memory=True, killed=False, death=True)
    assert api.asked == [("http://engine/v1.41/events", ASKED | end, 7)]
