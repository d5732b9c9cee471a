import pytest

from harness.editing.procedural.values import VALUES
from harness.prompting.caption_edit import edited_caption
from harness.prompting.prompt_check import PromptRule, check_prompt
from harness.prompting.reply import FaultKind
from harness.prompting.text_length import most_tokens
from harness.records.attributes import Attribute, Edit, Scope

RULE = PromptRule()
FIELD = "a red car on a green field"
SUNNY = "a photo of a car on a sunny day under a clear blue sky"
SKY = "a car under a clear blue sky"
HOUSE = "a car by a house"


def to(text):
    attribute, value = text.split("=")
    return Edit(attribute=Attribute(attribute), value=value)


def fault(prompt, caption, edit, phrase="car", rule=RULE):
    return check_prompt(prompt, caption, edit=to(edit), phrase=phrase, rule=rule)


@pytest.mark.parametrize(
    ("caption", "edit", "prompt"),
    [
        (FIELD, "color=violet", "a violet car on a green field"),
        (FIELD, "color=violet", "A car in violet on a green field."),
        (FIELD, "color=multi", "a multi-colored car on a green field"),
        (FIELD, "color=multi", "a multicoloured car on a green field"),
        ("an old car", "color=tan", "a tan old car"),
        ("an old car", "color=orange", "an old orange car"),
        ("a car on a road", "material=wood", "a wooden car on a road"),
        ("a car on a road", "material=wood", "a car that is made out of wood on a road"),
        ("a steel car", "material=metal", "a metallic car"),
        ("a car made of brick by it", "material=wood", "a car made of wood by it"),
        (HOUSE, "pattern=striped", "a car with stripes by a house"),
        (HOUSE, "pattern=dotted", "a polka-dotted car by a house"),
        (HOUSE, "pattern=striped", "a car with a striped pattern by a house"),
        (SUNNY, "weather=snowy", "a photo of a car on a snowy day"),
        (SUNNY, "weather=snowy", "a photo of a snow-covered car on a snowy day"),
        (SKY, "weather=snowy", "a car under a snowy sky"),
        (SKY, "weather=night", "a car under a clear blue sky at night"),
        ("a blue car", "weather=snowy", "a blue car on a snowy day"),
        (HOUSE, "weather=rainy", "On a rainy day, a car by a house"),
        (HOUSE, "weather=night", "a car by a house at night"),
        ("a photo of a car", "style=sketch", "a pencil sketch of a car"),
        ("a photo of a car", "style=sketch", "a car in the style of a sketch"),
        (HOUSE, "style=oil-pastel", "an oil pastel drawing of a car by a house"),
        (
            "a black and white photo of a car",
            "style=painting",
            "a black and white painting of a car",
        ),
    ],
)
def test_only_the_attribute_changed(caption, edit, prompt):
    assert fault(prompt, caption, edit) is None


