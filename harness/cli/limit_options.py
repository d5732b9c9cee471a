"""The options by which an operator sets the walls around a container."""

import math
from collections.abc import Callable
from typing import Any

import click

_LEAST_CPUS = 0.01
"""`harness.records.submission.LEAST_CPUS`, which is too slow to import for a line of help."""


class _Number(click.FloatRange):
    """A range that `nan` is not in; click's own compares, and lets it pass."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


_COUNT = click.IntRange(min=1, max=2**31 - 1)
_SECONDS = _Number(min=0, min_open=True, max=1e9)

_OPTIONS = (
    click.option("--memory-mb", type=_COUNT, help="Memory in MiB, swap included."),
    click.option("--cpus", type=_Number(min=_LEAST_CPUS, max=1e4), help="Processors."),
    click.option("--pids", type=_COUNT, help="Processes and threads."),
    click.option("--shm-mb", type=_COUNT, help="Shared memory in MiB."),
    click.option("--tmp-mb", type=_COUNT, help="Size of /tmp in MiB."),
    click.option("--gpus", type=click.IntRange(min=0, max=1024), help="Number of GPUs."),
    click.option("--runtime", help="OCI runtime, as `runsc`."),
    click.option("--startup-seconds", type=_SECONDS, help="Deadline for the ready line."),
    click.option("--image-seconds", type=_SECONDS, help="Deadline for one prediction."),
)


def limit_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the limit options; each left out is None."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
