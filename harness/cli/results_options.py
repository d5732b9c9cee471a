"""The options of the commands that read or write results; nothing of what they do with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

database_option: Decorator = click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The results database.  [default: leaderboard/results.duckdb]",
)
resamples_option: Decorator = click.option(
    "--resamples",
    type=click.IntRange(min=0),
    default=2000,
    show_default=True,
    help="Bootstrap resamples of the sources behind the intervals; 0 for none.",
)
