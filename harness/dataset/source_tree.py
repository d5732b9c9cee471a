"""Which files lie in a source folder, and which can't be used; nothing of what they hold.

A folder of 100,000 files is listed in about a second, their sizes included.
"""

import errno
import functools
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.dataset.broken import BrokenReason, BrokenSource
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.dataset.source_name import composed, name_fault
from harness.errors import SourceDataError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""The endings of source images, in lower case."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FolderFiles:
    """The files of one kind in a folder."""

    folder: Path
    """The folder."""
    paths: Mapping[str, Path]
    """The files that can be used, by the name of their source."""
    broken: Mapping[str, BrokenSource]
    """Those that can't, by the name of their source."""

    def names(self) -> set[str]:
        """Return the names of all sources that have a file here, usable or not."""
        return {*self.paths, *self.broken}


@dataclass(frozen=True, kw_only=True)
class SourceTree:
    """A data set's folder."""

    root: Path
    """The folder; it may be a link, and nothing in it may lead out of it."""
    layout: str
    """Which files are expected where, as in `JPEGImages/NAME.jpg`."""
    description: str
    """Where the data set is to be had."""

    @functools.cached_property
    def place(self) -> str:
        """The folder itself, all links followed."""
        return os.path.realpath(self.root)

    def lacks(self, what: str) -> SourceDataError:
        """Return the error that says what is missing, what is expected, and where it is had."""
        remedy = f"Expected there: {self.layout}. {self.description}".rstrip()
        return SourceDataError(f"{self.root}: {what}", remedy=remedy)

    def folder(self, *parts: str) -> Path:
        """Return the folder of this place in the tree.

        Raises:
            SourceDataError: There is none, or a link leads out of the tree.
        """
        folder = self.root.joinpath(*parts)
        if not folder.is_dir():
            msg = f"there is no folder {'/'.join(parts)}"
            raise self.lacks(msg)
        if self.is_left_by(folder):
            msg = f"{folder} is a link that leads out of {self.root}"
            remedy = "Name by --source a folder that holds the data set itself."
            raise SourceDataError(msg, remedy=remedy)
        return folder

    def is_left_by(self, path: Path | str) -> bool:
        """Return whether `path` lies elsewhere once its links are followed."""
        return os.path.commonpath((os.path.realpath(path), self.place)) != self.place

    def files(
        self, folder: Path, suffixes: tuple[str, ...], *, ending: str = "", missing: BrokenReason
    ) -> FolderFiles:
        """Return the folder's files whose names end in `ending` and one of `suffixes`.

        The name of a source is the file's without both, composed. Hidden files are passed over; an
        empty file is as good as none.

        Args:
            folder: The folder.
            suffixes: The endings of files, in lower case; files may have them in any case.
            ending: What a name ends in before its suffix.
            missing: What it is called when a file is empty, or a link that leads nowhere.
        """
        paths: dict[str, Path] = {}
        broken: dict[str, BrokenSource] = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                stem, dot, suffix = entry.name.rpartition(".")
                if f"{dot}{suffix}".lower() not in suffixes or not stem.endswith(ending):
                    continue
                name = composed(stem.removesuffix(ending))
                if not name or name.startswith("."):
                    continue
                if (fault := self._fault(entry, name, missing=missing)) is not None:
                    broken[name] = fault
                elif name in paths:
                    broken[name] = _two_files(name, paths[name], folder / entry.name)
                elif entry.is_file():
                    paths[name] = folder / entry.name
        usable = {name: path for name, path in paths.items() if name not in broken}
        return FolderFiles(folder=folder, paths=usable, broken=broken)

    def listing(
        self,
        names: Iterable[str],
        images: FolderFiles,
        labels: FolderFiles,
        *,
        source: Callable[[str, Path, Path], SourceFile],
        broken: Iterable[BrokenSource] = (),
    ) -> SourceListing:
        """Return the sources of these names, and why those that have no image or label do not do.

        Args:
            names: The names of the sources.
            images: The images.
            labels: The labels.
            source: Makes a source of its name, image and label.
            broken: Other sources that are known not to do.

        Raises:
            SourceDataError: More than half of the sources lack a file: the data set is not all
                there.
        """
        files: list[SourceFile] = []
        faults = list(broken)
        for name in sorted(set(names)):
            image, label = images.paths.get(name), labels.paths.get(name)
            if image is not None and label is not None:
                files.append(source(name, image, label))
            else:
                faults.append(_lack(name, images, labels))
        self._require_most(len(files), faults)
        return SourceListing(
            files=tuple(files), broken=tuple(sorted(faults, key=lambda fault: fault.name))
        )

    def require_any(self, files: FolderFiles, suffixes: tuple[str, ...]) -> None:
        """Raise SourceDataError where a folder holds no file of the kind it is for."""
        if not files.names():
            place = files.folder.relative_to(self.root)
            msg = f"{place} holds no {' or '.join(suffixes)} file"
            raise self.lacks(msg)

    def _require_most(self, usable: int, broken: list[BrokenSource]) -> None:
        for reason, what in (
            (BrokenReason.NO_IMAGE, "image"),
            (BrokenReason.NO_LABEL, "label"),
        ):
            lacking = [fault for fault in broken if fault.reason is reason]
            total = usable + len(broken)
            if 2 * len(lacking) > total:
                msg = (
                    f"{len(lacking)} of {total} sources have no {what}, so that it seems to be "
                    f"only a part of the data set; the first: {lacking[0].detail}"
                )
                raise self.lacks(msg)

    def _fault(
        self, entry: os.DirEntry[str], name: str, *, missing: BrokenReason
    ) -> BrokenSource | None:
        if (fault := name_fault(name, place=Path(entry.path).parent)) is not None:
            return fault
        if entry.is_symlink() and self.is_left_by(entry.path):
            return BrokenSource(
                name=name,
                reason=BrokenReason.LEAVES_TREE,
                detail=f"{entry.path} is a link that leads out of {self.root}",
                remedy="Put the file itself into the source folder.",
            )
        if entry.is_symlink() and not _leads_to_file(entry):
            return BrokenSource(
                name=name,
                reason=missing,
                detail=f"{entry.path} is a link that leads to no file",
                remedy="Restore the file that it leads to.",
            )
        if _is_empty(entry):
            return BrokenSource(
                name=name,
                reason=missing,
                detail=f"{entry.path} is empty: it has 0 bytes",
                remedy="Restore the file from the data set.",
            )
        return None


