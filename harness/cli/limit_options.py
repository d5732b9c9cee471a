"""The options by which an operator sets the walls around a container."""

from collections.abc import Callable
from typing import Any

import click

LIMIT_FIELDS = ("memory_mb", "cpus", "gpus", "runtime", "startup_seconds", "image_seconds")

_OPTIONS = (
    click.option("--memory-mb", type=int, help="Memory in MiB, swap included."),
    click.option("--cpus", type=float, help="Processors."),
    click.option("--gpus", type=int, help="Number of GPUs."),
    click.option("--runtime", help="OCI runtime, as `runsc`."),
    click.option("--startup-seconds", type=float, help="Deadline for the ready line."),
    click.option("--image-seconds", type=float, help="Deadline for one prediction."),
)


def limit_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the limit options; each left out is None."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
