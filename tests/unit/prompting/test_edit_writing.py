import json

import pytest

from harness.prompting.edit_writing import CaptionToEdit, EditWriter, prompts_by_rule, reply_seed
from harness.prompting.prompt_check import PromptRule
from harness.prompting.reply import ModelReply, Role
from harness.records.attributes import Attribute, Edit
from harness.records.prompts import PromptOrigin

CAR = "a red car on a road"
GOOD = {
    "color=violet": "a violet car on a road",
    "weather=snowy": "a red car on a road on a snowy day",
    "style=sketch": "a sketch of a red car on a road",
}
RULE_SAYS = {
    "color=violet": "a violet car on a road",
    "weather=snowy": "a red car on a road on a snowy day",
    "style=sketch": "a pencil sketch of a red car on a road",
    "size=larger": "a red larger car on a road",
}


def to(text):
    attribute, value = text.split("=")
    return Edit(attribute=Attribute(attribute), value=value)


class Recorded:
    """Replies as they were recorded, one after the other; remembers what it was told."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.told = []
        self.seeds = []

    def reply(self, messages, *, seed):
        self.told.append([(message.role, message.text) for message in messages])
        self.seeds.append(seed)
        text = self.replies.pop(0)
        return ModelReply(text=text if isinstance(text, str) else json.dumps(text))


def car(*edits, phrase="car", caption=CAR, name="one"):
    asked = tuple(to(edit) for edit in (edits or RULE_SAYS))
    return CaptionToEdit(source_name=name, caption=caption, noun="car", phrase=phrase, edits=asked)


def write(model, caption, *, tries=3):
    writer = EditWriter(model=model, rule=PromptRule(), tries=tries, seed=7)
    return {str(line.edit): line for line in writer.write(caption)}


def test_a_good_reply_is_taken_and_geometry_said_by_rule():
    model = Recorded(GOOD)
    found = write(model, car())
    assert {key: line.prompt for key, line in found.items()} == {
        **GOOD,
        "size=larger": RULE_SAYS["size=larger"],
    }
    assert [line.origin for line in found.values()] == [
        *[PromptOrigin.LANGUAGE_MODEL] * 3,
        PromptOrigin.TEMPLATE,
    ]
    question = model.told[0][0][1]
    assert CAR in question
    assert '"color=violet": the car is violet' in question
    assert "size=larger" not in question


def test_only_what_is_wrong_is_asked_again_and_told_why():
    bad = {**GOOD, "color=violet": "a violet truck on a road"}
    model = Recorded(bad, {"color=violet": GOOD["color=violet"]})
    found = write(model, car("color=violet", "weather=snowy", "style=sketch"))
    assert {line.origin for line in found.values()} == {PromptOrigin.LANGUAGE_MODEL}
    assert [role for role, _ in model.told[1]] == [Role.USER, Role.ASSISTANT, Role.USER]
    again = model.told[1][-1][1]
    assert "- color=violet: it does not say 'car'" in again
    assert "weather=snowy" not in again
    assert json.loads(model.told[1][1][1]) == bad


def test_the_conversation_stays_short():
    model = Recorded("no", "no", "no")
    write(model, car("color=violet"))
    assert [len(messages) for messages in model.told] == [1, 3, 3]
    assert all(messages[0][0] is Role.USER for messages in model.told)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I'm sorry, I can't.", "not-json: it is not one JSON object and nothing else"),
        ({"color=violet": "a violet car parked on a road"}, "other-words: it adds 'parked'"),
        ({"color=violet": "a violet wooden car on a road"}, "other-value: it also says 'wooden'"),
        ({"color=violet": "une voiture violette"}, "object-gone: it does not say 'car'"),
        ({"color=violet": ""}, "empty: there is no text"),
        ({}, "missing: there is no color=violet"),
        ({"color=pink": "a pink car"}, "unknown-key: 'color=pink' was not asked for"),
    ],
)
def test_after_the_last_try_the_rule_says_it_with_the_reason(reply, reason):
    model = Recorded(reply, reply)
    line = write(model, car("color=violet"), tries=2)["color=violet"]
    assert line.origin is PromptOrigin.FALLBACK
    assert line.prompt == RULE_SAYS["color=violet"]
    assert line.reason is not None
    assert line.reason.startswith(reason)
    assert model.replies == []


def test_nobody_is_asked_where_nothing_is_to_be_asked():
    found = write(Recorded(), car("size=larger"))
    assert found["size=larger"].origin is PromptOrigin.TEMPLATE


def test_without_an_object_only_global_edits_are_asked_for():
    model = Recorded({"weather=snowy": "a busy road on a snowy day"})
    caption = car("color=violet", "weather=snowy", phrase=None, caption="a busy road")
    found = write(model, caption)
    assert found["weather=snowy"].origin is PromptOrigin.LANGUAGE_MODEL
    assert found["color=violet"].prompt == "a photo of a violet car"
    assert found["color=violet"].origin is PromptOrigin.TEMPLATE


def test_the_rule_alone():
    assert {str(one.edit): one.prompt for one in prompts_by_rule(car())} == RULE_SAYS


def test_seeds_follow_from_recipe_source_and_try_alone():
    model, again = Recorded("no", "no"), Recorded("no", "no")
    write(model, car("color=violet"), tries=2)
    write(again, car("color=violet", name="two"), tries=2)
    assert model.seeds == [reply_seed(7, "one", 0), reply_seed(7, "one", 1)]
    assert len({*model.seeds, *again.seeds, reply_seed(8, "one", 0)}) == 5
    assert all(0 <= seed < 2**63 for seed in model.seeds)
