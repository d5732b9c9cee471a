"""`harness rank`: prints a benchmark's ranking, its intervals and what is not ranked."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, echo_json, format_option
from harness.cli.results_options import database_option, resamples_option
from harness.cli.workspace import Workspace
from harness.records.attributes import Attribute

if TYPE_CHECKING:
    from harness.records.ranking import Board

OVERALL = "overall"


@click.command("rank")
@click.option("--benchmark", default="mini", show_default=True, help="A benchmark's name.")
@click.option("--digest", help="The beginning of its digest, where several builds share the name.")
@click.option(
    "--by",
    type=click.Choice([OVERALL, *(attribute.value for attribute in Attribute)]),
    default=OVERALL,
    show_default=True,
    help="Whose drop orders the submissions.",
)
@database_option
@resamples_option
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The bootstrap's seed.",
)
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    benchmark: str,
    digest: str | None,
    by: str,
    database: Path | None,
    resamples: int,
    seed: int,
    output_format: str,
) -> None:
    r"""Print the ranking of a benchmark's submissions by their mIoU drop.

    Drops are percentage points: mIoU on the sources minus mIoU on their edits. Brackets hold 95 %
    intervals from a paired bootstrap over sources. A submission is judged by the completed run that
    was asked for last, and ranked if its clean mIoU reaches the benchmark's qualifying mIoU. A star
    marks the Pareto front: no ranked submission is at least as good in clean mIoU and overall drop
    and better in one of them. JSON is the Board of docs/json-formats.md.

    \b
    Example:
      harness rank --benchmark mini
      harness rank --benchmark mini --by color --format csv
    """
    from harness.cli.benchmark_choice import choose_benchmark
    from harness.cli.rank_output import echo_board_csv, echo_board_table, ordered_by
    from harness.leaderboard.board import build_board
    from harness.store.reader import ResultsReader

    store = ResultsReader(database or Workspace(root=root).database)
    header = choose_benchmark(store.benchmarks(), benchmark, digest_prefix=digest)
    board = build_board(store, benchmark_digest=header.digest, resamples=resamples, seed=seed)
    attribute = None if by == OVERALL else Attribute(by)
    _check_attribute(board, attribute)
    board = ordered_by(board, attribute)
    match OutputFormat(output_format):
        case OutputFormat.JSON:
            echo_json(board.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_board_csv(board)
        case OutputFormat.TABLE:
            echo_board_table(board, attribute)


def _check_attribute(board: "Board", attribute: Attribute | None) -> None:
    present = list(dict.fromkeys(edit.attribute for edit in board.benchmark.edits))
    if attribute is not None and attribute not in present:
        names = ", ".join(present)
        msg = f"benchmark {board.benchmark.name!r} has no {attribute.value} edits; it has {names}"
        raise click.BadParameter(msg, param_hint="--by")
