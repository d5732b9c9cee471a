"""Lines that are none of the protocol: each is said as the ready line, or as an answer's header."""

import json
from collections.abc import Callable

import speak

READY = {
    "words": b"Loading the model...",
    "array": b'[{"protocol": 1, "name": "attack"}]',
    "nan": b'{"protocol": NaN, "name": "attack"}',
    "doubled_key": b'{"protocol": 2, "protocol": 1, "name": "attack"}',
    "nested": b"[" * 4000,
    "not_utf8": b'{"protocol": 1, "name": "\xff\xfe"}',
    "nul": b"\0" * 64,
    "bom": b'\xef\xbb\xbf{"protocol": 1, "name": "attack"}',
    "huge_number": b'{"protocol": ' + b"1" * 4000 + b', "name": "attack"}',
    "float": b'{"protocol": 1.0, "name": "attack"}',
    "boolean": b'{"protocol": true, "name": "attack"}',
    "version": b'{"protocol": 2, "name": "attack"}',
    "long_name": b'{"protocol": 1, "name": "' + b"x" * 201 + b'"}',
    "escapes": b'{"protocol": 1, "name": "\\u001b[2J\\u001b]0;owned\\u0007"}',
    "backwards": b'{"protocol": 1, "name": "\\u202egnp.exe"}',
    "no_name": b'{"protocol": 1}',
    "more_keys": b'{"protocol": 1, "name": "attack", "score": 1.0}',
}
HEADERS = {
    "words": b"%s: done",
    "array": b'["%s", 5]',
    "nan": b'{"id": "%s", "bytes": NaN}',
    "infinity": b'{"id": "%s", "bytes": -Infinity}',
    "doubled_key": b'{"id": "%s", "bytes": 9, "bytes": 5}',
    "nested": b'{"id": "%s", "bytes": ' + b"[" * 3900,
    "not_utf8": b'{"id": "%s", "bytes": 5, "\xc0\xaf": 0}',
    "nul": b'{"id": "%s\0", "bytes": 5}',
    "bom": b'\xef\xbb\xbf{"id": "%s", "bytes": 5}',
    "huge_negative": b'{"id": "%s", "bytes": -' + b"9" * 3900 + b"}",
    "huge_float": b'{"id": "%s", "bytes": 1e999}',
    "float": b'{"id": "%s", "bytes": 5.0}',
    "boolean": b'{"id": "%s", "bytes": true}',
    "text": b'{"id": "%s", "bytes": "5"}',
    "null": b'{"id": "%s", "bytes": null}',
    "negative": b'{"id": "%s", "bytes": -1}',
    "no_bytes": b'{"id": "%s"}',
    "more_keys": b'{"id": "%s", "bytes": 5, "score": 1.0}',
    "number_as_id": b'{"id": 7, "bytes": 5, "of": "%s"}',
    "long_line": b'{"id": "%s", "bytes": 5}' + b" " * 4096,
}


def __getattr__(name: str) -> Callable[[], None]:
    """Return the attack `ready_KEY` or `header_KEY`, of one of the lines above."""
    kind, _, key = name.partition("_")
    if kind == "ready":
        return lambda: _say_ready(READY[key])
    if kind == "header":
        return lambda: _say_header(HEADERS[key])
    raise AttributeError(name)


def _say_ready(line: bytes) -> None:
    speak.say(line + b"\n")
    speak.behave()


def _say_header(line: bytes) -> None:
    speak.ready()
    sample = next(speak.asked())
    speak.say(line.replace(b"%s", sample.id.encode()) + b"\n" + bytes(5))
    speak.behave()


def endless_ready() -> None:
    """Write a ready line that never ends."""
    flood(b'{"protocol": 1, "name": "')


def endless_header() -> None:
    """Write a header that never ends."""
    speak.ready()
    next(speak.asked())
    flood(b'{"id": "')


def flood(opened: bytes) -> None:
    """Write `opened` and half a gigabyte more of it, without a newline."""
    speak.say(opened)
    for _ in range(512):
        speak.say(b"x" * 2**20)


def carriage_returns() -> None:
    """End every line as Windows does, and put spaces and escapes where JSON allows them."""
    speak.say(b' { "name" : "\\u0061ttack" , "protocol" : 1 } \r\n')
    for sample in speak.asked():
        body = sample.honest()
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in sample.id)
        speak.say(f'{{"bytes":{len(body)},"id":"{escaped}"}}\r\n'.encode() + body)


def byte_by_byte() -> None:
    """Write every byte of every answer on its own."""
    for byte in b'{"protocol": 1, "name": "drip"}\n':
        speak.say(bytes([byte]))
    for sample in speak.asked():
        body = sample.honest()
        for byte in speak.header(sample.id, len(body)) + body:
            speak.say(bytes([byte]))


def two_ready_lines() -> None:
    """Say twice that the model is loaded."""
    speak.ready()
    speak.ready("again")
    speak.behave()


def ready_after_answers() -> None:
    """Say once more that the model is loaded, between two answers."""
    speak.ready()
    speak.answer_one()
    speak.ready("again")
    speak.behave()


def losses_offered() -> None:
    """Offer class losses, in hope of being told a class of an image."""
    speak.say(json.dumps({"protocol": 1, "name": "attack", "losses": True}).encode() + b"\n")
    headers = []
    while line := speak.STDIN.readline():
        asked = json.loads(line)
        headers.append(sorted(asked))
        sample = speak.Asked(id=asked["id"], png=speak.STDIN.read(asked["bytes"]))
        speak.answer(sample.id, sample.honest())
    speak.report({"keys": sorted({key for keys in headers for key in keys}), "asked": len(headers)})
