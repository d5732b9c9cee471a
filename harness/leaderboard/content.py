"""What the site is made of, as plain data, and how its addresses are formed; nothing of HTML."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.records.attributes import Attribute, Edit
from harness.records.manifest import Sample
from harness.records.ranking import AttributeScore, Board, RankedSubmission, ValueScore
from harness.records.recipe import NAME_PATTERN
from harness.records.run import RunRecord

ImageReader = Callable[[str], bytes]
"""Takes a sample id and returns the bytes of its PNG file."""

RESERVED_FOLDERS = frozenset({"assets", "pictures"})
"""Folders of the site that are no board."""


@dataclass(frozen=True, kw_only=True)
class BoardContent:
    """One board and, where the benchmark lies on disk, its samples."""

    board: Board
    """The ranking."""
    samples: tuple[Sample, ...] = ()
    """The benchmark's samples; empty where it is not built on this machine."""
    read_image: ImageReader | None = None
    """Reads a sample's picture; None where there are none."""
    runs: tuple[RunRecord, ...] = ()
    """The benchmark's runs, the one that was asked for last at the end."""

    @property
    def shows_images(self) -> bool:
        """Whether this board's pictures may be, and can be, published."""
        return self.board.benchmark.publish_images and self.read_image is not None

    @property
    def has_filtered_labels(self) -> bool:
        """Whether there are edits under whose filtered labels their sources are judged as well."""
        return any(sample.accepted and sample.judges_source for sample in self.samples)


@dataclass(frozen=True, kw_only=True)
class AttributeGroup:
    """An attribute and its values, in the recipe's order."""

    attribute: Attribute
    """The attribute."""
    edits: tuple[Edit, ...]
    """Its edits."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An edit beside the source that it was made of."""

    source: Sample
    """The source."""
    edited: Sample
    """The edit of it."""

    @property
    def edit(self) -> Edit:
        """What was edited."""
        if self.edited.edit is None:
            msg = f"sample {self.edited.id} is a source, not an edit"
            raise ValueError(msg)
        return self.edited.edit


def attribute_groups(edits: Iterable[Edit]) -> tuple[AttributeGroup, ...]:
    """Return the edits grouped by attribute; both in the order of their first appearance."""
    order: dict[Attribute, list[Edit]] = {}
    for edit in edits:
        order.setdefault(edit.attribute, []).append(edit)
    return tuple(AttributeGroup(attribute=a, edits=tuple(e)) for a, e in order.items())


def pairs_of(content: BoardContent) -> tuple[Pair, ...]:
    """Return every pair by source name, then in the recipe's order of edits."""
    position = {edit: i for i, edit in enumerate(content.board.benchmark.edits)}
    sources = {s.id: s for s in content.samples if s.edit is None}
    pairs = [
        Pair(source=sources[s.source_id], edited=s)
        for s in content.samples
        if s.edit is not None and s.source_id in sources
    ]

    def order(pair: Pair) -> tuple[str, str, int, str]:
        place = position.get(pair.edit, len(position))
        return (pair.source.source_name, pair.source.id, place, pair.edited.id)

    return tuple(sorted(pairs, key=order))


def pairs_by_source(pairs: Sequence[Pair]) -> tuple[tuple[Pair, ...], ...]:
    """Return ordered pairs cut into one group a source."""
    return tuple(tuple(g) for _, g in groupby(pairs, key=lambda pair: pair.source.id))


def attribute_score(row: RankedSubmission, attribute: Attribute) -> AttributeScore | None:
    """Return the row's score on `attribute`, or None where it has none."""
    return next((s for s in row.attributes if s.attribute is attribute), None)


def value_score(row: RankedSubmission, edit: Edit) -> ValueScore | None:
    """Return the row's score on one value, or None where it has none."""
    score = attribute_score(row, edit.attribute)
    values = score.values if score is not None else ()
    return next((v for v in values if v.value == edit.value), None)


def board_folders(contents: Sequence[BoardContent]) -> tuple[str, ...]:
    """Return one folder name a board: its benchmark's name, with a digest where that is taken."""
    names = [content.board.benchmark.name for content in contents]
    return tuple(
        name
        if _is_free(name, names)
        else f"{_as_folder(name)}-{content.board.benchmark.digest[:12]}"
        for name, content in zip(names, contents, strict=True)
    )


def _is_free(name: str, names: Sequence[str]) -> bool:
    usable = re.fullmatch(NAME_PATTERN, name) is not None
    return usable and name not in RESERVED_FOLDERS and names.count(name) == 1


def _as_folder(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:40] or "board"
