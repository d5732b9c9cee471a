"""Every attack gets its verdict, stays behind its walls and leaves nothing."""

import cheating_verdicts
import clock_verdicts
import control_verdicts
import endings_verdicts
import host_verdicts
import images_verdicts
import lines_verdicts
import logs_verdicts
import network_verdicts
import png_verdicts
import privilege_verdicts
import protocol_verdicts
import pytest
import resources_verdicts
from arena import Arena
from attack import MIB, Attack, Result

from harness.cli.output import printable
from harness.records.run import FailureReason, RunStatus

ATTACKS = (
    *control_verdicts.ATTACKS,
    *network_verdicts.ATTACKS,
    *host_verdicts.ATTACKS,
    *privilege_verdicts.ATTACKS,
    *resources_verdicts.ATTACKS,
    *logs_verdicts.ATTACKS,
    *clock_verdicts.ATTACKS,
    *endings_verdicts.ATTACKS,
    *images_verdicts.ATTACKS,
    *lines_verdicts.ATTACKS,
    *protocol_verdicts.ATTACKS,
    *png_verdicts.ATTACKS,
    *cheating_verdicts.ATTACKS,
)
MOST_DETAIL_CHARACTERS = 500
MOST_DISK_BYTES = 64 * 1024
"""The mount points in a container's own layer."""
MOST_WORKSPACE_BYTES = 16 * MIB
SEEN_SECONDS = 3.0
"""A container that ran for as long has been looked at."""
SLOW_START_SECONDS = 5.0
"""What a busy engine takes to start one; for those that never said that they were ready."""
pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_gets_its_verdict_and_leaves_nothing(arena: Arena, listeners, tell, attack):
    result = arena.evaluate(attack)

    tell(attack, result)
    assert_verdict(attack, result)
    assert_log(attack, result)
    assert_bounds(attack, result)
    assert listeners.seen == []
    assert arena.leftovers.found() == []
    if attack.check is not None:
        attack.check(result)


def assert_verdict(attack: Attack, result: Result) -> None:
    outcome = result.record.outcome
    failed = isinstance(attack.verdict, FailureReason)
    status = RunStatus.SUBMISSION_FAILED if failed else attack.verdict
    reason = attack.verdict if failed else None
    assert (outcome.status, outcome.reason) == (status, reason), outcome
    assert outcome.detail.isprintable()
    assert bool(outcome.detail) == (outcome.status is not RunStatus.COMPLETED)
    assert len(outcome.detail) <= MOST_DETAIL_CHARACTERS


def assert_log(attack: Attack, result: Result) -> None:
    outcome = result.record.outcome
    if attack.log_ends is not None:
        assert attack.log_ends in outcome.log_tail, outcome
    # a replacement character takes three bytes in the place of one
    assert len(outcome.log) <= attack.limits.log_bytes + len("\n[... 1 bytes left out ...]\n") + 20
    assert printable(outcome.log).replace("\n", "").isprintable()


def assert_bounds(attack: Attack, result: Result) -> None:
    limits, cost = attack.limits, result.measured
    assert cost.harness_mib <= attack.harness_mib, cost
    # without a look at the container the next two bounds would say nothing
    assert cost.container_mib > 0 or lived_seconds(attack, result) < SEEN_SECONDS, cost
    assert cost.container_mib <= limits.memory_mb + 1, cost
    assert cost.disk_bytes <= MOST_DISK_BYTES, cost
    assert cost.workspace_bytes <= MOST_WORKSPACE_BYTES, cost


def lived_seconds(attack: Attack, result: Result) -> float:
    """Return how long its container ran at least; 0 where that is not known."""
    outcome = result.record.outcome
    if attack.evaluations > 1:  # the others were not watched
        return 0.0
    starting = SLOW_START_SECONDS if outcome.startup_seconds is None else outcome.startup_seconds
    return max(outcome.total_seconds - starting, 0.0)


def test_nothing_of_the_suite_is_left(arena: Arena, listeners):
    assert arena.leftovers.found() == []
    assert listeners.seen == []
