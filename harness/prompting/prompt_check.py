"""Whether a target prompt says its edit of the object, and nothing else anew; no model.

A prompt is held against its caption word by word, signs and case aside. What may come is the value
in accepted words; what may go is what the caption said of the same attribute; articles and the
words that frame a value (`made of`, `on a ... day`) may do both. All else stands as it stood, in
its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from harness.prompting.caption_edit import words_in
from harness.prompting.prompt_words import (
    ARTICLES,
    LINKS,
    Span,
    Vocabulary,
    adjectives_before,
    attribute_of_word,
    occurrences,
    words_of,
)
from harness.prompting.reply import Fault, FaultKind
from harness.prompting.text_length import TokenCounter, most_tokens
from harness.records.attributes import Attribute, Edit, Scope

_FRAMED = frozenset({"pattern", "patterns", "design", "print", "color", "colour"})
_NOUNS = frozenset({"stripes", "dots", "letters", "lettering"})
"""Accepted words that stand for themselves after the object, as in `a car with stripes`."""
_FAIR = frozenset({"blue", "clear", "cloudless"})
_WITHOUT_FAIR_SKY = frozenset({"snowy", "rainy", "foggy", "stormy"})
_LISTED = 3


@dataclass(frozen=True, kw_only=True)
class PromptRule:
    """What every text for one text encoder has to meet."""

    max_tokens: int = 77
    """What the encoder takes, its two marks included."""
    count_tokens: TokenCounter = most_tokens
    """Counts them; by default a bound for CLIP's tokenizer."""

    def fault(self, text: str) -> Fault | None:
        """Return what is wrong with `text` whatever it says, or None."""
        if not text.strip():
            return Fault(kind=FaultKind.EMPTY, detail="there is no text")
        if not text.isprintable():
            return Fault(kind=FaultKind.UNPRINTABLE, detail="it is not one line of plain text")
        if not words_of(text):
            return Fault(kind=FaultKind.NO_SENTENCE, detail="there is no word in it")
        taken = self.count_tokens(text)
        if taken > self.max_tokens:
            said = f"it takes up to {taken} tokens, and {self.max_tokens} fit"
            return Fault(kind=FaultKind.TOO_LONG, detail=said)
        return None


