"""The list files of data sets: a name a line; nothing of what the names stand for."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.dataset.broken import BrokenReason, BrokenSource
from harness.dataset.source_tree import SourceTree, name_fault


@dataclass(frozen=True, kw_only=True)
class NameList:
    """The names in a list file."""

    names: tuple[str, ...]
    """The names that can be used, in the file's order."""
    broken: tuple[BrokenSource, ...]
    """Those that can't, and lines that say a name again."""


def read_name_list(path: Path, *, tree: SourceTree) -> NameList:
    """Return the names in a list file.

    A line is a name, or the image's path from the data set's folder and its label's, as in the
    lists of augmented splits: `/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png`.

    Raises:
        SourceDataError: The file is missing, leads out of the tree, or names nothing.
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
    # What is no UTF-8 is kept as the file system's names are, and found to be a bad name.
    text = data.decode("utf-8-sig", "surrogateescape")
    names: dict[str, int] = {}
    broken: list[BrokenSource] = []
    for number, line in enumerate(text.splitlines(), start=1):
        name = _name(line.strip())
        if not name:
            continue
        if (fault := name_fault(name, place=path)) is not None:
            broken.append(fault)
        elif name in names:
            broken.append(_again(name, path, lines=(names[name], number)))
        else:
            names[name] = number
    if not names:
        msg = f"the list file {place} names nothing"
        raise tree.lacks(msg)
    return NameList(names=tuple(names), broken=tuple(broken))


def _name(line: str) -> str:
    first = line.split(maxsplit=1)[0] if line.startswith("/") else line
    return PurePosixPath(first).stem if line.startswith("/") else first


def _again(name: str, path: Path, *, lines: tuple[int, int]) -> BrokenSource:
    return BrokenSource(
        name=name,
        reason=BrokenReason.DUPLICATE_NAME,
        detail=f"{path}, line {lines[1]}: {name} stands in line {lines[0]} already",
        remedy="Remove one of the lines.",
    )


def _others(path: Path) -> str:
    """Return which lists there are in its place, in words."""
    others = sorted(other.stem for other in path.parent.glob("*.txt"))
    return f" (there are: {', '.join(others)})" if others else ""
