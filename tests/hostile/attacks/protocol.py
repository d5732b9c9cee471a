"""Attacks on the conversation: ids, lengths, order and silence; lines.py attacks its lines."""

import hashlib
import os
import sys
import time
from pathlib import Path

import speak

FOREVER = 3600


def asked_first() -> speak.Asked:
    """Say that the model is loaded, and return the first image."""
    speak.ready()
    return next(speak.asked())


def unknown_id() -> None:
    """Answer something that looks like an id and is none."""
    sample = asked_first()
    speak.answer(hashlib.sha256(sample.id.encode()).hexdigest()[: len(sample.id)], sample.honest())
    speak.behave()


def path_as_id() -> None:
    """Answer a path, in hope of a file of this name."""
    speak.answer("../../../../tmp/owned", asked_first().honest())
    speak.behave()


def escape_as_id() -> None:
    """Answer what a terminal obeys and a page shows."""
    speak.answer("\x1b]0;owned\x07<script>alert(1)</script>\n", asked_first().honest())
    speak.behave()


def shouted_id() -> None:
    """Answer the id in capitals, which a file system may not tell apart."""
    sample = asked_first()
    speak.answer(sample.id.upper(), sample.honest())
    speak.behave()


def future_id() -> None:
    """Answer the image that comes after those that were sent, by an id that would come next."""
    sample = asked_first()
    following = f"{int(sample.id, 16) + 1:0{len(sample.id)}x}"
    speak.answer(following, sample.honest())
    speak.behave()


def answered_twice() -> None:
    """Answer one image twice, the second time better."""
    sample = asked_first()
    speak.answer(sample.id, sample.honest())
    speak.answer(sample.id, sample.honest())
    speak.behave()


def answered_late_again() -> None:
    """Answer everything, and the first image once more at the very end."""
    sample = asked_first()
    speak.answer(sample.id, sample.honest())
    speak.behave()
    speak.answer(sample.id, sample.honest())


def one_left_out() -> None:
    """Answer everything but one image, then exit as if all were well."""
    asked_first()
    speak.behave()


def one_kept_back() -> None:
    """Answer everything but one image, then stay."""
    asked_first()
    speak.behave()
    time.sleep(FOREVER)


def before_ready() -> None:
    """Answer without having said that the model is loaded."""
    for sample in speak.asked():
        speak.answer(sample.id, sample.honest())


def answer_opens() -> None:
    """Open with an answer, to an image that nobody has sent."""
    speak.answer("0" * 16, speak.gray_png(16, 12))
    time.sleep(FOREVER)


def before_the_question() -> None:
    """Answer an image before any has come."""
    speak.ready()
    speak.answer("0" * 16, speak.gray_png(16, 12))
    speak.behave()


def negative_length() -> None:
    """Announce a length that walks backwards."""
    sample = asked_first()
    speak.say(speak.header(sample.id, -(2**31)))
    speak.behave()


def two_gigabytes() -> None:
    """Announce 2 GB and write them."""
    announce(2**31)


def a_quintillion() -> None:
    """Announce more than any machine has, and write on."""
    announce(10**18)


def a_number_of_4000_digits() -> None:
    """Announce a length that takes a line of its own."""
    announce(10**3900)


def announce(size: int) -> None:
    """Announce an answer of `size` bytes and write as many as are taken."""
    speak.say(speak.header(asked_first().id, size))
    for _ in range(2**11):
        speak.say(bytes(2**20))


def one_byte_over() -> None:
    """Announce one byte more than is allowed."""
    speak.say(speak.header(asked_first().id, int(os.environ["MOST"]) + 1))
    speak.behave()


def fewer_announced() -> None:
    """Announce one byte less than it writes."""
    sample = asked_first()
    body = sample.honest()
    speak.say(speak.header(sample.id, len(body) - 1) + body)
    speak.behave()


