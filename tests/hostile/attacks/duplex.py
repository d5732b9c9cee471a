"""Attacks on who waits for whom, with images that no pipe holds; nothing of what is in them."""

import json
import time

import speak

LARGE = 4 * 2**20
FOREVER = 3600


def header() -> dict[str, object]:
    """Return the next image's header; the image itself is left where it is."""
    line: dict[str, object] = json.loads(speak.STDIN.readline())
    return line


def write_first() -> None:
    """Write every answer while the next image is still on its way, which is allowed."""
    speak.ready()
    asked = header()
    while True:
        speak.STDIN.read(asked["bytes"])
        line = speak.STDIN.readline()
        speak.answer(str(asked["id"]), bytes(LARGE))
        if not line:
            return
        asked = json.loads(line)


def answer_unseen() -> None:
    """Answer an image that it has not taken, then take no more: nothing is owed, nothing ends."""
    speak.ready()
    speak.answer(str(header()["id"]), b"guess")
    time.sleep(FOREVER)


def take_nothing() -> None:
    """Take no more than a header, and write to the log for ever."""
    speak.ready()
    header()
    while True:
        speak.log("x" * 10_000)


def drip() -> None:
    """Write a byte of an answer now and then, so that something always comes."""
    speak.ready()
    asked = header()
    speak.STDIN.read(asked["bytes"])
    speak.say(speak.header(asked["id"], LARGE))
    while True:
        speak.say(b"x")
        time.sleep(0.2)