def check_prompt(
    prompt: str, caption: str, *, edit: Edit, phrase: str | None, rule: PromptRule
) -> Fault | None:
    """Return what is wrong with the target prompt of `edit`, or None.

    Args:
        prompt: The caption of the edited image.
        caption: The caption of its source.
        edit: The attribute and its value.
        phrase: The words of the caption that name the object; None where it has none.
        rule: What the text encoder takes.
    """
    if (fault := rule.fault(prompt)) is not None:
        return fault
    if phrase is not None and words_in(prompt, phrase) is None:
        return Fault(kind=FaultKind.OBJECT_GONE, detail=f"it does not say {phrase!r}")
    compared = _Comparison(
        before=words_of(caption),
        after=words_of(prompt),
        phrase=words_of(phrase or ""),
        words=Vocabulary.of(edit),
        local=edit.scope is Scope.LOCAL,
        value=edit.value,
    )
    return compared.unsaid() or compared.changed()


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """A caption beside the prompt of one edit of it."""

    before: list[str]
    after: list[str]
    phrase: list[str]
    words: Vocabulary
    local: bool
    value: str

    def unsaid(self) -> Fault | None:
        """Return that the value is not said, not of the object, or beside another."""
        said = self.words.occurrences(self.after)
        if not said:
            return Fault(kind=FaultKind.VALUE_NOT_SAID, detail=f"it does not say {self.value!r}")
        if not self.local:
            return self._at_odds()
        objects = tuple(occurrences(self.after, self.phrase))
        if not any(self._is_said_of(place, noun) for place in said for noun in objects):
            detail = f"it does not say {self.value!r} right at {' '.join(self.phrase)!r}"
            return Fault(kind=FaultKind.VALUE_NOT_SAID, detail=detail)
        if len(said) > len(self.words.occurrences(self.before)) + 1:
            detail = f"it says {self.value!r} of more than {' '.join(self.phrase)!r}"
            return Fault(kind=FaultKind.OTHER_WORDS, detail=detail)
        return self._contradicted(objects)

    def changed(self) -> Fault | None:
        """Return which words came or went that are not the attribute's, or None."""
        came, gone = self._came(), self._gone()
        other = [word for word in came if attribute_of_word(word)]
        if other:
            return Fault(kind=FaultKind.OTHER_VALUE, detail=f"it also says {_listed(other)}")
        if came:
            return Fault(kind=FaultKind.OTHER_WORDS, detail=f"it adds {_listed(came)}")
        if gone:
            return Fault(kind=FaultKind.OTHER_WORDS, detail=f"it leaves out {_listed(gone)}")
        return None

    def _came(self) -> list[str]:
        """Return the words of the prompt that came, and may not."""
        return [word for _, word in _unmatched(self._firm(self.after), self._firm(self.before))]

    def _gone(self) -> list[str]:
        """Return the words of the caption that went, and may not."""
        gone = _unmatched(self._firm(self.before), self._firm(self.after))
        old = {place for place, word in gone if self._may_go(place, word)}
        return [w for place, w in gone if place not in old and not (old and w == "and")]

    def _firm(self, words: Sequence[str]) -> list[tuple[int, str]]:
        """Return the words, with their places, that neither say the value nor frame it."""
        loose = ARTICLES | self.words.frame | self.words.said
        return [(place, word) for place, word in enumerate(words) if word not in loose]

    def _may_go(self, place: int, word: str) -> bool:
        """Return whether a word of the caption says what the edit changes."""
        if not self.words.is_old(word):
            return False
        if not self.local:
            return True
        for noun in occurrences(self.before, self.phrase):
            run = adjectives_before(self.before, noun)
            link = self.before[noun.end : place]
            if run.start <= place < run.end or self.words.links(link):
                return True
        return False

    def _is_said_of(self, place: Span, noun: Span) -> bool:
        """Return whether the value at `place` is said of the object at `noun`."""
        if place.end <= noun.start:
            run = adjectives_before(self.after, noun)
            return place.start >= run.start and "and" not in self.after[place.end : noun.start]
        if place.start < noun.end or not self.words.links(self.after[noun.end : place.start]):
            return False
        if "made" in self.after[noun.end : place.start] or self.after[place.end - 1] in _NOUNS:
            return True
        following = self.after[place.end] if place.end < len(self.after) else None
        return following is None or following in ARTICLES | LINKS | _FRAMED

    def _contradicted(self, objects: Sequence[Span]) -> Fault | None:
        """Return that the object still has another value before it, or None."""
        said = {i for p in self.words.occurrences(self.after) for i in range(p.start, p.end)}
        for noun in objects:
            run = adjectives_before(self.after, noun)
            places = set(range(run.start, run.end))
            others = [self.after[i] for i in sorted(places - said) if self._says_it(self.after[i])]
            if others and places & said:
                detail = f"beside {self.value!r} it says {_listed(others)} of the object"
                return Fault(kind=FaultKind.OTHER_VALUE, detail=detail)
        return None

    def _at_odds(self) -> Fault | None:
        """Return that the picture or the weather is also called something else, or None."""
        odd = [w for w in self.after if w in self.words.at_odds and w not in self.words.said]
        odd += self._fair_sky()
        if not odd:
            return None
        detail = f"beside {self.value!r} it says {_listed(odd)}"
        return Fault(kind=FaultKind.OTHER_VALUE, detail=detail)

    def _fair_sky(self) -> list[str]:
        """Return the words that call the sky fair, in a prompt of weather that has no such sky."""
        if self.words.attribute is not Attribute.WEATHER or self.value not in _WITHOUT_FAIR_SKY:
            return []
        skies = [place for place, word in enumerate(self.after) if word in {"sky", "skies"}]
        runs = [adjectives_before(self.after, Span(start=at, end=at + 1)) for at in skies]
        return [w for run in runs for w in self.after[run.start : run.end] if w in _FAIR]

    def _says_it(self, word: str) -> bool:
        return attribute_of_word(word) is self.words.attribute


def _unmatched(
    words: Sequence[tuple[int, str]], others: Sequence[tuple[int, str]]
) -> list[tuple[int, str]]:
    """Return the words, with their places, that have no counterpart in `others`."""
    here, there = [word for _, word in words], [word for _, word in others]
    blocks = SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks()
    matched = {i for block in blocks for i in range(block.a, block.a + block.size)}
    return [pair for number, pair in enumerate(words) if number not in matched]


def _listed(words: Sequence[str]) -> str:
    """Return the first few of `words`, in quotes."""
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(repr(word) for word in words[:_LISTED]) + more
