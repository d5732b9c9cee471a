"""A recipe's sources on the command line: where they lie, and who looks at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.benchmark.scan import ScanPlan
    from harness.cli.workspace import Workspace


def source_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the option `--source`."""
    option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
        "--source",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="The folder of the source images, where they don't come with the recipe.",
    )
    return option(function)


def scan_plan(workspace: Workspace, recipe: str, *, workers: int | None) -> ScanPlan:
    """Return who looks at the sources of `recipe`: every command remembers in the same place.

    Args:
        workspace: Keeps what was found.
        recipe: The recipe's name.
        workers: The number of processes; 0 works in this one, None takes all processors.
    """
    from harness.benchmark.scan import ScanPlan
    from harness.distribution.local import processors

    return ScanPlan(
        workers=processors() if workers is None else workers,
        memory=workspace.scan_memory(recipe),
    )
