"""Captions by template: what an image shows and what its edit shows, in plain English."""

import re
from typing import assert_never

from harness.prompting.nouns import NounKind, kind_of_noun
from harness.prompting.wording import adjective, kind_of_picture, plain_words, weather_phrase
from harness.records.attributes import Attribute, Edit

_VOWEL_SOUND = re.compile(
    r"(?!eu|ew|one\b|once|uk|u[rst][eiu]|uni(?!dent|mp|n))[aeiou]|hour|honest|heir", re.IGNORECASE
)
"""How words begin that are spoken with a vowel first: not `European`, `one`, `unicycle`, `used`."""
_SPELLED = re.compile(r"[A-Z][A-Z0-9]+\b")
"""Words that are said letter by letter."""
_VOWEL_LETTERS = frozenset("AEFHILMNORSX")
"""Letters whose names are spoken with a vowel first, as in `an SUV`."""


def article(phrase: str) -> str:
    """Return `a` or `an`, as it is spoken before `phrase`."""
    if _SPELLED.match(phrase):
        return "an" if phrase[0] in _VOWEL_LETTERS else "a"
    return "an" if _VOWEL_SOUND.match(phrase) else "a"


def fitting_article(written: str, following: str) -> str:
    """Return the article `written`, `a` or `an`, as `following` wants it, its capital kept."""
    fitting = article(following)
    return fitting.capitalize() if written[:1].isupper() else fitting


def with_article(phrase: str) -> str:
    """Return `phrase` after its article: `an oven`, `the sea`; `grass` and `stairs` have none."""
    kind = kind_of_noun(phrase)
    match kind:
        case NounKind.COUNTED:
            return f"{article(phrase)} {phrase}"
        case NounKind.UNIQUE:
            return f"the {phrase}"
        case NounKind.PLURAL | NounKind.MASS:
            return phrase
        case _:
            assert_never(kind)


def caption(noun: str) -> str:
    """Return the caption of a photograph whose subject is a `noun`: an object or a scene."""
    return f"a photo of {with_article(noun)}"


def target_prompt(edit: Edit, noun: str) -> str:
    """Return the caption of the edited photograph whose subject is a `noun`."""
    value = edit.value
    match edit.attribute:
        case Attribute.MATERIAL:
            return f"{caption(noun)} made of {plain_words(value)}"
        case Attribute.COLOR | Attribute.PATTERN | Attribute.SIZE:
            return caption(f"{adjective(value)} {noun}")
        case Attribute.STYLE:
            return f"{with_article(kind_of_picture(value))} of {with_article(noun)}"
        case Attribute.WEATHER:
            return f"{caption(noun)} {weather_phrase(value)}"
        case Attribute.POSITION:
            return f"{caption(noun)}, moved to the {plain_words(value)}"
        case _:
            assert_never(edit.attribute)
