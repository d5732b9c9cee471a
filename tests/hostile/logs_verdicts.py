"""What becomes of output without end: its head and tail are kept, and nobody believes it."""

from attack import MIB, Attack, Result, walls

from harness.records.run import FailureReason


def head_and_tail(result: Result) -> None:
    log = result.record.outcome.log
    assert log.startswith("the first line\n")
    assert "bytes left out" in log
    # slower than that, it would be no flood
    assert result.findings["written"] >= 16 * MIB


def one_gap(result: Result) -> None:
    log = result.record.outcome.log
    assert log.count("bytes left out") == 1
    assert f"{100 * MIB - 20_000 + 21} bytes left out" in log


def kept_as_text(result: Result) -> None:
    log = result.record.outcome.log
    assert "alert(1)" in log
    assert "\ufffd" in log


ATTACKS = (
    Attack(
        name="logs.stdout_noise",
        tries="noise on stdout before it is ready",
        verdict=FailureReason.BAD_READY_LINE,
        log_ends="noise on stdout",
    ),
    Attack(
        name="logs.stdout_gigabytes",
        tries="stdout without an end",
        verdict=FailureReason.BAD_HEADER,
        log_ends="gigabytes of stdout",
    ),
    Attack(
        name="logs.flood_before_ready",
        tries="stderr without an end, never ready",
        limits=walls(startup_seconds=2),
        verdict=FailureReason.NOT_READY,
        log_ends="xxxxxxxxxx",
    ),
    Attack(
        name="logs.flood_while_owing",
        tries="stderr without an end, owing an image",
        limits=walls(image_seconds=2),
        verdict=FailureReason.IMAGE_TIMEOUT,
        log_ends="still loading",
    ),
    Attack(
        name="logs.flood_and_answer",
        tries="2 GiB or 3 s of stderr, then answers",
        check=head_and_tail,
    ),
    Attack(
        name="logs.long_line",
        tries="a line of 100 MiB",
        log_ends="after the long line",
        check=one_gap,
    ),
    Attack(
        name="logs.hostile_text",
        tries="escape sequences, markup, broken text",
        log_ends="the end",
        check=kept_as_text,
    ),
    Attack(
        name="logs.false_testimony",
        tries="claiming that the engine failed",
        verdict=FailureReason.EXITED_EARLY,
        log_ends="Killed",
    ),
    Attack(name="logs.closed_stderr", tries="closing stderr"),
)