def more_announced() -> None:
    """Announce more than it writes, so that the next answer is taken as the rest."""
    sample = asked_first()
    body = sample.honest()
    speak.say(speak.header(sample.id, len(body) + 50) + body)
    speak.behave()


def more_announced_and_silent() -> None:
    """Announce one byte more than it writes, and wait."""
    sample = asked_first()
    body = sample.honest()
    speak.say(speak.header(sample.id, len(body) + 1) + body)
    time.sleep(FOREVER)


def bytes_between() -> None:
    """Write bytes between two answers that belong to neither."""
    sample = asked_first()
    speak.answer(sample.id, sample.honest())
    speak.say(b"\0\1\2\3 between \n")
    speak.behave()


def nothing_at_all() -> None:
    """Answer with no bytes."""
    speak.answer(asked_first().id, b"")
    speak.behave()


def interleaved() -> None:
    """Mix the bytes of two answers, as two threads without a lock do."""
    speak.ready()
    requests = speak.asked()
    first, second = next(requests), next(requests)
    one, other = (speak.header(s.id, len(s.honest())) + s.honest() for s in (first, second))
    middle = len(one) // 2
    speak.say(one[:middle] + other[:middle] + one[middle:] + other[middle:])
    speak.behave()


def backwards() -> None:
    """Answer in groups of what is sent ahead, the last image first, which is allowed."""
    speak.ready()
    group: list[speak.Asked] = []
    for sample in speak.asked():
        group.append(sample)
        if len(group) == int(os.environ["HARNESS_MAX_IN_FLIGHT"]):
            answer_backwards(group)
    answer_backwards(group)


def answer_backwards(group: list[speak.Asked]) -> None:
    """Answer every one of `group`, the last one first."""
    while group:
        sample = group.pop()
        speak.answer(sample.id, sample.honest())


def after_the_end() -> None:
    """Answer everything and then go on for ever."""
    speak.ready()
    speak.behave()
    while True:
        speak.answer("0" * 16, speak.gray_png(16, 12))


def a_newline_after_the_end() -> None:
    """Answer everything and write one byte more."""
    speak.ready()
    speak.behave()
    speak.say(b"\n")


def ready_after_the_end() -> None:
    """Answer everything and ask for another round."""
    speak.ready()
    speak.behave()
    speak.ready("again")


def to_stderr() -> None:
    """Answer where logs go."""
    speak.ready()
    for sample in speak.asked():
        body = sample.honest()
        sys.stderr.buffer.write(speak.header(sample.id, len(body)) + body)
        sys.stderr.buffer.flush()


def forged_log() -> None:
    """Write what a run's record, a terminal and a page might take for their own."""
    for line in (
        '{"status": "completed", "reason": null, "miou": 1.0}',
        "\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]8;;http://127.0.0.1/\x07completed\x1b]8;;\x07",
        "</pre><script>alert(1)</script>",
        "\u202edetelpmoc\r\x9b31m",
    ):
        speak.log(line)
    sys.stderr.buffer.write(b"\xff\xfe\0\1 harness: completed\n")
    sys.stderr.buffer.flush()
    sys.exit(9)


def forged_frames() -> None:
    """Write to stdout what the engine puts around its frames."""
    speak.say(b"\1\0\0\0\0\0\0\x1f" + b'{"protocol": 1, "name": "frame"}\n')
    time.sleep(FOREVER)


def everything_read_nothing_answered() -> None:
    """Read to the end and say nothing."""
    speak.ready()
    for _ in speak.asked():
        pass


def deaf() -> None:
    """Read nothing, answer nothing, and log without an end."""
    speak.ready()
    while True:
        speak.log("x" * 1000)


def through_init() -> None:
    """Speak through the output of the container's first process, which is nobody's as well."""
    with Path("/proc/1/fd/1").open("wb", buffering=0) as output:
        output.write(speak.header("0" * 16, 0))
    time.sleep(FOREVER)
