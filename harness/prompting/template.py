"""Captions by template: what an image shows and what its edit shows, in plain English."""

from typing import assert_never

from harness.prompting.wording import adjective, kind_of_picture, plain_words, weather_phrase
from harness.records.attributes import Attribute, Edit

_VOWEL_SOUND_EXCEPTIONS = ("uni", "use", "eu", "one")
"""Openings that are spelled with a vowel and spoken with a consonant."""
_SILENT_H = ("hour", "honest", "heir")


def article(phrase: str) -> str:
    """Return `a` or `an`, as it is spoken before `phrase`."""
    first = phrase.lower()
    vowel = first.startswith(tuple("aeiou")) and not first.startswith(_VOWEL_SOUND_EXCEPTIONS)
    return "an" if vowel or first.startswith(_SILENT_H) else "a"


def with_article(phrase: str) -> str:
    """Return `phrase` after `a` or `an`, as it is spoken."""
    return f"{article(phrase)} {phrase}"


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
