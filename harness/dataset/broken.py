"""Sources that can't be used, and why; nothing of what is done about them."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from harness.errors import SourceDataError


class BrokenReason(StrEnum):
    """Why a source can't be used."""

    NO_LABEL = "no-label"
    """There is an image and no label of it, or an empty one."""
    NO_IMAGE = "no-image"
    """There is a label and no image of it, or it is listed and not there, or empty."""
    UNREADABLE = "unreadable"
    """A file is truncated, or not of the kind it should be."""
    OTHER_SIZE = "other-size"
    """Image, label and mask differ in size."""
    STRANGE_ID = "strange-id"
    """The label holds an id that is no class."""
    DUPLICATE_NAME = "duplicate-name"
    """Two images have one name."""
    LEAVES_TREE = "leaves-tree"
    """A link leads out of the source folder."""
    NOT_EDITABLE = "not-editable"
    """The editor can't take an image of its size or shape."""
    BAD_NAME = "bad-name"
    """Its name is not text, or too long."""
    NOT_PROMISED = "not-promised"
    """A file is not the one that the data set's listing promises."""
    ODD_MASK = "odd-mask"
    """The mask of its object does not lie on pixels of the object's class, or is of no image."""


class BrokenSourceError(SourceDataError):
    """One source can't be used; the others may do.

    Attributes:
        reason: Why.
    """

    def __init__(self, message: str, *, remedy: str, reason: BrokenReason) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Return how it is rebuilt in another process, remedy and reason included."""
        return (partial(type(self), remedy=self.remedy, reason=self.reason), (str(self),))


@dataclass(frozen=True, kw_only=True)
class BrokenSource:
    """A source that can't be used."""

    name: str
    """The name of the image in its data set."""
    reason: BrokenReason
    """Why."""
    detail: str
    """What is wrong, naming the file."""
    remedy: str
    """What to do about it."""
