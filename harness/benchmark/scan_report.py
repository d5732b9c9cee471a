"""What became of every image of a data set, counted; nothing of how it was found out."""

from harness.dataset.broken import BrokenReason
from harness.dataset.selection import NoObject
from harness.records.base import Record


class NamedBroken(Record):
    """A source that can't be used."""

    name: str
    """The name of the image in its data set."""
    reason: BrokenReason
    """Why."""
    detail: str
    """What is wrong, naming the file."""


class ScanReport(Record):
    """What a recipe takes of a data set; the JSON of `harness scan`."""

    found: int
    """Number of images, broken ones included."""
    taken: int
    """Number of sources that the benchmark is made of."""
    classes: dict[str, int]
    """Number of sources by the class of their object, most frequent first."""
    without_object: dict[NoObject, int]
    """Number of sources that are taken for global edits only, by what they lack."""
    left_out: dict[NoObject, int]
    """Number of images that are left out, by what they lack."""
    broken: dict[BrokenReason, int]
    """Number of images that are left out because they can't be used, by reason."""
    named: tuple[NamedBroken, ...]
    """Those that can't be used, by name; the first 1,000 of them."""
