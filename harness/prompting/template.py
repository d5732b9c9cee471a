"""Captions by template: what an image shows and what its edit shows, in plain English."""

from typing import assert_never

from harness.records.attributes import Attribute, Edit

_ADJECTIVES = {"multi": "multicolored"}
_STYLE_PHRASES = {"sketch": "pencil sketch", "oil-pastel": "oil pastel drawing"}
_WEATHER_PHRASES = {
    "snowy": "on a snowy day",
    "rainy": "on a rainy day",
    "foggy": "on a foggy day",
    "night": "at night",
}
_VOWEL_SOUND_EXCEPTIONS = ("uni", "use", "eu", "one")
"""Openings that are spelled with a vowel and spoken with a consonant."""
_SILENT_H = ("hour", "honest", "heir")


def with_article(phrase: str) -> str:
    """Return `phrase` after `a` or `an`, as it is spoken."""
    first = phrase.lower()
    vowel = first.startswith(tuple("aeiou")) and not first.startswith(_VOWEL_SOUND_EXCEPTIONS)
    return f"{'an' if vowel or first.startswith(_SILENT_H) else 'a'} {phrase}"


def caption(noun: str) -> str:
    """Return the caption of a photograph whose subject is a `noun`: an object or a scene."""
    return f"a photo of {with_article(noun)}"


def target_prompt(edit: Edit, noun: str) -> str:
    """Return the caption of the edited photograph whose subject is a `noun`."""
    value = edit.value
    words = value.replace("-", " ")
    match edit.attribute:
        case Attribute.MATERIAL:
            return f"{caption(noun)} made of {words}"
        case Attribute.COLOR | Attribute.PATTERN | Attribute.SIZE:
            return caption(f"{_ADJECTIVES.get(value, words)} {noun}")
        case Attribute.STYLE:
            return f"{with_article(_STYLE_PHRASES.get(value, words))} of {with_article(noun)}"
        case Attribute.WEATHER:
            return f"{caption(noun)} {_WEATHER_PHRASES.get(value, f'in {words} weather')}"
        case Attribute.POSITION:
            return f"{caption(noun)}, moved to the {words}"
        case _:
            assert_never(edit.attribute)
