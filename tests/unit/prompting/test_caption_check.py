import pytest

from harness.prompting.caption_check import CheckedCaption, check_caption
from harness.prompting.prompt_check import PromptRule
from harness.prompting.reply import Fault, FaultKind, ModelReply

RULE = PromptRule()


def checked(text, noun="car", *, finished=True, has_object=True, rule=RULE):
    reply = ModelReply(text=text, finished=finished)
    return check_caption(reply, noun=noun, has_object=has_object, rule=rule)


@pytest.mark.parametrize(
    ("text", "noun", "caption", "phrase"),
    [
        ("A red car is parked.", "car", "A red car is parked", "car"),
        ("  A  red\ncar ", "car", "A red car", "car"),
        ('"A red car."', "car", "A red car", "car"),
        ("A red car. The sky is blue.", "car", "A red car", "car"),
        ("Two cars on a road", "car", "Two cars on a road", "cars"),
        ("A table with plates", "dining table", "A table with plates", "table"),
        ("a Dining Table", "dining table", "a Dining Table", "Dining Table"),
        ("A plane in the sky", "aeroplane", "A plane in the sky", "plane"),
        ("A pair of skis", "pair of skis", "A pair of skis", "pair of skis"),
        ("Skis in the snow", "pair of skis", "Skis in the snow", "Skis"),
        ("A car on St. Mary's street", "car", "A car on St. Mary's street", "car"),
        ("A car at 3.5 m height", "car", "A car at 3.5 m height", "car"),
    ],
)
def test_a_sentence_that_names_the_object_will_do(text, noun, caption, phrase):
    assert checked(text, noun) == CheckedCaption(caption=caption, phrase=phrase)


@pytest.mark.parametrize(
    ("text", "finished", "kind"),
    [
        ("", True, FaultKind.EMPTY),
        ("A red car that is parked on a", False, FaultKind.CUT_OFF),
        ("A red bus", True, FaultKind.OBJECT_GONE),
        ("A carpet", True, FaultKind.OBJECT_GONE),
        ("A hot dog", True, FaultKind.OBJECT_GONE),
        ("A red car \x07", True, FaultKind.UNPRINTABLE),
        ("- - -", True, FaultKind.NO_SENTENCE),
        ("A red car " + "and another one " * 40, True, FaultKind.TOO_LONG),
    ],
)
def test_what_will_not_do_is_named(text, finished, kind):
    found = checked(text, finished=finished)
    assert isinstance(found, Fault)
    assert found.kind is kind


def test_a_whole_sentence_before_the_cut_will_do():
    found = checked("A red car. It is parked on a", finished=False)
    assert found == CheckedCaption(caption="A red car", phrase="car")


def test_a_scene_need_not_be_named():
    found = checked("Cars on a road", "street", has_object=False)
    assert found == CheckedCaption(caption="Cars on a road", phrase=None)


def test_what_is_said_of_a_missing_object_names_it():
    found = checked("A red bus", "dining table")
    assert str(found) == "object-gone: it names no dining table: 'A red bus'"
