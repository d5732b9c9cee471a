import pytest

from harness.dataset.label_space import label_space_names, load_label_space
from harness.prompting.caption_edit import edited_caption
from harness.prompting.nouns import NounKind, head, kind_of_noun, names_of, plural
from harness.prompting.template import caption, target_prompt
from harness.records.attributes import Attribute, Edit

RELEASED = ("voc", "camvid", "cityscapes")
"""Label spaces whose captions stand in released manifests: they stay as they are."""
NEVER_EDITED = {"sky", "terrain", "vegetation"}
"""Nouns of theirs whose captions changed since: no recipe selects them as its object."""
WITHOUT_A = {"grass", "water", "sand", "food", "snow", "clouds", "leaves", "water drops", "wood"}


def nouns_of(space):
    loaded = load_label_space(space)
    return [*(c.noun or c.name for c in loaded.classes), loaded.scene]


@pytest.mark.parametrize(
    ("noun", "kind"),
    [
        ("car", NounKind.COUNTED),
        ("glass", NounKind.COUNTED),
        ("sheep", NounKind.COUNTED),
        ("bus", NounKind.COUNTED),
        ("pair of scissors", NounKind.COUNTED),
        ("piece of clothing", NounKind.COUNTED),
        ("flight of stairs", NounKind.COUNTED),
        ("chest of drawers", NounKind.COUNTED),
        ("canvas", NounKind.COUNTED),
        ("scissors", NounKind.PLURAL),
        ("skis", NounKind.PLURAL),
        ("stairs", NounKind.PLURAL),
        ("red cars with a driver", NounKind.PLURAL),
        ("people", NounKind.PLURAL),
        ("clothes", NounKind.PLURAL),
        ("grass", NounKind.MASS),
        ("dark green grass", NounKind.MASS),
        ("furniture", NounKind.MASS),
        ("sea", NounKind.UNIQUE),
        ("blue sky", NounKind.UNIQUE),
        ("vegetation", NounKind.MASS),
        ("terrain", NounKind.MASS),
    ],
)
def test_kinds(noun, kind):
    assert kind_of_noun(noun) is kind


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("car", "cars"),
        ("bus", "buses"),
        ("bench", "benches"),
        ("toothbrush", "toothbrushes"),
        ("box", "boxes"),
        ("canopy", "canopies"),
        ("tray", "trays"),
        ("knife", "knives"),
        ("roof", "roofs"),
        ("bookshelf", "bookshelves"),
        ("person", "people"),
        ("computer mouse", "computer mice"),
        ("sheep", "sheep"),
        ("dining table", "dining tables"),
        ("TV monitor", "TV monitors"),
        ("pair of scissors", "pairs of scissors"),
        ("glass", "glasses"),
        ("grass", "grass"),
        ("stairs", "stairs"),
    ],
)
def test_plurals(noun, expected):
    assert plural(noun) == expected


def test_what_a_noun_is_said_to_be():
    assert head("dining table") == "table"
    assert head("pair of scissors") == "pair"
    assert head(" ") == ""


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("dining table", ["dining table", "dining tables", "table", "tables"]),
        ("pair of skis", ["pair of skis", "pairs of skis", "skis"]),
        ("sofa", ["sofa", "sofas", "couch", "couches"]),
        ("hot dog", ["hot dog", "hot dogs"]),
    ],
)
def test_other_names_come_after_the_own_one(noun, said):
    assert list(names_of(noun)) == said


@pytest.mark.parametrize("space", RELEASED)
def test_captions_of_released_label_spaces_stay_as_they_are(space):
    vowels = tuple("aeiou")
    for noun in set(nouns_of(space)) - NEVER_EDITED:
        expected = "an" if noun.lower().startswith(vowels) else "a"
        assert caption(noun) == f"a photo of {expected} {noun}"


@pytest.mark.parametrize("space", sorted(set(label_space_names()) - set(RELEASED)))
def test_the_other_label_spaces_have_no_article_too_many(space):
    for noun in nouns_of(space):
        said = caption(noun).removeprefix("a photo of ")
        if noun in WITHOUT_A:
            assert said == noun
        elif noun in {"ground", "sea"}:
            assert said == f"the {noun}"
        elif kind_of_noun(noun) is NounKind.COUNTED:
            assert said == f"{'an' if noun[0].lower() in 'aeio' else said.split()[0]} {noun}"
            assert said.split()[0] in {"a", "an"}


@pytest.mark.parametrize("space", label_space_names())
@pytest.mark.parametrize(
    "edit", ["color=orange", "material=wood", "pattern=dotted", "style=sketch", "weather=snowy"]
)
def test_the_rule_says_of_every_class_what_the_template_says(space, edit):
    attribute, value = edit.split("=")
    wanted = Edit(attribute=Attribute(attribute), value=value)
    for noun in nouns_of(space):
        assert edited_caption(caption(noun), wanted, phrase=noun) == target_prompt(wanted, noun)
