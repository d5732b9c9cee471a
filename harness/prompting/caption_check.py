"""Whether a captioner's text will do as the caption of a source, and its clean form; no model."""

import re
from dataclasses import dataclass

from harness.prompting.caption_edit import words_in
from harness.prompting.caption_opening import plain_caption
from harness.prompting.nouns import names_of
from harness.prompting.prompt_check import PromptRule
from harness.prompting.refusals import denial_in, refusal_in
from harness.prompting.reply import Fault, FaultKind, ModelReply

_SENTENCE_END = re.compile(r"[.!?](?=[\"')\]]?(?:\s|$))")
_ABBREVIATION = re.compile(r"(?:\b(?:[A-Za-z]|St|Mr|Mrs|Ms|Dr|vs|etc|approx))\.$")
_QUOTES = "\"'`*“”‘’"  # noqa: RUF001 - the quotes that models write


@dataclass(frozen=True, kw_only=True)
class CheckedCaption:
    """A caption that will do."""

    caption: str
    """One sentence on one line, without its full stop."""
    phrase: str | None
    """The words of it that name the object; None where there is no object."""


def check_caption(
    reply: ModelReply, *, noun: str, has_object: bool, rule: PromptRule
) -> CheckedCaption | Fault:
    """Return the caption that a captioner wrote, cleaned, or what is wrong with it.

    What follows the first sentence is left out, and so is that an image shows it. The object is
    named by its noun, or else by the noun's plural, another word for the same thing or the noun's
    last word.

    Args:
        reply: What the captioner wrote.
        noun: The word for the object, or for the whole scene where there is none.
        has_object: Whether there is an object, which the caption must name.
        rule: What the text encoder takes.
    """
    text = _clean(reply.text)
    end = _first_end(text)
    if end is None and not reply.finished:
        return Fault(kind=FaultKind.CUT_OFF, detail=f"no sentence ends in {text[-60:]!r}")
    sentence = text if end is None else text[:end]
    sentence = sentence.strip().strip(_QUOTES).strip()
    if (fault := rule.fault(sentence)) is not None:
        return fault
    phrase = _named(sentence, noun)
    if (said := _said_otherwise(sentence, phrase)) is not None:
        return said
    if has_object and phrase is None:
        return Fault(kind=FaultKind.OBJECT_GONE, detail=f"it names no {noun}: {sentence!r}")
    plain = plain_caption(sentence)
    plain_phrase = _named(plain, noun)
    if phrase is not None and plain_phrase is None:  # the picture itself is the object
        return CheckedCaption(caption=sentence, phrase=phrase)
    return CheckedCaption(caption=plain, phrase=plain_phrase)


def _said_otherwise(sentence: str, phrase: str | None) -> Fault | None:
    """Return that a sentence refuses to be a caption, or denies the object that it names."""
    if (words := refusal_in(sentence)) is not None:
        return Fault(kind=FaultKind.REFUSED, detail=f"it says {words!r}: {sentence!r}")
    if phrase is not None and (words := denial_in(sentence, phrase)) is not None:
        return Fault(kind=FaultKind.OBJECT_GONE, detail=f"it says {words!r}: {sentence!r}")
    return None


def _named(text: str, noun: str) -> str | None:
    """Return the words of `text` that name a `noun`, best first, or None."""
    return next((found for name in names_of(noun) if (found := words_in(text, name))), None)


def _clean(text: str) -> str:
    return " ".join(text.split()).strip().strip(_QUOTES).strip()


def _first_end(text: str) -> int | None:
    """Return where the first sentence ends, before its sign; None where none ends."""
    for found in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[: found.end()]):
            return found.start()
    return None
