import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ImageEditError
from harness.prompting.caption_edit import edited_caption, require_words, words_in
from harness.prompting.template import caption, target_prompt
from harness.records.attributes import Attribute, Edit

DINING = "a dining room with a table and chairs and a chandelier"


def to(text):
    attribute, value = text.split("=")
    return Edit(attribute=Attribute(attribute), value=value)


@pytest.mark.parametrize(
    ("text", "phrase", "edit", "expected"),
    [
        (DINING, "chairs", "color=pink", DINING.replace("chairs", "pink chairs")),
        (DINING, "chairs", "material=wood", DINING.replace("chairs", "chairs made of wood")),
        (DINING, "chairs", "pattern=striped", DINING.replace("chairs", "striped chairs")),
        (DINING, "chairs", "size=larger", DINING.replace("chairs", "larger chairs")),
        (DINING, "chairs", "style=sketch", f"a pencil sketch of {DINING}"),
        (DINING, "chairs", "style=watercolor", f"a watercolor of {DINING}"),
        (DINING, "chairs", "weather=snowy", f"{DINING} on a snowy day"),
        (DINING, "chairs", "position=left", f"{DINING}, moved to the left"),
        (DINING, "chairs", "color=multi", DINING.replace("chairs", "multicolored chairs")),
        ("a red car", "red car", "color=violet", "a violet red car"),
        (
            "two cars on a dining table",
            "dining table",
            "color=tan",
            "two cars on a tan dining table",
        ),
    ],
)
def test_the_value_stands_at_the_object(text, phrase, edit, expected):
    assert edited_caption(text, to(edit), phrase=phrase) == expected


@pytest.mark.parametrize(
    ("text", "phrase", "edit", "expected"),
    [
        ("a car on a road", "car", "color=orange", "an orange car on a road"),
        ("An old car", "old car", "color=pink", "A pink old car"),
        ("An aeroplane in the sky", "aeroplane", "color=blue", "A blue aeroplane in the sky"),
        ("An orange car", "car", "color=violet", "A violet car"),
        ("a wooden umbrella", "umbrella", "material=metal", "an umbrella made of metal"),
        ("the car", "car", "color=orange", "the orange car"),
        ("Nevada car", "car", "color=orange", "Nevada orange car"),
    ],
)
def test_the_article_follows_the_changed_word(text, phrase, edit, expected):
    assert edited_caption(text, to(edit), phrase=phrase) == expected


@pytest.mark.parametrize(
    ("text", "phrase", "edit", "expected"),
    [
        ("a red car", "car", "color=violet", "a violet car"),
        ("a red and white bus", "bus", "color=violet", "a violet bus"),
        ("a blue, white, red bus", "bus", "color=pink", "a pink bus"),
        ("a dark grey car", "car", "color=pink", "a dark pink car"),
        ("a well-tanned horse", "horse", "color=pink", "a well-tanned pink horse"),
        ("a plain shirt", "shirt", "pattern=floral", "a floral shirt"),
        ("a red shirt", "shirt", "pattern=floral", "a red floral shirt"),
        ("a wooden chair", "chair", "material=metal", "a chair made of metal"),
        (
            "a chair made out of wood by it",
            "chair",
            "material=metal",
            "a chair made of metal by it",
        ),
        (
            "a cup on a wall made of brick",
            "cup",
            "material=metal",
            "a cup made of metal on a wall made of brick",
        ),
        ("a car on a sunny day", "car", "weather=snowy", "a car on a snowy day"),
        ("a car at night in a town", "car", "weather=rainy", "a car on a rainy day in a town"),
        ("a photo of a car", "car", "style=painting", "a painting of a car"),
        ("A black and white photograph of a car", "car", "style=painting", "a painting of a car"),
        (
            "An oil painting of the Eiffel tower",
            "tower",
            "style=sketch",
            "a pencil sketch of the Eiffel tower",
        ),
        (
            "Paris from above",
            "Paris",
            "style=oil-pastel",
            "an oil pastel drawing of Paris from above",
        ),
        ("A car on a road.", "car", "weather=foggy", "A car on a road on a foggy day."),
        ("A car on a road.", "car", "style=sketch", "a pencil sketch of a car on a road."),
        ("  a\n car ", "car", "color=tan", "a tan car"),
        ("Red cars on a road", "cars", "color=tan", "Tan cars on a road"),
        ("Wooden chairs", "chairs", "material=metal", "Chairs made of metal"),
    ],
)
def test_what_was_said_of_the_attribute_gives_way(text, phrase, edit, expected):
    assert edited_caption(text, to(edit), phrase=phrase) == expected


@pytest.mark.parametrize(
    "edit",
    [
        "color=orange",
        "color=multi",
        "material=wood",
        "pattern=striped",
        "style=oil-pastel",
        "weather=night",
        "weather=stormy",
        "size=smaller",
        "position=right",
    ],
)
@pytest.mark.parametrize("noun", ["bus", "umbrella", "TV monitor"])
def test_on_a_template_caption_it_says_what_the_template_says(edit, noun):
    assert edited_caption(caption(noun), to(edit), phrase=noun) == target_prompt(to(edit), noun)


