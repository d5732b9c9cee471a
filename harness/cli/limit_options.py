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

_LIMITS: tuple[tuple[str, click.ParamType[Any] | None, str], ...] = (
    ("memory_mb", _COUNT, "Memory in MiB, swap included."),
    ("cpus", _Number(min=_LEAST_CPUS, max=1e4), "Processors."),
    ("pids", _COUNT, "Processes and threads."),
    ("shm_mb", _COUNT, "Shared memory in MiB."),
    ("tmp_mb", _COUNT, "Size of /tmp in MiB."),
    ("gpus", click.IntRange(min=0, max=1024), "Number of GPUs."),
    ("runtime", None, "OCI runtime, as `runsc`."),
    ("startup_seconds", _SECONDS, "Deadline for the ready line."),
    ("image_seconds", _SECONDS, "Deadline for one prediction."),
    ("total_seconds", _SECONDS, "Deadline for the whole run."),
)
"""Name, type and help of each."""
LIMIT_NAMES = tuple(name for name, _, _ in _LIMITS)
"""The names by which a command gets them."""


def limit_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the limit options; each left out is None."""
    return limit_options_of("")(function)


def limit_options_of(whose: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what gives a function the limit options, whose help begins with `whose`."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        for name, kind, text in reversed(_LIMITS):
            option = click.option(f"--{name.replace('_', '-')}", name, type=kind, help=whose + text)
            function = option(function)
        return function

    return decorated
