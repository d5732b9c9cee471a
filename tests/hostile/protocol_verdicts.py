"""What becomes of attacks on the conversation: the first thing that is wrong ends it, by name."""

from attack import LIMITS, Attack, Result, walls

from harness.records.run import FailureReason

IMPATIENT = walls(image_seconds=3, startup_seconds=20)


def names_its_sample(result: Result) -> None:
    assert result.record.outcome.sample_id is not None


def names_no_sample(result: Result) -> None:
    assert result.record.outcome.sample_id is None


def all_answered(result: Result) -> None:
    assert result.record.outcome.predictions == 12


def bad(name: str, tries: str, reason: FailureReason, **more) -> Attack:
    return Attack(name=f"protocol.{name}", tries=tries, verdict=reason, **more)


UNKNOWN = FailureReason.UNKNOWN_SAMPLE
TOO_LARGE = FailureReason.PREDICTION_TOO_LARGE
REJECTED = FailureReason.BAD_PREDICTION
TIMEOUT = FailureReason.IMAGE_TIMEOUT
EXTRA = FailureReason.EXTRA_OUTPUT
ATTACKS = (
    bad("unknown_id", "an id that was guessed", UNKNOWN, check=names_no_sample),
    bad("path_as_id", "a path as id", UNKNOWN, check=names_no_sample),
    bad("escape_as_id", "terminal codes and HTML as id", UNKNOWN, check=names_no_sample),
    bad("shouted_id", "an id in capitals", UNKNOWN, check=names_no_sample),
    bad("future_id", "an image that will come later", UNKNOWN, check=names_no_sample),
    bad("before_the_question", "an answer before any image", UNKNOWN, check=names_no_sample),
    bad("answered_twice", "an image twice", UNKNOWN, check=names_its_sample),
    bad("answered_late_again", "an image once more at the end", EXTRA),
    bad("one_left_out", "exit 0 without one answer", FailureReason.EXITED_EARLY),
    bad(
        "one_kept_back",
        "keeping one answer back",
        TIMEOUT,
        limits=IMPATIENT,
        check=names_its_sample,
    ),
    bad(
        "before_ready",
        "answers without a ready line",
        FailureReason.NOT_READY,
        limits=walls(startup_seconds=5),
    ),
    bad("answer_opens", "an answer as the first line", FailureReason.BAD_READY_LINE),
    bad("through_init", "an answer through init's output", FailureReason.BAD_READY_LINE),
    bad("forged_frames", "the engine's own framing", FailureReason.BAD_READY_LINE),
    bad("negative_length", "-2 GB", FailureReason.BAD_HEADER),
    bad("two_gigabytes", "2 GB", TOO_LARGE, check=names_its_sample),
    bad("a_quintillion", "10^18 bytes", TOO_LARGE, check=names_its_sample),
    bad("a_number_of_4000_digits", "10^3900 bytes", TOO_LARGE, check=names_its_sample),
    bad(
        "one_byte_over",
        "one byte over the limit",
        TOO_LARGE,
        environment=(("MOST", str(LIMITS.max_prediction_bytes)),),
        check=names_its_sample,
    ),
    bad("fewer_announced", "a byte more than announced", REJECTED, check=names_its_sample),
    bad("more_announced", "50 bytes less than announced", REJECTED, check=names_its_sample),
    bad(
        "more_announced_and_silent",
        "a byte less than announced",
        TIMEOUT,
        limits=IMPATIENT,
        check=names_its_sample,
    ),
    bad("bytes_between", "bytes between two answers", FailureReason.BAD_HEADER),
    bad("nothing_at_all", "an answer of 0 bytes", REJECTED, check=names_its_sample),
    bad("interleaved", "two answers mixed", REJECTED, check=names_its_sample),
    Attack(name="protocol.backwards", tries="nothing: any order is right", check=all_answered),
    bad("after_the_end", "answers without end", EXTRA),
    bad("a_newline_after_the_end", "one byte after the end", EXTRA),
    bad("ready_after_the_end", "another round", EXTRA),
    bad("to_stderr", "answers in the log", TIMEOUT, limits=IMPATIENT),
    bad("forged_log", "a log that claims success", FailureReason.EXITED_EARLY),
    bad("everything_read_nothing_answered", "reading only", TIMEOUT, limits=IMPATIENT),
    bad("deaf", "logging only, without end", TIMEOUT, limits=IMPATIENT),
)
