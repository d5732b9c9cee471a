"""What a caption says once one attribute has changed; nothing of images or of the text encoder.

Captions come from people and from models, so what they already say of the attribute gives way:
"a red car" becomes "a violet car", not "a red violet car".
"""

import re
from typing import assert_never

from harness.errors import ImageEditError
from harness.prompting.caption_opening import plain_caption
from harness.prompting.prompt_words import ARTICLES, LINKS
from harness.prompting.template import fitting_article, with_article
from harness.prompting.weather_words import in_weather, without_weather
from harness.prompting.wording import (
    ADJECTIVES,
    PICTURES,
    adjective,
    kind_of_picture,
    plain_words,
    weather_phrase,
)
from harness.records.attributes import Attribute, Edit

_PICTURE_OPENING = re.compile(
    rf"^(?:an?\s+|the\s+)?(?:[\w-]+\s+){{0,3}}(?:{PICTURES})\s+of\s+", re.IGNORECASE
)
_MADE_OF = re.compile(r"\s+made\s+(?:out\s+)?of\s+\w+", re.IGNORECASE)
_ARTICLE = re.compile(r"(?<!\w)(an?)(\s+)$", re.IGNORECASE)
_MODIFIER = (
    rf"(?!(?:{'|'.join(sorted(ARTICLES | LINKS))})\b)(?!(?!dining\b)\w*(?:ing|[^s]s)\b)[\w-]+"
)
"""A word that may stand between an adjective and its noun: no verb in -ing and no plural."""


def words_in(text: str, phrase: str) -> str | None:
    """Return the first occurrence of `phrase` in `text` as whole words, as it stands there.

    Case and the width of the spaces don't matter; None where it does not occur.
    """
    found = _find(text, phrase)
    return None if found is None else found[0]


def require_words(text: str, phrase: str, *, what: str) -> str:
    """Return `phrase` as it stands in `text`.

    Args:
        text: What should hold it.
        phrase: The words that name the object.
        what: What errors call `text`, as in `caption`.

    Raises:
        ImageEditError: It is no words of `text`.
    """
    return _match(text, phrase, what=what)[0]


def edited_caption(caption: str, edit: Edit, *, phrase: str) -> str:
    """Return `caption` with `edit` said in it, and the article before it mended.

    Args:
        caption: What the source shows.
        edit: The attribute and its value.
        phrase: The words of `caption` that name the object; style, weather and position need none.

    Raises:
        ImageEditError: The edit needs the phrase, and it is no words of the caption.
    """
    text, value = " ".join(caption.split()), edit.value
    match edit.attribute:
        case Attribute.COLOR | Attribute.PATTERN | Attribute.SIZE:
            return _with_adjective(text, phrase, edit)
        case Attribute.MATERIAL:
            return _made_of(text, phrase, plain_words(value))
        case Attribute.STYLE:
            return f"{with_article(kind_of_picture(value))} of {_subject(text)}"
        case Attribute.WEATHER:
            return _in_weather(text, weather_phrase(value), phrase=phrase)
        case Attribute.POSITION:
            return _with_ending(text, f", moved to the {plain_words(value)}")
        case _:
            assert_never(edit.attribute)


def _find(text: str, phrase: str) -> re.Match[str] | None:
    words = phrase.split()
    pattern = r"\s+".join(re.escape(word) for word in words)
    return re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE) if words else None


def _remedy(text: str, phrase: str, *, what: str) -> str:
    start = re.escape(phrase.strip()[:3])
    near = re.search(rf"(?<!\w){start}\w*", text, re.IGNORECASE) if phrase.strip() else None
    likely = f", as in --phrase {near[0]!r}" if near else ""
    return f"Name the object with words that stand in the {what}{likely}."


def _match(text: str, phrase: str, *, what: str) -> re.Match[str]:
    found = _find(text, phrase)
    if found is None:
        msg = f"the phrase {phrase!r} does not occur in the {what} {text!r}"
        raise ImageEditError(msg, remedy=_remedy(text, phrase, what=what))
    return found


def _with_adjective(text: str, phrase: str, edit: Edit) -> str:
    found = _match(text, phrase, what="caption")
    word = adjective(edit.value)
    before = _without_adjectives(text[: found.start()], edit.attribute)
    said = f"{_with_fitting_article(before, word)}{word} {text[found.start() :]}"
    return _begun_like(text, said)


def _made_of(text: str, phrase: str, material: str) -> str:
    found = _match(text, phrase, what="caption")
    before = _without_adjectives(text[: found.start()], Attribute.MATERIAL)
    said = _MADE_OF.match(text, found.end())
    after = text[said.end() if said else found.end() :]
    opening = _with_fitting_article(before, found[0])
    return _begun_like(text, f"{opening}{found[0]} made of {material}{after}")


def _without_adjectives(before: str, attribute: Attribute) -> str:
    """Return `before` without what it says of `attribute` last, as in `a red and white old `."""
    listed = rf"(?:{ADJECTIVES[attribute]})"
    return re.sub(
        rf"(?:(?<!\w)(?P<article>an?)\s+)?(?<![\w-]){listed}(?:\s*(?:,|\band\b)?\s+{listed})*,?\s+"
        rf"(?=(?P<next>(?:{_MODIFIER},?\s+){{0,2}})$)",
        _as_left_over,
        before,
        flags=re.IGNORECASE,
    )


def _as_left_over(gone: re.Match[str]) -> str:
    """Return what stays of adjectives that go: their article, as the next adjective wants it."""
    written, following = gone["article"], gone["next"]
    if written is None:
        return ""
    return f"{fitting_article(written, following) if following else written} "


def _with_fitting_article(before: str, following: str) -> str:
    """Return `before` with the article it ends in, if any, as `following` wants it."""
    ending = _ARTICLE.search(before)
    if ending is None:
        return before
    return f"{before[: ending.start()]}{fitting_article(ending[1], following)}{ending[2]}"


def _begun_like(text: str, said: str) -> str:
    """Return `said` with a capital where `text` begins with one."""
    return said[:1].upper() + said[1:] if text[:1].isupper() else said


def _subject(text: str) -> str:
    """Return what a caption shows, without the words that say it is a picture."""
    shown = plain_caption(text)
    opening = _PICTURE_OPENING.match(shown)
    subject = shown[opening.end() :] if opening else shown
    first = subject.split(" ", 1)[0]
    starts_a_sentence = first.lower() in {"a", "an", "the", "some", "two", "three", "several"}
    return subject[:1].lower() + subject[1:] if starts_a_sentence else subject


def _in_weather(text: str, words: str, *, phrase: str) -> str:
    """Return `text` with the weather said in it, and without another; `phrase` stays."""
    said = in_weather(text, words) or _with_ending(without_weather(text), f" {words}")
    if _find(text, phrase) and not _find(said, phrase):  # as a sunny-side egg would lose its name
        said = _with_ending(text, f" {words}")
    return _begun_like(text, said)


def _with_ending(text: str, ending: str) -> str:
    """Return `text` with `ending`, before the full stop where it has one."""
    bare = text.rstrip(" .")
    return f"{bare}{ending}{text[len(bare) :].strip()}"
