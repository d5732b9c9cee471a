"""What is said to a model, what it says back, and what may be wrong with that; no model."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who says a message."""

    USER = "user"
    """The harness."""
    ASSISTANT = "assistant"
    """The model."""


@dataclass(frozen=True, kw_only=True)
class ChatMessage:
    """One message of a conversation."""

    role: Role
    """Who says it."""
    text: str
    """What is said."""


@dataclass(frozen=True, kw_only=True)
class ModelReply:
    """What a model wrote."""

    text: str
    """Its text without marks of the tokenizer."""
    finished: bool = True
    """Whether it came to its own end; False where it was cut off at the longest reply."""


class FaultKind(StrEnum):
    """What may be wrong with a reply."""

    EMPTY = "empty"
    """There is nothing in it."""
    CUT_OFF = "cut-off"
    """It was cut off before its end."""
    NOT_JSON = "not-json"
    """It is not one JSON object."""
    UNKNOWN_KEY = "unknown-key"
    """It has a key that was not asked for."""
    DUPLICATE_KEY = "duplicate-key"
    """It has a key twice."""
    NOT_TEXT = "not-text"
    """A value in it is no string."""
    MISSING = "missing"
    """A key that was asked for is not there."""
    UNPRINTABLE = "unprintable"
    """It has control characters or more than one line."""
    NO_SENTENCE = "no-sentence"
    """It has no words."""
    REFUSED = "refused"
    """It says that the model can't or won't say."""
    TOO_LONG = "too-long"
    """The text encoder would cut it off."""
    OBJECT_GONE = "object-gone"
    """The words that name the object are not in it."""
    VALUE_NOT_SAID = "value-not-said"
    """The value is not said, or not of the object."""
    OTHER_VALUE = "other-value"
    """It says another value, of this attribute or another."""
    OTHER_WORDS = "other-words"
    """Words changed that have nothing to do with the attribute."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a reply."""

    kind: FaultKind
    """What sort of thing; what faults are counted by."""
    detail: str
    """What precisely, for people and for the model."""

    def __str__(self) -> str:
        """Return it as the reason of a fallback."""
        return f"{self.kind.value}: {self.detail}"


def kind_of_reason(reason: str) -> str:
    """Return what a fallback's reason is counted by."""
    return reason.partition(":")[0]
