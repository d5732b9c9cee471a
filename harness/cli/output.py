"""How answers are printed: a table for people, JSON and CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from harness.records.printable import printable

if TYPE_CHECKING:
    from harness.records.run import RunOutcome


class OutputFormat(StrEnum):
    """The formats of --format."""

    TABLE = "table"
    """For people."""
    JSON = "json"
    """The documented record, for programs."""
    CSV = "csv"
    """The table's cells, for spreadsheets."""


def format_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the option --format."""
    option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
        "--format",
        "output_format",
        type=click.Choice([f.value for f in OutputFormat]),
        default=OutputFormat.TABLE.value,
        show_default=True,
        help="How the answer is printed.",
    )
    return option(function)


UNDEFINED = "-"
"""How a table writes what is not defined."""


def figure(value: float | None, *, digits: int) -> str:
    """Return `value` with `digits` decimals, or the mark of what is not defined.

    What rounds to nothing has no sign: -0.01 with one digit is 0.0.
    """
    return UNDEFINED if value is None else f"{value:z.{digits}f}"


def echo_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print `value` as indented JSON with sorted keys; what is not printable is JSON's escape."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    # json itself escapes what is under the space, and leaves a terminal's other control characters.
    click.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def echo_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows` under `header` as RFC 4180 CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows([printable(cell) for cell in row] for row in rows)
    click.echo(buffer.getvalue(), nl=False)


def echo_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows` under `header` as a table; full width where stdout is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    heading = Text(printable(title), style="table.title")
    table = Table(title=heading, title_justify="left")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)


def echo_log_tail(outcome: "RunOutcome") -> None:
    """Print the end of a submission's log on stderr, where there is one; terminals obey no word."""
    if tail := printable(outcome.log_tail).rstrip():
        click.echo(f"--- the end of its log ---\n{tail}\n---", err=True)
