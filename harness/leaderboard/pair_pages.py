"""The pages on which sources and edits are looked at side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.leaderboard.content import AttributeGroup, Pair, pairs_by_source
from harness.leaderboard.templating import Page, render
from harness.records.attributes import Edit

Item = TypeVar("Item")

PAGE_LENGTH = 120
"""The largest number of pairs, or sources, on one page."""


@dataclass(frozen=True, kw_only=True)
class ValueLink:
    """A value and where its pairs are shown."""

    edit: Edit
    """The attribute and value."""
    href: str
    """Its first page, relative to the pairs' folder."""
    accepted: int
    """Number of its accepted edits."""


@dataclass(frozen=True, kw_only=True)
class SourceCard:
    """A source and what was made of it."""

    pairs: tuple[Pair, ...]
    """Its pairs."""

    @property
    def accepted(self) -> int:
        """Number of its accepted edits."""
        return sum(pair.edited.accepted for pair in self.pairs)


@dataclass(frozen=True, kw_only=True)
class Sheet(Generic[Item]):
    """One page of a longer list."""

    items: tuple[Item, ...]
    """What it shows."""
    number: int
    """Its number, from 1."""
    count: int
    """How many pages there are."""
    stem: str
    """The first page's file name without its extension."""

    def href(self, number: int) -> str:
        """Return the file name of page `number`."""
        return f"{self.stem}.html" if number == 1 else f"{self.stem}-{number}.html"


def sheets(items: Sequence[Item], stem: str) -> Iterator[Sheet[Item]]:
    """Yield `items` cut into pages; one empty page where there are none."""
    count = max(1, -(-len(items) // PAGE_LENGTH))
    for number in range(1, count + 1):
        part = items[(number - 1) * PAGE_LENGTH : number * PAGE_LENGTH]
        yield Sheet(items=tuple(part), number=number, count=count, stem=stem)


def render_pair_pages(
    folder: str,
    pairs: Sequence[Pair],
    *,
    groups: Sequence[AttributeGroup],
    shared: Mapping[str, object],
) -> Iterator[Page]:
    """Yield the overview, one page a source, one a value, and the rejected edits."""
    base = f"{folder}/pairs"
    accepted = [pair for pair in pairs if pair.edited.accepted]
    rejected = [pair for pair in pairs if not pair.edited.accepted]
    links = [
        ValueLink(
            edit=edit,
            href=f"{value_stem(edit)}.html",
            accepted=sum(pair.edit == edit for pair in accepted),
        )
        for group in groups
        for edit in group.edits
    ]
    cards = [SourceCard(pairs=group) for group in pairs_by_source(pairs)]
    context = {**shared, "links": links, "rejected_count": len(rejected)}
    for sheet in sheets(cards, "index"):
        path = f"{base}/{sheet.href(sheet.number)}"
        yield render("pairs_index.html", path, sheet=sheet, **context)
    for place, card in enumerate(cards):
        yield render(
            "pairs_source.html",
            f"{base}/{card.pairs[0].source.id}.html",
            card=card,
            before=cards[place - 1].pairs[0].source if place else None,
            after=cards[place + 1].pairs[0].source if place + 1 < len(cards) else None,
            **context,
        )
    for link in links:
        of_value = [pair for pair in accepted if pair.edit == link.edit]
        for sheet_ in sheets(of_value, value_stem(link.edit)):
            path = f"{base}/{sheet_.href(sheet_.number)}"
            yield render("pairs_value.html", path, sheet=sheet_, link=link, **context)
    for sheet_ in sheets(rejected, "rejected"):
        path = f"{base}/{sheet_.href(sheet_.number)}"
        yield render("pairs_rejected.html", path, sheet=sheet_, **context)


def value_stem(edit: Edit) -> str:
    """Return the file name of a value's first page, without its extension."""
    return f"{edit.attribute.value}-{edit.value}"
