"""What an error shows of a build's log."""

from harness.sandbox.build_log import KEPT_LINES, SHOWN_LINES, BuildLog


def test_the_failing_step_and_only_its_lines_are_shown() -> None:
    log = BuildLog()
    for line in (
        "Step 1/2 : FROM base\n",
        " ---> abc\n",
        "Step 2/2 : RUN make\n",
        " ---> Running in 123\n",
        "cc main.c\nmain.c: \x1b[91merror\x1b[0m\n",
    ):
        log.take({"stream": line})
    log.take({"errorDetail": {"code": 2}, "error": "returned a non-zero code: 2"})
    assert log.explanation() == (
        "step 2/2 : RUN make failed: returned a non-zero code: 2 "
        "(last lines: cc main.c | main.c: error)"
    )


def test_a_failure_before_the_first_step_gives_the_engines_reason() -> None:
    log = BuildLog(error="dockerfile parse error line 3")
    assert log.explanation() == "dockerfile parse error line 3"


def test_a_step_that_printed_nothing_shows_no_lines() -> None:
    log = BuildLog()
    log.take({"stream": "Step 1/1 : COPY nothing /\n"})
    log.take({"error": "COPY failed: no such file"})
    assert log.explanation() == "step 1/1 : COPY nothing / failed: COPY failed: no such file"


def test_a_long_log_is_bounded_and_its_end_kept() -> None:
    log = BuildLog()
    for number in range(KEPT_LINES + 50):
        log.take({"stream": f"line {number}\n"})
    log.take({"status": "no stream here"})
    kept = log.tail().splitlines()
    assert len(kept) == KEPT_LINES
    assert kept[-1] == f"line {KEPT_LINES + 49}"
    assert log.explanation().count("|") == SHOWN_LINES - 1


def test_what_a_build_prints_does_not_steer_the_terminal() -> None:
    log = BuildLog()
    log.take({"stream": "Step 1/1 : RUN x\n"})
    log.take({"stream": "\x1b]0;owned\x07 \x1b[31mred\n"})
    log.take({"error": "no \x1b[2J"})
    assert (
        log.explanation()
        == r"step 1/1 : RUN x failed: no \x1b[2J (last lines: \x1b]0;owned\x07 red)"
    )
