"""The option that names a recipe's source folder; nothing of what lies in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def source_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the option `--source`."""
    option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
        "--source",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="The folder of the source images, where they don't come with the recipe.",
    )
    return option(function)