@pytest.mark.parametrize(
    ("text", "phrase", "edit", "expected"),
    [
        (
            "A plane flying in a clear blue sky",
            "plane",
            "weather=snowy",
            "A plane flying in the sky on a snowy day",
        ),
        ("A car under a clear, blue sky", "car", "weather=snowy", "A car on a snowy day"),
        (
            "A car on a snowy street on a bright sunny day with clear blue skies",
            "car",
            "weather=rainy",
            "A car on a street on a rainy day",
        ),
        (
            "A car on an overcast city street.",
            "car",
            "weather=rainy",
            "A car on a city street on a rainy day.",
        ),
        ("A car, and the sky is clear and blue", "car", "weather=foggy", "A car on a foggy day"),
        ("The sky is blue and a car stands", "car", "weather=foggy", "A car stands on a foggy day"),
        ("On a sunny day, a car drives", "car", "weather=night", "At night, a car drives"),
        ("A man in the snow at sunset", "man", "weather=foggy", "A man on a foggy day"),
        ("a car covered in snow", "car", "weather=rainy", "a car on a rainy day"),
        ("A cat in the sun", "cat", "weather=snowy", "A cat on a snowy day"),
        (
            "A blue car by a dark house",
            "car",
            "weather=night",
            "A blue car by a dark house at night",
        ),
        (
            "a snow-covered car",
            "snow-covered car",
            "weather=rainy",
            "a snow-covered car on a rainy day",
        ),
    ],
)
def test_weather_and_sky_that_contradict_give_way(text, phrase, edit, expected):
    assert edited_caption(text, to(edit), phrase=phrase) == expected


@pytest.mark.parametrize(
    ("text", "phrase", "edit", "expected"),
    [
        ("A large bus", "bus", "size=smaller", "A smaller bus"),
        ("Large bus", "bus", "size=larger", "Larger bus"),
        ("a large red bus", "bus", "size=smaller", "a red smaller bus"),
        ("an enormous old bus", "bus", "size=smaller", "an old smaller bus"),
        (
            "a red and white double-decker bus",
            "bus",
            "color=violet",
            "a double-decker violet bus",
        ),
        ("An orange double-decker bus", "bus", "color=tan", "A double-decker tan bus"),
        ("Blue cars passing red buses", "buses", "color=tan", "Blue cars passing tan buses"),
        ("a large car by a bus", "bus", "size=smaller", "a large car by a smaller bus"),
    ],
)
def test_words_of_the_attribute_give_way_before_other_adjectives(text, phrase, edit, expected):
    assert edited_caption(text, to(edit), phrase=phrase) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The image features a large car", "a painting of a large car"),
        ("In the image, there is a car", "a painting of a car"),
        ("This is a photo of a car", "a painting of a car"),
    ],
)
def test_a_style_is_of_what_is_shown(text, expected):
    assert edited_caption(text, to("style=painting"), phrase="car") == expected


def test_only_the_first_of_several_is_changed():
    assert edited_caption("a car by a car", to("color=tan"), phrase="car") == "a tan car by a car"


def test_words_are_found_whole_whatever_their_case_and_spaces():
    assert words_in("A Dining  table", "dining table") == "Dining  table"
    assert words_in("a carpet and a car", "car") == "car"
    assert words_in("a carpet", "car") is None
    assert words_in("a car", " ") is None
    assert words_in("a (red) car?", "car?") == "car?"


def test_a_phrase_that_is_not_there_is_named_with_the_caption_and_a_likely_one():
    with pytest.raises(ImageEditError, match="'chair' does not occur in the caption 'a table") as e:
        require_words("a table and chairs", "chair", what="caption")
    assert e.value.remedy.endswith("stand in the caption, as in --phrase 'chairs'.")
    with pytest.raises(ImageEditError) as e:
        edited_caption("a table", to("material=wood"), phrase="car")
    assert e.value.remedy == "Name the object with words that stand in the caption."
    with pytest.raises(ImageEditError, match="the phrase '' does not occur in the target prompt"):
        require_words("a table", "", what="target prompt")


WORDS = st.sampled_from(
    ["a", "an", "the", "red", "and", "white", "car", "orange", "wooden", "cars", "made", "of", "by"]
)


@given(words=st.lists(WORDS, max_size=12), edit=st.sampled_from(["color=orange", "material=wood"]))
def test_the_object_is_still_named_whatever_the_caption_says(words, edit):
    text = " ".join([*words, "umbrella", *words])
    said = edited_caption(text, to(edit), phrase="umbrella")
    assert words_in(said, "umbrella") == "umbrella"
    assert ("orange umbrella" in said) or ("umbrella made of wood" in said)
    assert said.endswith(" ".join(words)) or words[:2] == ["made", "of"]


@pytest.mark.parametrize("edit", ["style=sketch", "weather=snowy", "position=left"])
def test_what_changes_more_than_the_object_needs_no_phrase(edit):
    assert "a street" in edited_caption("a street", to(edit), phrase="car")
