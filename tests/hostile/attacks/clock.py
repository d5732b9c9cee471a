"""Taking longer than one may, in every place where one can."""

import os
import signal
import time

import speak

EVER = 600.0


def never_ready() -> None:
    speak.log("loading")
    time.sleep(EVER)


def ready_drip() -> None:
    """Send the ready line a byte at a time, and never finish it."""
    for byte in b'{"protocol": 1, "name": "' + b"slow" * 1000:
        speak.say(bytes([byte]))
        time.sleep(0.1)


def hang_after(answers: int) -> None:
    speak.ready()
    for _ in range(answers):
        speak.answer_one()
    next(speak.asked())
    speak.log(f"hanging after {answers}")
    time.sleep(EVER)


def hang_at_first() -> None:
    hang_after(0)


def hang_at_middle() -> None:
    hang_after(6)


def hang_at_last() -> None:
    hang_after(11)


def drip() -> None:
    """Send an answer a byte at a time."""
    speak.ready()
    sample = next(speak.asked())
    body = sample.honest()
    speak.log("dripping")
    for byte in speak.header(sample.id, 10_000) + body + bytes(10_000):
        speak.say(bytes([byte]))
        time.sleep(0.1)


def header_drip() -> None:
    """Send an answer's header a byte at a time, padded with spaces."""
    speak.ready()
    next(speak.asked())
    for _ in range(4000):
        speak.say(b" ")
        time.sleep(0.1)


def slow_answers() -> None:
    """Answer within every image's deadline, too slowly for the whole."""
    speak.ready()
    for sample in speak.asked():
        time.sleep(0.7)
        speak.answer(sample.id, sample.honest())


def never_reads() -> None:
    """Leave stdin unread."""
    speak.ready()
    time.sleep(EVER)


def lingers() -> None:
    """Answer everything, close the outputs' ends never, and stay."""
    speak.ready()
    speak.behave()
    speak.log("answered everything")
    time.sleep(EVER)


def ignores_signals() -> None:
    """Hang with every signal ignored that can be."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if number < 32:
            signal.signal(number, signal.SIG_IGN)
    speak.ready()
    next(speak.asked())
    speak.log("ignoring every signal")
    while True:
        time.sleep(EVER)


def stops_itself() -> None:
    speak.ready()
    next(speak.asked())
    speak.log("stopping")
    os.kill(os.getpid(), signal.SIGSTOP)


def stops_everybody() -> None:
    """Send SIGSTOP and SIGKILL to everybody else, init included."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in (1, -1):
            speak.log(speak.attempt(lambda p=process, n=number: os.kill(p, n)))
    speak.ready()
    speak.behave()