@pytest.mark.parametrize(
    ("caption", "edit", "prompt", "kind"),
    [
        (FIELD, "color=violet", "a violet truck on a green field", FaultKind.OBJECT_GONE),
        (FIELD, "color=violet", "a violet carpet on a green field", FaultKind.OBJECT_GONE),
        (FIELD, "color=violet", "a violet car on a field", FaultKind.OTHER_WORDS),
        (FIELD, "color=violet", "a violet car on a violet field", FaultKind.OTHER_WORDS),
        (FIELD, "color=violet", "a shiny violet car on a green field", FaultKind.OTHER_WORDS),
        (FIELD, "color=violet", "a violet car parked on a green field", FaultKind.OTHER_WORDS),
        (FIELD, "color=violet", "a red car on a violet field", FaultKind.VALUE_NOT_SAID),
        (FIELD, "color=violet", FIELD, FaultKind.VALUE_NOT_SAID),
        (FIELD, "color=violet", "a purple car on a green field", FaultKind.VALUE_NOT_SAID),
        (FIELD, "color=violet", "a violet red car on a green field", FaultKind.OTHER_VALUE),
        (FIELD, "color=violet", "a violet wooden car on a green field", FaultKind.OTHER_VALUE),
        (FIELD, "material=wood", "a car on a green field made of wood", FaultKind.VALUE_NOT_SAID),
        (HOUSE, "pattern=striped", "a car in a striped house", FaultKind.VALUE_NOT_SAID),
        (SUNNY, "weather=snowy", "a photo of a car on a rainy day", FaultKind.VALUE_NOT_SAID),
        (SUNNY, "weather=snowy", "a photo of a car on a sunny day in snow", FaultKind.OTHER_VALUE),
        (
            SKY,
            "weather=snowy",
            "a car under a clear blue sky on a snowy day",
            FaultKind.OTHER_VALUE,
        ),
        ("a photo of a car", "style=sketch", "a photo of a car, sketch", FaultKind.OTHER_VALUE),
        ("a photo of a car", "style=sketch", "a sketch of a red car", FaultKind.OTHER_VALUE),
        (HOUSE, "style=sketch", "a sketch of a car", FaultKind.OTHER_WORDS),
        (FIELD, "color=violet", "ein violettes car auf einem Feld", FaultKind.VALUE_NOT_SAID),
        (FIELD, "color=violet", "a violet car\non a green field", FaultKind.UNPRINTABLE),
        (FIELD, "color=violet", "a violet\x00 car on a green field", FaultKind.UNPRINTABLE),
        (FIELD, "color=violet", "  ", FaultKind.EMPTY),
        (FIELD, "color=violet", "...!", FaultKind.NO_SENTENCE),
        (FIELD, "color=violet", "a violet car " + "very " * 80, FaultKind.TOO_LONG),
    ],
)
def test_whatever_else_changed_is_named(caption, edit, prompt, kind):
    found = fault(prompt, caption, edit)
    assert found is not None
    assert found.kind is kind


def test_the_words_that_are_wrong_are_said():
    found = fault("a shiny violet car on a green wide flat lawn", FIELD, "color=violet")
    assert found is not None
    assert str(found) == "other-words: it adds 'shiny', 'wide', 'flat' and 1 more"
    gone = fault("a violet car on a field", FIELD, "color=violet")
    assert str(gone) == "other-words: it leaves out 'green'"


def test_the_first_of_two_objects_is_not_mistaken_for_the_other():
    caption = "a cat and a dog"
    assert fault("a violet cat and dog", caption, "color=violet", phrase="dog") is not None
    assert fault("a cat and a violet dog", caption, "color=violet", phrase="dog") is None


def test_without_an_object_only_the_words_count():
    assert fault("a street on a snowy day", "a street", "weather=snowy", phrase=None) is None


@pytest.mark.parametrize("attribute", list(VALUES))
@pytest.mark.parametrize(
    ("caption", "phrase"),
    [
        ("a photo of a car", "car"),
        ("A red and white bus on a sunny day.", "bus"),
        ("An old wooden chair made of brick by it", "chair"),
        ("a photo of grass", "grass"),
    ],
)
def test_what_the_rule_writes_passes(attribute, caption, phrase):
    for value in VALUES[attribute]:
        edit = Edit(attribute=attribute, value=value)
        if edit.scope is not Scope.GEOMETRY:
            said = edited_caption(caption, edit, phrase=phrase)
            assert check_prompt(said, caption, edit=edit, phrase=phrase, rule=RULE) is None


def test_the_bound_on_tokens():
    assert most_tokens("") == 2
    assert most_tokens("a car") == 2 + 1 + 1
    assert most_tokens("a multicolored car.") == 2 + 1 + 3 + 1 + 1
    assert most_tokens("über") == 2 + 2  # five bytes


def test_a_tokenizer_that_is_handed_in_counts():
    rule = PromptRule(max_tokens=8, count_tokens=lambda text: len(text.split()))
    assert fault("a violet car on a green field", FIELD, "color=violet", rule=rule) is None
    short = PromptRule(max_tokens=6, count_tokens=lambda text: len(text.split()))
    found = fault("a violet car on a green field", FIELD, "color=violet", rule=short)
    assert str(found) == "too-long: it takes up to 7 tokens, and 6 fit"
