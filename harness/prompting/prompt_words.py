"""The words of a caption, and which of them may come and go with an attribute; no model."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from harness.prompting.wording import ADJECTIVES, PICTURES, SKIES, accepted_wordings
from harness.prompting.wording import kind_of_picture as picture_in
from harness.records.attributes import Attribute, Edit

ARTICLES = frozenset({"a", "an", "the"})
"""Words that follow their neighbours, and may always come and go."""
_LINKS = (
    "and as at behind beside by for from in into its near next of on onto or over that to under"
    " which while with is are"
)
LINKS = frozenset(_LINKS.split())
"""Words that end a run of adjectives before a noun."""
_COPULA = "that which is are"
_FRAMES = {
    Attribute.COLOR: f"{_COPULA} in color colored colour coloured",
    Attribute.MATERIAL: f"{_COPULA} made out of from",
    Attribute.PATTERN: f"{_COPULA} with in pattern patterned design print",
    Attribute.STYLE: "as of in style artwork drawing drawn depicting showing rendered",
    Attribute.WEATHER: "at on in during under while it is day time weather sky skies falling"
    " covered conditions",
    Attribute.SIZE: "",
    Attribute.POSITION: "",
}
"""Words a value may be said with."""
_LOCAL_LINKS = {
    Attribute.COLOR: r"(?:(?:that|which) )?(?:is|are|in)",
    Attribute.MATERIAL: r"(?:(?:that|which) (?:is|are) )?made (?:out of|of|from)|of",
    Attribute.PATTERN: r"(?:(?:that|which) )?(?:is|are|in|with)(?: (?:a|an|the))?",
}
"""What may stand between the object and a value that is said after it."""
_OLD = {
    Attribute.STYLE: PICTURES,
    Attribute.WEATHER: f"{SKIES}|sky|skies|day|night|afternoon|morning|evening|weather|blue|sun"
    "|sunlight|sunshine|rain|snow|fog|cloudless|starry|sunlit|moonlit",
}
_AT_ODDS = {
    Attribute.STYLE: frozenset({"photo", "photograph", "snapshot"}),
    Attribute.WEATHER: frozenset(
        {"sunny", "rainy", "snowy", "foggy", "cloudy", "overcast", "stormy", "misty", "hazy"}
    ),
}
"""Words that no prompt of another value has."""
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_MOST_ADJECTIVES = 4


@dataclass(frozen=True, kw_only=True)
class Span:
    """Neighbouring words of a text."""

    start: int
    """The first."""
    end: int
    """The first after them."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Which words belong to one edit."""

    attribute: Attribute
    """What it changes."""
    wordings: tuple[tuple[str, ...], ...]
    """What says its value, longest first."""
    said: frozenset[str]
    """The single words of these."""
    frame: frozenset[str]
    """Words that its value may be said with."""
    at_odds: frozenset[str]
    """Words that say another value of a picture or its weather."""

    @classmethod
    def of(cls, edit: Edit) -> Self:
        """Return the vocabulary of `edit`."""
        wordings = {tuple(words_of(text)) for text in accepted_wordings(edit)}
        frame = set(_FRAMES[edit.attribute].split())
        if edit.attribute is Attribute.STYLE:
            frame.update(words_of(picture_in(edit.value)))
        return cls(
            attribute=edit.attribute,
            wordings=tuple(sorted(wordings, key=lambda words: (-len(words), words))),
            said=frozenset(word for words in wordings for word in words),
            frame=frozenset(frame),
            at_odds=_AT_ODDS.get(edit.attribute, frozenset()),
        )

    def is_old(self, word: str) -> bool:
        """Return whether a caption says something of the attribute by `word`."""
        listed = _OLD.get(self.attribute) or ADJECTIVES[self.attribute]
        return re.fullmatch(listed, word) is not None

    def links(self, words: Sequence[str]) -> bool:
        """Return whether `words` may stand between the object and a value after it."""
        link = _LOCAL_LINKS.get(self.attribute)
        return link is not None and re.fullmatch(link, " ".join(words)) is not None

    def occurrences(self, words: Sequence[str]) -> tuple[Span, ...]:
        """Return where the value is said, each place once."""
        found: list[Span] = []
        place = 0
        while place < len(words):
            length = next((len(w) for w in self.wordings if stands_at(words, w, place)), 0)
            if length:
                found.append(Span(start=place, end=place + length))
            place += length or 1
        return tuple(found)


def words_of(text: str) -> list[str]:
    """Return the words of `text` in small letters; parts of compounds stand apart."""
    return [word.casefold() for word in _WORD.findall(text)]


def stands_at(words: Sequence[str], phrase: Sequence[str], place: int) -> bool:
    """Return whether `phrase` begins at `place` of `words`."""
    return list(words[place : place + len(phrase)]) == list(phrase)


def occurrences(words: Sequence[str], phrase: Sequence[str]) -> Iterator[Span]:
    """Yield where `phrase` stands in `words`."""
    for place in range(len(words) - len(phrase) + 1):
        if phrase and stands_at(words, phrase, place):
            yield Span(start=place, end=place + len(phrase))


def adjectives_before(words: Sequence[str], noun: Span) -> Span:
    """Return the run of words right before a noun, to the next article or link."""
    start = noun.start
    while start > 0 and noun.start - start < _MOST_ADJECTIVES:
        word = words[start - 1]
        listed = word == "and" and start < noun.start
        if word in ARTICLES or (word in LINKS and not listed):
            break
        start -= 1
    return Span(start=start, end=noun.start)


def attribute_of_word(word: str) -> Attribute | None:
    """Return the attribute that `word` says something of, where it is a local one."""
    return next((a for a, listed in ADJECTIVES.items() if re.fullmatch(listed, word)), None)
