"""What one run leaves, the next one of the same submission does not find."""

import cheating_verdicts
import pytest
from attack import Attack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]
ATTACK = Attack(name="cheating.earlier_runs", tries="what the run before left")


def test_nothing_is_remembered_from_run_to_run(arena):
    for _ in range(2):
        cheating_verdicts.left_nothing(arena.evaluate(ATTACK))
