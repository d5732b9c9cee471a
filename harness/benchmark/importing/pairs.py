"""The rows of a pairs.csv, checked against each other and the folder; nothing of pixels."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.benchmark.importing.faults import Faults
from harness.dataset.pairs_file import COLUMNS, PAIRS_NAME
from harness.records.acceptance import RejectionReason
from harness.records.attributes import Attribute, Edit, Scope
from harness.records.base import first_fault
from harness.records.label_space import LabelSpace

_REQUIRED = ("image", "label", "source", "attribute", "value")
_ACCEPTED = {"": True, "true": True, "false": False}
_LONGEST = 500
"""Characters of a source's name at most."""
_NAMED = 100
"""Characters of a path that are shown at most."""


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """One image of pairs.csv."""

    line: int
    """Its line in the file, from 1."""
    image: Path
    """Its picture."""
    label: Path | None
    """Its label; None where it has its source's."""
    mask: Path | None
    """The mask of its object; None where it has none, or its source's."""
    source: str
    """The name of its source."""
    edit: Edit | None
    """The edit; None for a source."""
    object_class: str | None
    """The class of the edited object."""
    caption: str
    """The source's caption; empty where it is to be the template's."""
    target_prompt: str
    """The caption of the edit; empty alike."""
    accepted: bool
    """Whether its author scores it."""
    rejection: RejectionReason | None
    """Why not."""


@dataclass(kw_only=True)
class SourceFamily:
    """A source and its edits."""

    source: PairRow
    """The source."""
    edits: list[PairRow] = field(default_factory=list)
    """Its edits, in the file's order."""


def read_pairs(folder: Path, label_space: LabelSpace, faults: Faults) -> tuple[SourceFamily, ...]:
    """Return the sources of `folder`/pairs.csv with their edits, in the file's order.

    What is wrong is added to `faults`; rows that it is wrong of are left out.
    """
    rows = tuple(_rows(folder, faults))
    known = {found.name for found in label_space.classes}
    for row in rows:
        if row.object_class is not None and row.object_class not in known:
            faults.add(f"object_class {row.object_class!r} is no class", line=row.line)
    families: dict[str, SourceFamily] = {}
    for row in rows:
        if row.edit is not None:
            continue
        if row.source in families:
            first = families[row.source].source.line
            faults.add(f"source {row.source!r} stands in line {first} already", line=row.line)
        else:
            families[row.source] = SourceFamily(source=row)
    _join_edits(rows, families, faults)
    _check_images(rows, faults)
    if not rows and not faults.count:
        faults.add(f"{PAIRS_NAME} has no rows")
    return tuple(families.values())


def _rows(folder: Path, faults: Faults) -> Iterator[PairRow]:
    try:
        # A spreadsheet may put a byte order mark before the first column's name.
        with (folder / PAIRS_NAME).open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            if not _columns_fit(tuple(table.fieldnames or ()), faults):
                return
            for cells in table:
                row = _RowReader(folder, cells, table.line_num, faults).row()
                if row is not None:
                    yield row
    except UnicodeDecodeError as error:
        faults.add(f"{PAIRS_NAME} is no UTF-8 text (byte {error.start})")
    except csv.Error as error:
        faults.add(f"{PAIRS_NAME} is no CSV: {error}")


def _columns_fit(names: tuple[str, ...], faults: Faults) -> bool:
    before = faults.count
    for name in _REQUIRED:
        if name not in names:
            faults.add(f"{PAIRS_NAME} has no column {name!r}", line=1)
    for name in dict.fromkeys(names):
        if name not in COLUMNS:
            faults.add(f"{name!r} is no column; there are {', '.join(COLUMNS)}", line=1)
        elif names.count(name) > 1:
            faults.add(f"column {name!r} stands twice", line=1)
    return faults.count == before


