"""Captions that say no caption: that the model can't, or that the object is not there; no model."""

import re

from harness.prompting.prompt_words import LINKS

_REFUSALS = re.compile(
    r"\b(?:sorry|apologi[sz]e|apologies|unfortunately)\b"
    r"|\bi\s*(?:can\s*not|cannot|can't|could\s+not|couldn't|do\s+not|don't|won't|am\s+not|'m\s+not)\b"
    r"|\b(?:i\s+am|i'm|we\s+are)\s+(?:unable|an?\s+(?:ai|language\s+model|assistant))\b"
    r"|\bas\s+an?\s+(?:ai|language\s+model|assistant)\b",
    re.IGNORECASE,
)
"""What models say that won't or can't say what they see."""
_NO = r"(?:no|not|without|neither|nor|zero|\w+n't)"
_SEEN = r"(?:visible|present|shown|seen|there|depicted|pictured|found|to\s+be\s+seen)"
_PICTURE = r"in\s+(?:the|this)\s+(?:image|photo|photograph|picture|scene|frame)"
_SHOWS_NOT = r"(?:not|n't)\s+(?:show|contain|include|depict|feature|have|display|see)\b"


def refusal_in(text: str) -> str | None:
    """Return the words by which `text` refuses to say what is seen, or None."""
    found = _REFUSALS.search(_straight(text))
    return None if found is None else found[0]


def denial_in(text: str, phrase: str) -> str | None:
    """Return the words by which `text` says that there is no `phrase`, or None.

    These are `no car`, `not a car`, `without any red car`, `does not show a car`, and `the car is
    not visible`, `can't be seen` or `is absent`; a car that is not moving is there.
    """
    name = r"\s+".join(re.escape(word) for word in phrase.split()) + r"(?!\w)"
    gap = rf"(?:(?!(?:{'|'.join(sorted(LINKS))})\b)[\w-]+\s+){{0,3}}"
    denials = (
        rf"(?<![\w-]){_NO}\s+{gap}{name}",
        rf"\b(?:does\s+|do\s+)?{_SHOWS_NOT}.*(?<!\w){name}",
        rf"(?<!\w){name}\s+(?:[\w-]+\s+){{0,3}}?(?:is|are|was|were)(?:n't|\s+not)\s+(?:{_SEEN}|{_PICTURE})",
        rf"(?<!\w){name}\s+(?:can\s*not|can't|could\s+not)\s+be\s+seen",
        rf"(?<!\w){name}\s+(?:is|are)\s+(?:absent|missing|nowhere)",
    )
    straight = _straight(text)
    for denial in denials:
        if found := re.search(denial, straight, re.IGNORECASE):
            return found[0]
    return None


def _straight(text: str) -> str:
    return text.replace("\u2019", "'")
