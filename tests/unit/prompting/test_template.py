import pytest

from harness.prompting.template import caption, target_prompt, with_article
from harness.records.attributes import Attribute, Edit


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("bus", "a bus"),
        ("orange bus", "an orange bus"),
        ("aeroplane", "an aeroplane"),
        ("unicycle", "a unicycle"),
        ("umbrella", "an umbrella"),
        ("European car", "a European car"),
        ("one-wheeler", "a one-wheeler"),
        ("hourglass", "an hourglass"),
        ("horse", "a horse"),
        ("TV monitor", "a TV monitor"),
        ("SUV", "an SUV"),
        ("CRT screen", "a CRT screen"),
        ("LCD screen", "an LCD screen"),
        ("utensil", "a utensil"),
        ("urinal", "a urinal"),
        ("urn", "an urn"),
        ("used car", "a used car"),
        ("unidentified bird", "an unidentified bird"),
        ("uniform", "a uniform"),
        ("onion", "an onion"),
        ("ground", "the ground"),
        ("violet grass", "violet grass"),
        ("striped trousers", "striped trousers"),
    ],
)
def test_articles_follow_the_sound(phrase, expected):
    assert with_article(phrase) == expected


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("color", "violet", "a photo of a violet bus"),
        ("color", "orange", "a photo of an orange bus"),
        ("color", "multi", "a photo of a multicolored bus"),
        ("material", "wood", "a photo of a bus made of wood"),
        ("pattern", "striped", "a photo of a striped bus"),
        ("style", "painting", "a painting of a bus"),
        ("style", "sketch", "a pencil sketch of a bus"),
        ("style", "oil-pastel", "an oil pastel drawing of a bus"),
        ("weather", "snowy", "a photo of a bus on a snowy day"),
        ("weather", "night", "a photo of a bus at night"),
        ("weather", "stormy", "a photo of a bus in stormy weather"),
        ("size", "larger", "a photo of a larger bus"),
        ("position", "left", "a photo of a bus, moved to the left"),
    ],
)
def test_target_prompts_are_plain_english(attribute, value, expected):
    edit = Edit(attribute=Attribute(attribute), value=value)
    assert target_prompt(edit, "bus") == expected


def test_captions():
    assert caption("street") == "a photo of a street"
    assert caption("aeroplane") == "a photo of an aeroplane"


@pytest.mark.parametrize(
    ("edit", "noun", "expected"),
    [
        ("color=orange", "grass", "a photo of orange grass"),
        ("material=wood", "stairs", "a photo of stairs made of wood"),
        ("color=pink", "sea", "a photo of the pink sea"),
        ("style=painting", "snow", "a painting of snow"),
        ("style=sketch", "sea", "a pencil sketch of the sea"),
        ("weather=snowy", "people", "a photo of people on a snowy day"),
        ("color=violet", "pair of scissors", "a photo of a violet pair of scissors"),
    ],
)
def test_what_is_not_counted_has_no_article(edit, noun, expected):
    attribute, value = edit.split("=")
    assert target_prompt(Edit(attribute=Attribute(attribute), value=value), noun) == expected