class _RowReader:
    """Reads one row, and says what is wrong with it."""

    def __init__(
        self, folder: Path, cells: Mapping[str, str | None], line: int, faults: Faults
    ) -> None:
        self._folder, self._cells, self._line, self._faults = folder, cells, line, faults
        self._sound = True

    def row(self) -> PairRow | None:
        """Return the row, or None where something is wrong with it."""
        if None in self._cells or None in self._cells.values():
            self._fault("it has not as many cells as there are columns")
            return None
        image, label, mask = (self._file(name) for name in ("image", "label", "mask"))
        edit, source = self._edit(), self._source()
        accepted, rejection = self._accepted(), self._rejection()
        if image is None and self._sound:
            self._fault("it names no image")
        if edit is None and label is None and self._sound:
            self._fault("a source needs a label")
        if edit is None and not accepted and self._sound:
            self._fault("a source is always scored: it can't have accepted = false")
        if not self._sound or image is None:
            return None
        return PairRow(
            line=self._line,
            image=image,
            label=label,
            mask=mask,
            source=source,
            edit=edit,
            object_class=self._cell("object_class") or None,
            caption=self._cell("caption"),
            target_prompt=self._cell("target_prompt"),
            accepted=accepted,
            rejection=rejection,
        )

    def _cell(self, name: str) -> str:
        return (self._cells.get(name) or "").strip()

    def _fault(self, what: str) -> None:
        self._sound = False
        self._faults.add(what, line=self._line)

    def _file(self, column: str) -> Path | None:
        """Return the file that a cell names, if it is one of the folder's own."""
        text = self._cell(column)
        if not text:
            return None
        relative = Path(text)
        if relative.is_absolute() or ".." in relative.parts or not text.isprintable():
            self._fault(f"{column} {text!r} is no path within the folder")
            return None
        path = self._folder / relative
        parents = (path, *path.parents)[: len(relative.parts)]
        try:
            linked, there = any(part.is_symlink() for part in parents), path.is_file()
        except OSError:  # A name too long for the file system is nobody's.
            linked = there = False
        if linked:
            self._fault(f"{column} {text!r} goes through a link")
        elif not there:
            self._fault(f"{column} {_shown(text)} is not there")
        return path if there and not linked else None

    def _source(self) -> str:
        name = self._cell("source")
        if not name:
            self._fault("it names no source")
        elif len(name) > _LONGEST or not name.isprintable():
            why = f"over {_LONGEST} characters or unprintable"
            self._fault(f"source {name[:40]!r} is no name: {why}")
        return name

    def _edit(self) -> Edit | None:
        attribute, value = self._cell("attribute"), self._cell("value")
        if not attribute and not value:
            return None
        if attribute not in set(Attribute):
            known = ", ".join(Attribute)
            self._fault(f"{attribute!r} is no attribute; there are {known}")
            return None
        try:
            return Edit(attribute=Attribute(attribute), value=value)
        except ValidationError as error:
            self._fault(f"value {value!r} of {attribute}: {first_fault(error)}")
            return None

    def _accepted(self) -> bool:
        text = self._cell("accepted").lower()
        if text not in _ACCEPTED:
            self._fault(f"accepted is 'true' or 'false', not {text!r}")
        return _ACCEPTED.get(text, True)

    def _rejection(self) -> RejectionReason | None:
        text = self._cell("rejection")
        if not text:
            return None
        if text not in set(RejectionReason):
            self._fault(f"{text!r} is no reason; there are {', '.join(RejectionReason)}")
            return None
        if self._accepted():
            self._fault("it has a rejection, and is accepted")
        return RejectionReason(text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _NAMED else f"{text[:_NAMED]}...")


def _join_edits(
    rows: tuple[PairRow, ...], families: dict[str, SourceFamily], faults: Faults
) -> None:
    seen: dict[tuple[str, Edit], int] = {}
    for row in rows:
        if row.edit is None:
            continue
        first = seen.setdefault((row.source, row.edit), row.line)
        family = families.get(row.source)
        if first != row.line:
            what = f"{row.edit} of {row.source!r} stands in line {first} already"
            faults.add(what, line=row.line)
        elif family is None:
            faults.add(f"{row.edit} has no source: no sound row of {row.source!r}", line=row.line)
        else:
            _check_edit(row, family.source, faults)
            family.edits.append(row)


def _check_edit(row: PairRow, source: PairRow, faults: Faults) -> None:
    moved = row.edit is not None and row.edit.scope is Scope.GEOMETRY
    if moved and row.label in (None, source.label):
        faults.add(f"{row.edit} moves the object and needs a label of its own", line=row.line)
    if not moved and row.mask not in (None, source.mask):
        faults.add(f"{row.edit} moves nothing: its mask is its source's", line=row.line)
    if row.object_class not in (None, source.object_class):
        what = f"object_class {row.object_class!r} is not its source's, {source.object_class!r}"
        faults.add(what, line=row.line)


def _check_images(rows: tuple[PairRow, ...], faults: Faults) -> None:
    seen: dict[Path, int] = {}
    for row in rows:
        first = seen.setdefault(row.image, row.line)
        if first != row.line:
            faults.add(f"its image stands in line {first} already", line=row.line)
