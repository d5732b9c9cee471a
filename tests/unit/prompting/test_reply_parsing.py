import pytest

from harness.prompting.reply import Fault, FaultKind, ModelReply
from harness.prompting.reply_parsing import parse_reply

ASKED = ("color=violet", "style=sketch")
WHOLE = '{"color=violet": "a violet car", "style=sketch": "a sketch of a car"}'
BOTH = {"color=violet": "a violet car", "style=sketch": "a sketch of a car"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WHOLE, BOTH),
        (f"\n {WHOLE} \n", BOTH),
        (f"```json\n{WHOLE}\n```", BOTH),
        (f"```\n{WHOLE}\n```", BOTH),
        (f"Here are the captions:\n\n```json\n{WHOLE}\n```\nLet me know!", BOTH),
        ('{"color=violet": " a violet car "}', {"color=violet": "a violet car"}),
        ('{"color=violet": "a \\u00e9t\\u00e9 car"}', {"color=violet": "a été car"}),
        ("{}", {}),
    ],
)
def test_one_object_is_taken_alone_or_fenced(text, expected):
    assert parse_reply(ModelReply(text=text), ASKED) == expected


@pytest.mark.parametrize(
    ("text", "finished", "kind"),
    [
        ("", True, FaultKind.EMPTY),
        ("", False, FaultKind.CUT_OFF),
        ("I'm sorry, but I can't help with that.", True, FaultKind.NOT_JSON),
        (f"Sure! {WHOLE}", True, FaultKind.NOT_JSON),
        (f"{WHOLE} I hope this helps.", True, FaultKind.NOT_JSON),
        (WHOLE[:-12], False, FaultKind.CUT_OFF),
        (WHOLE[:-12], True, FaultKind.NOT_JSON),
        (WHOLE.replace('"', "'"), True, FaultKind.NOT_JSON),
        (f"[{WHOLE}]", True, FaultKind.NOT_JSON),
        ('"a violet car"', True, FaultKind.NOT_JSON),
        ("1. **color=violet**: a violet car", True, FaultKind.NOT_JSON),
        (f"```json\n{WHOLE}\n```\nor\n```json\n{WHOLE}\n```", True, FaultKind.NOT_JSON),
        (f"{WHOLE}\n{WHOLE}", True, FaultKind.NOT_JSON),
        ("[" * 100_000, True, FaultKind.NOT_JSON),
        ('{"violet": "a violet car"}', True, FaultKind.UNKNOWN_KEY),
        ('{"Color=violet": "a violet car"}', True, FaultKind.UNKNOWN_KEY),
        ('{"captions": {"color=violet": "a violet car"}}', True, FaultKind.UNKNOWN_KEY),
        ('{"color=violet": "x", "color=violet": "y"}', True, FaultKind.DUPLICATE_KEY),
        ('{"color=violet": ["a violet car"]}', True, FaultKind.NOT_TEXT),
        ('{"color=violet": null}', True, FaultKind.NOT_TEXT),
        ('{"color=violet": 7}', True, FaultKind.NOT_TEXT),
    ],
)
def test_everything_else_is_refused_as_a_whole(text, finished, kind):
    found = parse_reply(ModelReply(text=text, finished=finished), ASKED)
    assert isinstance(found, Fault)
    assert found.kind is kind


def test_what_is_refused_is_shown_in_short_on_one_line():
    found = parse_reply(ModelReply(text="I'm sorry,\n" + "so " * 100), ASKED)
    assert isinstance(found, Fault)
    assert "I'm sorry, so so" in found.detail
    assert len(found.detail) < 130
