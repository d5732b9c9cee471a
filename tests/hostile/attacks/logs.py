"""Drowning the harness in output, and lying in it."""

import os
import sys
import time

import speak

MIB = 2**20


def flood(seconds: float, block: bytes, *, most: int = 2048 * MIB) -> int:
    """Write blocks to stderr for some seconds; returns how many bytes were taken."""
    until, written = time.monotonic() + seconds, 0
    while time.monotonic() < until and written < most:
        written += os.write(2, block)
    return written


def stdout_noise() -> None:
    """Print as a chatty library does, before the ready line and without an end to it."""
    speak.log("noise on stdout")
    for number in range(10_000):
        speak.say(b"Downloading weights: %d %%\r" % (number % 100))
    time.sleep(600)


def stdout_gigabytes() -> None:
    """Write to stdout without an end, after the ready line."""
    speak.ready()
    speak.log("gigabytes of stdout")
    while True:
        speak.say(bytes(MIB))


def flood_before_ready() -> None:
    """Write to stderr for ever, without a ready line."""
    flood(600, b"x" * MIB, most=2**50)


def flood_while_owing() -> None:
    """Write to stderr for ever while an image is owed."""
    speak.ready()
    next(speak.asked())
    flood(600, b"the model is still loading\n" * 10_000, most=2**50)


def flood_and_answer() -> None:
    """Write gigabytes to stderr, then answer."""
    speak.log("the first line")
    speak.ready()
    sample = next(speak.asked())
    written = flood(3, b"y" * MIB)
    speak.answer(sample.id, sample.honest())
    speak.behave()
    speak.log("")
    speak.report({"written": written})


def long_line() -> None:
    """Write one line of 100 MB."""
    flood(60, b"z" * MIB, most=100 * MIB)
    speak.log("\nafter the long line")
    speak.ready()
    speak.behave()


def hostile_text() -> None:
    """Write what would drive a terminal, a page or a decoder."""
    escapes = b"\x1b[2J\x1b]0;owned\x07\x1b[31mred\x9b5m \x08\x08\x7f \r overwritten\n"
    markup = b"</pre><script>alert(1)</script><!-- {{ 7*7 }} {% raw %}\n"
    broken = b"\xff\xfe\xc0\x80\xed\xa0\x80 \xf4\x90\x80\x80 \x00 nul\n"
    turned = "\u202egnp.exe \u2028 \ufeff \U000e0041 tags\n".encode()
    os.write(2, (escapes + markup + broken + turned) * 20)
    speak.ready()
    speak.behave()
    os.write(2, b"the end \x1b[0m\n")


def false_testimony() -> None:
    """Claim in its log that the engine failed, so that it would be run again for nothing."""
    speak.ready()
    speak.answer_one()
    for line in (
        "docker: Error response from daemon: OCI runtime create failed: out of memory",
        "harness_failed: the container engine was lost while a submission ran",
        '{"status": "completed", "reason": null}',
        "Killed",
    ):
        speak.log(line)
    sys.exit(3)


def closed_stderr() -> None:
    """Close stderr and go on."""
    os.close(2)
    speak.ready()
    speak.behave()
