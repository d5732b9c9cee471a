"""Where the cells of the heat map stand, in SVG user units; nothing of colours."""

from dataclasses import dataclass

from harness.leaderboard.content import attribute_groups, value_score
from harness.leaderboard.figures import points, shortened, step, words
from harness.records.attributes import Edit
from harness.records.ranking import Board, RankedSubmission

CELL_WIDTH = 35.0
CELL_HEIGHT = 28.0
GROUP_GAP = 9.0
LABEL_WIDTH = 196.0
LABEL_LENGTH = 27
TOP = 104.0
"""Room for the slanted value names and the attributes above them."""
SLANT = 40.0
"""Room on the right for the last slanted name."""


@dataclass(frozen=True, kw_only=True)
class HeatColumn:
    """One value across the heat map."""

    edit: Edit
    """The attribute and value."""
    x: float
    """Its left side."""
    opens_group: bool
    """Whether it is its attribute's first."""


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """One drop in the heat map."""

    x: float
    """Its left side."""
    step: str
    """The colour scale's step."""
    text: str
    """The drop, percentage points, without a decimal where it is large."""
    title: str
    """What a pointer resting on the cell is told."""


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """One submission down the heat map."""

    row: RankedSubmission
    """The submission."""
    y: float
    """Its upper side."""
    label: str
    """Its title, shortened."""
    cells: tuple[HeatCell, ...]
    """One cell a column."""


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Submissions down, values across, drops as colours and numbers."""

    width: float
    """The drawing's width."""
    height: float
    """The drawing's height."""
    columns: tuple[HeatColumn, ...]
    """The values, by attribute."""
    rows: tuple[HeatRow, ...]
    """The submissions, as the board ranks them."""


def heat_map(board: Board) -> HeatMap | None:
    """Return the heat map of a board, or None where there is nothing to show."""
    rows = (*board.ranked, *board.unranked)
    columns = _columns(board)
    if not rows or not columns:
        return None
    return HeatMap(
        width=columns[-1].x + CELL_WIDTH + SLANT,
        height=TOP + len(rows) * CELL_HEIGHT + 4.0,
        columns=columns,
        rows=tuple(
            HeatRow(
                row=row,
                y=TOP + number * CELL_HEIGHT,
                label=shortened(row.submission.title, LABEL_LENGTH),
                cells=tuple(_cell(row, column) for column in columns),
            )
            for number, row in enumerate(rows)
        ),
    )


def _columns(board: Board) -> tuple[HeatColumn, ...]:
    columns, x = [], LABEL_WIDTH
    for group in attribute_groups(board.benchmark.edits):
        for number, edit in enumerate(group.edits):
            columns.append(HeatColumn(edit=edit, x=x, opens_group=number == 0))
            x += CELL_WIDTH
        x += GROUP_GAP
    return tuple(columns)


def _cell(row: RankedSubmission, column: HeatColumn) -> HeatCell:
    score = value_score(row, column.edit)
    drop = None if score is None else score.drop_pp
    name = f"{words(column.edit.attribute.value)} {words(column.edit.value)}"
    return HeatCell(
        x=column.x,
        step=step(drop),
        text=points(drop),
        title=f"{shortened(row.submission.title, 60)}, {name}: drop {points(drop, 2)} pp",
    )
