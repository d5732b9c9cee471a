"""The option by which an operator does without a wall, and the engine that is opened with it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from docker import DockerClient

WAIVABLE = ("memory", "swap", "pids", "cpus", "seccomp")
"""`harness.sandbox.wall_check.WAIVABLE`, which is too slow to import for a line of help."""


class _Walls(click.ParamType[tuple[str, ...]]):
    """Names of walls with commas between."""

    name = "WALL,..."

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        for name in names:
            if name not in WAIVABLE:
                self.fail(f"{name!r} is none of {', '.join(WAIVABLE)}.", param, ctx)
        return names


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the option `allow_unenforced`."""
    return click.option(
        "--allow-unenforced",
        type=_Walls(),
        default=(),
        help="Run on an engine that can't enforce these: " + ", ".join(WAIVABLE) + ". Only for"
        " submissions that you trust.",
    )(function)


def open_engine(allow_unenforced: tuple[str, ...]) -> "DockerClient":
    """Return a client of an engine that enforces every wall but those; the caller closes it.

    Raises:
        EngineError: No engine answers, or it says itself that it lacks another wall.
    """
    from harness.sandbox.engine import connect, describe
    from harness.sandbox.wall_check import refuse_unenforced

    client = connect()
    try:
        refuse_unenforced(describe(client), waived=allow_unenforced)
    except BaseException:
        client.close()
        raise
    return client
