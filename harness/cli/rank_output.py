"""A board as tables and as CSV; nothing of how it is computed."""

from collections.abc import Sequence

import click

from harness.cli.output import UNDEFINED, echo_csv, echo_table, figure
from harness.records.attributes import Attribute
from harness.records.ranking import (
    AttributeScore,
    Board,
    FailedRun,
    Interval,
    RankedSubmission,
)

PARETO_MARK = "*"


def ordered_by(board: Board, attribute: Attribute | None) -> Board:
    """Return `board` with its ranked submissions by the rank in `attribute`; None for overall."""
    if attribute is None:
        return board

    def place(row: RankedSubmission) -> tuple[bool, int, str]:
        rank = _score(row, attribute).rank
        return (rank is None, rank or 0, row.submission.name)

    return board.model_copy(update={"ranked": tuple(sorted(board.ranked, key=place))})


def echo_board_table(board: Board, attribute: Attribute | None) -> None:
    """Print who is ranked, who is listed and who failed, as tables for people."""
    header = board.benchmark
    what = "overall" if attribute is None else attribute.value
    click.echo(
        f"{header.name} {header.digest[:12]}: {board.sources} sources, {board.edits} edits"
        f" ({board.rejected} rejected); qualifying clean mIoU {100 * header.qualifying_miou:.1f} %"
    )
    if not (board.ranked or board.unranked or board.failed):
        click.echo(f"No run is stored; `harness evaluate SUBMISSION --benchmark {header.name}`.")
    if board.ranked:
        _echo_rows(f"Ranked by {what} drop (percentage points)", board.ranked, by=attribute)
    if board.unranked:
        title = "Not ranked: clean mIoU under the qualifying one"
        _echo_rows(title, board.unranked, by=attribute)
    if board.failed:
        echo_table(
            "Failed",
            ("submission", "status", "reason", "sample", "detail", "run"),
            [_failed_cells(run) for run in board.failed],
        )
        click.echo("`harness runs show RUN` tells why, and what to try.")


def echo_board_csv(board: Board) -> None:
    """Print one line a submission, ratios and percentage points unrounded, empty if undefined."""
    attributes = list(dict.fromkeys(edit.attribute.value for edit in board.benchmark.edits))
    per_attribute = [
        f"{name}_{column}"
        for name in attributes
        for column in ("rank", "drop_pp", "drop_low", "drop_high")
    ]
    header = [
        *("standing", "rank", "rank_best", "rank_worst", "submission", "run_id", "pareto"),
        *("clean_miou", "clean_low", "clean_high", "pixel_accuracy", "edited_miou"),
        *("drop_pp", "drop_low", "drop_high", "relative_drop"),
        *per_attribute,
        *("status", "reason"),
    ]
    rows = [_csv_cells("ranked", row) for row in board.ranked]
    rows += [_csv_cells("unranked", row) for row in board.unranked]
    for run in board.failed:
        named = {"standing": "failed", "submission": run.submission.name, "run_id": run.run_id}
        ended = {"status": run.status.value, "reason": run.reason.value if run.reason else ""}
        rows.append([(named | ended).get(column, "") for column in header])
    echo_csv(header, rows)


def _echo_rows(title: str, rows: Sequence[RankedSubmission], *, by: Attribute | None) -> None:
    """Print rows with the interval of what orders them; of the other attributes the drop alone."""
    attributes = [score.attribute.value for score in rows[0].attributes]
    echo_table(
        title,
        ("rank", "submission", "clean %", "edited %", "drop", *attributes, "Pareto"),
        [
            [
                _rank_cell(row, by),
                row.submission.name,
                _percent(row.clean_miou),
                _percent(row.edited_miou),
                _points(row.drop_pp, row.drop_interval),
                *(
                    _points(score.drop_pp, score.drop_interval if score.attribute is by else None)
                    for score in row.attributes
                ),
                PARETO_MARK if row.pareto else "",
            ]
            for row in rows
        ],
    )


def _rank_cell(row: RankedSubmission, by: Attribute | None) -> str:
    if by is not None:
        return str(_score(row, by).rank or UNDEFINED)
    if row.rank is None or row.rank_interval is None:
        return str(row.rank or UNDEFINED)
    best, worst = row.rank_interval
    return f"{row.rank} [{best}-{worst}]"


def _score(row: RankedSubmission, attribute: Attribute) -> AttributeScore:
    return next(score for score in row.attributes if score.attribute is attribute)


def _percent(ratio: float | None) -> str:
    return figure(None if ratio is None else 100 * ratio, digits=1)


def _points(value: float | None, interval: Interval | None) -> str:
    shown = figure(value, digits=1)
    if value is None or interval is None:
        return shown
    return f"{shown} [{figure(interval.low, digits=1)}, {figure(interval.high, digits=1)}]"


def _failed_cells(run: FailedRun) -> list[str]:
    return [
        run.submission.name,
        run.status.value,
        run.reason.value if run.reason else UNDEFINED,
        run.sample_id or UNDEFINED,
        run.detail,
        run.run_id,
    ]


def _csv_cells(standing: str, row: RankedSubmission) -> list[str]:
    best, worst = row.rank_interval or (None, None)
    cells: list[float | str | None] = [
        *(standing, row.rank, best, worst, row.submission.name, row.run_id),
        "yes" if row.pareto else "no",
        *(row.clean_miou, *_ends(row.clean_interval), row.pixel_accuracy, row.edited_miou),
        *(row.drop_pp, *_ends(row.drop_interval), row.relative_drop),
    ]
    for score in row.attributes:
        cells += [score.rank, score.drop_pp, *_ends(score.drop_interval)]
    cells += ["completed", None]
    return ["" if cell is None else str(cell) for cell in cells]


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)
