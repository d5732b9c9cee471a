import pytest

from harness.sandbox.engine_events import EngineMemory, read_events, unix_nanoseconds


@pytest.mark.parametrize(
    ("actions", "memory"),
    [
        (["create", "attach", "start", "die"], (False, False, True)),
        (["create", "start", "oom", "die"], (True, False, True)),
        (["start", "kill", "die"], (False, True, True)),
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
