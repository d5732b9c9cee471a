"""Which pages the site has, and what each is given to show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.leaderboard.bars import bar_scale
from harness.leaderboard.content import (
    AttributeGroup,
    BoardContent,
    Pair,
    attribute_groups,
    board_folders,
    pairs_by_source,
    pairs_of,
)
from harness.leaderboard.heatmap import heat_map
from harness.leaderboard.pair_pages import render_pair_pages
from harness.leaderboard.run_pages import pages_by_run, render_run_pages
from harness.leaderboard.scatter import scatter
from harness.leaderboard.templating import Page, render

SHOWCASE_LENGTH = 8


@dataclass(frozen=True, kw_only=True)
class BoardPlace:
    """A board and the folder of the site in which it lies."""

    content: BoardContent
    """The board."""
    folder: str
    """Its folder."""


def render_pages(contents: Sequence[BoardContent]) -> Iterator[Page]:
    """Yield every page of the site; equal boards give equal pages."""
    folders = board_folders(contents)
    places = [BoardPlace(content=c, folder=f) for c, f in zip(contents, folders, strict=True)]
    yield render("index.html", "index.html", places=places)
    yield render("method.html", "method.html", places=places)
    for place in places:
        yield from _board_pages(place)


def _board_pages(place: BoardPlace) -> Iterator[Page]:
    board = place.content.board
    groups = attribute_groups(board.benchmark.edits)
    pairs = pairs_of(place.content)
    run_pages = pages_by_run(place.content)
    shared = {
        "board": board,
        "content": place.content,
        "folder": place.folder,
        "groups": groups,
        "has_pairs": bool(pairs),
        "has_runs": bool(place.content.runs),
        "run_pages": run_pages,
    }
    yield render(
        "board.html",
        f"{place.folder}/index.html",
        scatter=scatter(board),
        heat_map=heat_map(board),
        showcase=_showcase(place.content, pairs, groups=groups),
        **shared,
    )
    runs = {run.run_id: run for run in place.content.runs}
    failed = [run for run in reversed(place.content.runs) if run.run_id in run_pages]
    for row in (*board.ranked, *board.unranked):
        yield render(
            "submission.html",
            f"{place.folder}/submissions/{row.submission.name}.html",
            row=row,
            scale=bar_scale(row),
            run=runs.get(row.run_id),
            failed_before=tuple(r for r in failed if r.submission.name == row.submission.name),
            **shared,
        )
    yield from render_run_pages(place.folder, place.content, pairs=pairs, shared=shared)
    if pairs:
        yield from render_pair_pages(place.folder, pairs, groups=groups, shared=shared)


def _showcase(
    content: BoardContent, pairs: Sequence[Pair], *, groups: Sequence[AttributeGroup]
) -> tuple[Pair, ...]:
    """Return accepted edits of one source, an attribute each: of the source that has the most."""
    if not content.shows_images:
        return ()
    best: tuple[Pair, ...] = ()
    for number, of_source in enumerate(pairs_by_source(pairs)):
        accepted = [pair for pair in of_source if pair.edited.accepted]
        chosen = []
        for place, group in enumerate(groups):
            of_group = [p for p in accepted if p.edit.attribute is group.attribute]
            if of_group:
                chosen.append(of_group[(number + place) % len(of_group)])
        if len(chosen) > len(best):
            best = tuple(chosen[: SHOWCASE_LENGTH - 1])
    return best
