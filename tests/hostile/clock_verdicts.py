"""What becomes of taking longer than one may: our clock decides, whatever trickles in."""

from attack import Attack, Result, walls

from harness.records.run import FailureReason

IMAGE_TIMEOUT = FailureReason.IMAGE_TIMEOUT
IMPATIENT = walls(image_seconds=2)


def hung_after(answers: int):
    """Return a check that so many answers were taken, and that the next image is named."""

    def check(result: Result) -> None:
        assert result.record.outcome.predictions == answers
        assert result.record.outcome.sample_id

    return check


def within_deadlines(result: Result) -> None:
    assert result.measured.seconds < result.record.limits.total_seconds


ATTACKS = (
    Attack(
        name="clock.never_ready",
        tries="loading for ever",
        limits=walls(startup_seconds=2),
        verdict=FailureReason.NOT_READY,
    ),
    Attack(
        name="clock.ready_drip",
        tries="a ready line without an end",
        limits=walls(startup_seconds=2),
        verdict=FailureReason.NOT_READY,
    ),
    Attack(
        name="clock.hang_at_first",
        tries="hanging at the first image",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
        log_ends="hanging after 0",
        check=hung_after(0),
    ),
    Attack(
        name="clock.hang_at_middle",
        tries="hanging at the seventh image",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
        log_ends="hanging after 6",
        check=hung_after(6),
    ),
    Attack(
        name="clock.hang_at_last",
        tries="hanging at the last image",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
        log_ends="hanging after 11",
        check=hung_after(11),
    ),
    Attack(
        name="clock.drip",
        tries="an answer, a byte at a time",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
        log_ends="dripping",
        check=hung_after(0),
    ),
    Attack(
        name="clock.header_drip",
        tries="a header, a byte at a time",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
        check=hung_after(0),
    ),
    Attack(
        name="clock.slow_answers",
        tries="every answer just in time",
        limits=walls(total_seconds=2),
        verdict=FailureReason.TOTAL_TIMEOUT,
    ),
    Attack(
        name="clock.never_reads",
        tries="leaving its input unread",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
    ),
    Attack(
        name="clock.lingers",
        tries="staying after the last answer",
        limits=walls(exit_seconds=2),
        verdict=FailureReason.DID_NOT_EXIT,
        log_ends="answered everything",
    ),
    Attack(
        name="clock.ignores_signals",
        tries="ignoring every signal",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
        log_ends="ignoring every signal",
    ),
    Attack(
        name="clock.stops_itself",
        tries="SIGSTOP for itself",
        limits=IMPATIENT,
        verdict=IMAGE_TIMEOUT,
        log_ends="stopping",
    ),
    Attack(
        name="clock.stops_everybody",
        tries="SIGSTOP and SIGKILL for init and all",
        check=within_deadlines,
    ),
)
