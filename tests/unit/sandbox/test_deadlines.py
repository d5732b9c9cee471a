import pytest

from harness.records.run import FailureReason
from harness.records.submission import ContainerLimits
from harness.sandbox.deadlines import ContainerClock, Deadlines

LIMITS = ContainerLimits(startup_seconds=10, image_seconds=5, exit_seconds=2, total_seconds=100)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_time_of_the_harness_is_not_the_containers():
    time = Time()
    clock = ContainerClock(time)

    time.now += 3
    with clock.paused():
        time.now += 50
    time.now += 1

    assert (clock.now(), clock.wall()) == (4.0, 54.0)


def test_a_pause_that_raises_still_counts_as_ours():
    time = Time()
    clock = ContainerClock(time)

    def refuse():
        with clock.paused():
            time.now += 7
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        refuse()
    assert clock.now() == 0.0


def test_a_wait_that_outlasts_itself_is_a_stopped_harness():
    time = Time()
    clock = ContainerClock(time)

    with clock.counting_at_most(1.5):
        time.now += 3600
    with clock.counting_at_most(1.5):
        time.now += 1

    assert clock.now() == 2.5


def test_the_ready_line_is_due_first():
    deadlines = Deadlines(LIMITS)

    assert deadlines.due() == 10
    assert deadlines.passed(9.9) is None
    assert deadlines.passed(10) is FailureReason.NOT_READY


def test_a_prediction_is_due_only_while_one_is_owed():
    deadlines = Deadlines(LIMITS)
    deadlines.owe_since(20)

    assert deadlines.due() == 25
    assert deadlines.passed(25) is FailureReason.IMAGE_TIMEOUT

    deadlines.owe_nothing()
    assert deadlines.due() == 100
    assert deadlines.passed(99) is None
    assert deadlines.passed(100) is FailureReason.TOTAL_TIMEOUT


def test_the_exit_is_due_last():
    deadlines = Deadlines(LIMITS)
    deadlines.exit_since(30)

    assert deadlines.passed(31.9) is None
    assert deadlines.passed(32) is FailureReason.DID_NOT_EXIT


@pytest.mark.parametrize(
    ("reason", "owed", "sentence"),
    [
        (FailureReason.NOT_READY, 0, "no ready line within 10 s"),
        (FailureReason.IMAGE_TIMEOUT, 1, "no prediction for 5 s while 1 was owed"),
        (FailureReason.IMAGE_TIMEOUT, 3, "no prediction for 5 s while 3 were owed"),
        (FailureReason.TOTAL_TIMEOUT, 3, "the run took longer than 100 s"),
    ],
)
def test_a_passed_deadline_is_explained(reason, owed, sentence):
    assert Deadlines(LIMITS).explain(reason, owed=owed) == sentence
