"""The lines of prediction protocol 1; nothing of sockets, bodies or order.

Both sides write a JSON object on one line of ASCII or UTF-8. The container opens with a ready
line; then each direction is a sequence of headers, each followed by the bytes that it announces:

    <- {"protocol": 1, "name": "my model"}
    -> {"id": "8c1f…", "bytes": 301553}     and 301553 bytes of PNG
    <- {"id": "8c1f…", "bytes": 20417}      and 20417 bytes of PNG

A container that can say how probable a class is adds `"losses": true` to its ready line. A sample's
header may then ask `"loss_of": [7]`, and the answer is -log of the probability of class 7 at every
pixel, a one-channel 16-bit PNG in thousandths of a nat. Where is never asked, so no label travels.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

PROTOCOL_VERSION = 1
MAX_LINE_BYTES = 4096
"""The longest line the harness reads, its newline included."""
MAX_NAME_CHARACTERS = 200
"""The longest model name in a ready line."""
_SHOWN_CHARACTERS = 80


class LineError(ValueError):
    """A line is not the one that the protocol asks for; the message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class ReadyLine:
    """What a container says of itself once it has loaded its model."""

    name: str
    """The model's name, free-form."""
    losses: bool
    """Whether it can be asked for class losses."""


@dataclass(frozen=True, kw_only=True)
class AnswerHeader:
    """The announcement of one prediction."""

    sample_id: str
    """The sample it is for, as the container says."""
    size: int
    """Number of bytes that follow."""


def sample_header(sample_id: str, size: int, *, loss_of: Sequence[int] = ()) -> bytes:
    """Return the line that announces a sample of `size` bytes.

    Args:
        sample_id: The sample.
        size: Number of bytes that follow.
        loss_of: The class ids whose loss is wanted; empty asks for a prediction.
    """
    asked = {"loss_of": list(loss_of)} if loss_of else {}
    return json.dumps({"id": sample_id, "bytes": size, **asked}).encode() + b"\n"


def parse_ready(line: bytes) -> ReadyLine:
    """Return what the ready line `line` (without its newline) says.

    Raises:
        LineError: It is no ready line of protocol 1.
    """
    ready = _parse_object(line, keys=("name", "protocol"), optional="losses")
    version, name, losses = ready["protocol"], ready["name"], ready.get("losses", False)
    if type(version) is not int or version != PROTOCOL_VERSION:
        msg = f"it speaks protocol {shown(version)}, not {PROTOCOL_VERSION}"
        raise LineError(msg)
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        msg = f"`name` is no printable text of up to {MAX_NAME_CHARACTERS} characters"
        raise LineError(msg)
    if not isinstance(losses, bool):
        msg = f"`losses` is {shown(losses)}, neither true nor false"
        raise LineError(msg)
    return ReadyLine(name=name, losses=losses)


def parse_answer(line: bytes) -> AnswerHeader:
    """Return the header in `line` (without its newline).

    Raises:
        LineError: It is no JSON object with exactly `id`, a text, and `bytes`, a count.
    """
    header = _parse_object(line, keys=("bytes", "id"))
    sample_id, size = header["id"], header["bytes"]
    if not isinstance(sample_id, str):
        msg = f"`id` is {shown(sample_id)}, not a text"
        raise LineError(msg)
    if type(size) is not int or size < 0:
        msg = f"`bytes` is {shown(size)}, not a whole number from 0 up"
        raise LineError(msg)
    return AnswerHeader(sample_id=sample_id, size=size)


def shown(value: object) -> str:
    """Return hostile `value` as short printable ASCII for a message."""
    plain = ascii(value)
    return plain if len(plain) <= _SHOWN_CHARACTERS else plain[:_SHOWN_CHARACTERS] + "..."


def _parse_object(
    line: bytes, *, keys: tuple[str, ...], optional: str | None = None
) -> dict[str, object]:
    try:
        value = json.loads(
            line.decode(), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
        )
    except LineError:
        raise
    except (ValueError, RecursionError) as error:
        msg = f"it is no JSON: {shown(line)}"
        raise LineError(msg) from error
    if not isinstance(value, dict):
        msg = f"it is no JSON object: {shown(line)}"
        raise LineError(msg)
    if sorted(value.keys() - {optional}) != list(keys):
        wanted = " and ".join(f"`{key}`" for key in keys)
        msg = f"its keys are not {wanted}: {shown(line)}"
        raise LineError(msg)
    return value


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a key stands twice"
        raise LineError(msg)
    return found


def _refuse_constant(constant: str) -> NoReturn:
    msg = f"{constant} is no JSON"
    raise LineError(msg)
