"""The list files of data sets: a name a line; nothing of what the names stand for."""

import codecs
import logging
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.dataset.broken import BrokenSource
from harness.dataset.source_name import composed, name_fault
from harness.dataset.source_tree import SourceTree
from harness.errors import SourceDataError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NameList:
    """The names in a list file."""

    names: tuple[str, ...]
    """The names that can be used, in the file's order."""
    broken: tuple[BrokenSource, ...]
    """Those that can't."""


def read_name_list(path: Path, *, tree: SourceTree) -> NameList:
    """Return the names in a list file.

    A line is a name, or the image's path from the data set's folder and its label's, as in the
    lists of augmented splits: `/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png`.
    A name that stands in several lines is one source, and a warning says so.

    Raises:
        SourceDataError: The file is missing, leads out of the tree, is no UTF-8 text, or names
            nothing that can be used.
    """
    place = path.relative_to(tree.root)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        msg = f"there is no list file {place}{_others(path)}"
        raise tree.lacks(msg) from error
    if tree.is_left_by(path):
        msg = f"the list file {place} is a link that leads out of the folder"
        raise tree.lacks(msg)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        msg = f"the list file {path} is no UTF-8 text; it seems to be UTF-16"
        raise SourceDataError(msg, remedy="Save it as UTF-8.")
    # What is no UTF-8 is kept as the file system's names are, and found to be a bad name.
    text = data.decode("utf-8-sig", "surrogateescape")
    names: dict[str, int] = {}
    again: list[str] = []
    broken: list[BrokenSource] = []
    for number, line in enumerate(text.splitlines(), start=1):
        name = composed(_name(line.strip()))
        if not name:
            continue
        if (fault := name_fault(name, place=path)) is not None:
            broken.append(fault)
        elif name in names:
            again.append(f"{name} (line {number}, and {names[name]} before)")
        else:
            names[name] = number
    if not names:
        said = f" that can be used; the first: {broken[0].detail}" if broken else ""
        msg = f"the list file {place} names nothing{said}"
        raise tree.lacks(msg)
    if again:
        _log.warning("%s names %d sources again; the first: %s", path, len(again), again[0])
    return NameList(names=tuple(names), broken=tuple(broken))


def _name(line: str) -> str:
    first = line.split(maxsplit=1)[0] if line.startswith("/") else line
    return PurePosixPath(first).stem if line.startswith("/") else first


def _others(path: Path) -> str:
    """Return which lists there are in its place, in words."""
    others = sorted(other.stem for other in path.parent.glob("*.txt"))
    return f" (there are: {', '.join(others)})" if others else ""
