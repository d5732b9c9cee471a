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


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, I cannot see a car.",
        "I\u2019m sorry, but there is a car somewhere",
        "I am unable to see the car",
        "I can't describe the car",
        "I do not see a car",
        "As an AI language model, I see a car",
        "Unfortunately the car is too small",
        "Apologies, the car is too small",
    ],
)
def test_a_refusal_is_no_caption(text):
    found = checked(text)
    assert isinstance(found, Fault)
    assert found.kind is FaultKind.REFUSED


@pytest.mark.parametrize(
    "text",
    [
        "There is no car in this image",
        "There are no cars in this image",
        "There isn\u2019t any red car here",
        "This is not a car",
        "A bus, not a car",
        "A street without cars",
        "The image does not contain a car",
        "The picture doesn't show a red car",
        "The car is not visible in this image",
        "The car isn't in the image",
        "The car cannot be seen",
        "The car is missing",
    ],
)
def test_a_denial_of_the_object_is_no_caption(text):
    found = checked(text)
    assert isinstance(found, Fault)
    assert found.kind is FaultKind.OBJECT_GONE
    assert "it says" in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "A car that is not moving",
        "A car with no wheels",
        "A no-parking sign by a car",
        "A man without a helmet by a car",
        "A street with no people and a car",
    ],
)
def test_what_is_denied_of_something_else_is_no_fault(text):
    assert checked(text) == CheckedCaption(caption=text, phrase="car")


@pytest.mark.parametrize(
    ("text", "noun", "caption", "phrase"),
    [
        (
            "The image features a large airplane in a clear sky.",
            "aeroplane",
            "A large airplane in a clear sky",
            "airplane",
        ),
        ("The photo shows two cars.", "car", "Two cars", "cars"),
        ("the picture depicts a car", "car", "a car", "car"),
        ("In the image, there is a red car parked.", "car", "A red car parked", "car"),
        ("In this photo, a man drives a car.", "car", "A man drives a car", "car"),
        ("In this scene we can see a car", "car", "A car", "car"),
        ("This is a car.", "car", "A car", "car"),
        ("There's a car", "car", "A car", "car"),
        ("There are two cars in the image", "car", "Two cars", "cars"),
        ("A car shown in this picture", "car", "A car", "car"),
        ("The car in the image is red", "car", "The car is red", "car"),
        ("This is a photo of a car", "car", "A photo of a car", "car"),
        ("A cat in the picture frame", "cat", "A cat in the picture frame", "cat"),
        ("The picture shows a boat", "picture", "The picture shows a boat", "picture"),
    ],
)
def test_only_what_the_image_shows_stays(text, noun, caption, phrase):
    assert checked(text, noun) == CheckedCaption(caption=caption, phrase=phrase)


def test_a_whole_sentence_before_the_cut_will_do():
    found = checked("A red car. It is parked on a", finished=False)
    assert found == CheckedCaption(caption="A red car", phrase="car")


def test_a_scene_need_not_be_named():
    found = checked("Cars on a road", "street", has_object=False)
    assert found == CheckedCaption(caption="Cars on a road", phrase=None)


def test_what_is_said_of_a_missing_object_names_it():
    found = checked("A red bus", "dining table")
    assert str(found) == "object-gone: it names no dining table: 'A red bus'"