def merged(folder: Path, parts: Iterable[FolderFiles]) -> FolderFiles:
    """Return the files of all `parts`, which lie below `folder`; a name of two is broken."""
    paths: dict[str, Path] = {}
    broken: dict[str, BrokenSource] = {}
    for part in parts:
        for name, path in part.paths.items():
            if name in paths:
                broken[name] = _two_files(name, paths[name], path)
            paths[name] = path
        broken.update(part.broken)
    usable = {name: path for name, path in paths.items() if name not in broken}
    return FolderFiles(folder=folder, paths=usable, broken=broken)


def lacking_instances(
    names: Iterable[str], labels: FolderFiles, instances: FolderFiles
) -> tuple[BrokenSource, ...]:
    """Return the labelled sources whose file of instances is missing or can't be used.

    A data set without any has none: only where some are there, the others are missing.
    """
    if not instances.names():
        return ()
    return tuple(
        instances.broken.get(name)
        or BrokenSource(
            name=name,
            reason=BrokenReason.NO_LABEL,
            detail=f"{instances.folder} holds no instances of {name}",
            remedy="Restore the file from the data set.",
        )
        for name in names
        if name in labels.paths and name not in instances.paths
    )


def warn_without_instances(lacking: str) -> None:
    """Say in the log what it means that a data set has none of its files of instances.

    Args:
        lacking: What is not there, as the subject of a sentence in the negative.
    """
    _log.warning(
        "%s, so that objects are told apart only where they don't touch, and a recipe that wants "
        'instances (unit = "instance") finds no object',
        lacking,
    )


def _is_empty(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file() and entry.stat().st_size == 0
    except OSError:
        # What can't be asked for its size is told when it is read.
        return False


def _leads_to_file(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_file()
    except OSError as error:
        # Links that lead to each other have no end.
        if error.errno != errno.ELOOP:
            raise
        return False


def _two_files(name: str, one: Path, other: Path) -> BrokenSource:
    first, second = sorted((one, other))
    if first.parent != second.parent:
        detail = f"{first} and {second} have one name, {name}"
    elif composed(first.name) == composed(second.name):
        # Both look alike.
        both = f"{first.name!a} and {second.name!a}"
        detail = f"{first.parent} holds both {both}, which are one name of two spellings (Unicode)"
    else:
        detail = f"{first.parent} holds both {first.name} and {second.name}"
    return BrokenSource(
        name=name,
        reason=BrokenReason.DUPLICATE_NAME,
        detail=detail,
        remedy="Remove one.",
    )


def _lack(name: str, images: FolderFiles, labels: FolderFiles) -> BrokenSource:
    """Return why a source has no image or no label that can be used."""
    for found, reason, what in (
        (images, BrokenReason.NO_IMAGE, "image"),
        (labels, BrokenReason.NO_LABEL, "label"),
    ):
        if name in found.broken:
            return found.broken[name]
        if name not in found.paths:
            return BrokenSource(
                name=name,
                reason=reason,
                detail=f"{found.folder} holds no {what} of {name}",
                remedy=f"Restore the {what} from the data set.",
            )
    msg = f"{name} lacks nothing"
    raise ValueError(msg)
