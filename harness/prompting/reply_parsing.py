"""A model's reply to a question that wants JSON back, parsed strictly; nothing of what it says."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.prompting.reply import Fault, FaultKind, ModelReply

_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_SHOWN = 60


class _DuplicateKeyError(ValueError):
    pass


def parse_reply(reply: ModelReply, asked: Sequence[str]) -> Mapping[str, str] | Fault:
    """Return the texts by key that a reply holds, or what is wrong with it as a whole.

    The reply is one JSON object, alone or in the one fenced block of a reply. Keys that were asked
    for may be missing; there are no others.

    Args:
        reply: What the model wrote.
        asked: The keys that it was asked for.
    """
    text = reply.text.strip()
    if not text and reply.finished:
        return Fault(kind=FaultKind.EMPTY, detail="the reply is empty")
    fenced = _FENCED.findall(text)
    found = _object(fenced[0] if len(fenced) == 1 else text)
    if isinstance(found, Fault):
        if found.kind is FaultKind.NOT_JSON and not reply.finished:
            return Fault(kind=FaultKind.CUT_OFF, detail="the reply was cut off at the longest one")
        return found
    for key, value in found.items():
        if key not in asked:
            return Fault(kind=FaultKind.UNKNOWN_KEY, detail=f"{_short(key)} was not asked for")
        if not isinstance(value, str):
            return Fault(kind=FaultKind.NOT_TEXT, detail=f"the value of {key} is no string")
    return {key: str(value).strip() for key, value in found.items()}


def _object(text: str) -> dict[str, Any] | Fault:
    try:
        value = json.loads(text, object_pairs_hook=_without_duplicates)
    except _DuplicateKeyError as error:
        return Fault(kind=FaultKind.DUPLICATE_KEY, detail=f"{_short(str(error))} stands twice")
    except (ValueError, RecursionError):
        said = f"it is not one JSON object and nothing else: {_short(text)}"
        return Fault(kind=FaultKind.NOT_JSON, detail=said)
    if not isinstance(value, dict):
        return Fault(kind=FaultKind.NOT_JSON, detail=f"it is no JSON object: {_short(text)}")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(key)
        found[key] = value
    return found


def _short(text: str) -> str:
    """Return the beginning of `text` on one line, in quotes."""
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…")
