"""The options that say where a recipe's diffusion editor computes; a recipe says what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class DiffusionOptions:
    """Where networks compute and their weights lie, as it was said; picklable."""

    model: str | None = None
    """The model's folder, or the name that the recipe gives it; None looks for it."""
    geometry_model: str | None = None
    """The same of the model that fills the hole of a moved object."""
    device: tuple[str, ...] = ()
    """Devices, one a process; none takes every GPU, or the CPU where there is none."""
    compile_unet: bool = False
    """Whether the UNet is compiled."""
    memory_gib: float | None = None
    """GiB that may be taken of each device's memory; None finds it."""

    def given(self) -> tuple[str, ...]:
        """Return the options that were given, as they are written."""
        named = {
            "--model": self.model,
            "--geometry-model": self.geometry_model,
            "--device": self.device,
            "--compile": self.compile_unet,
            "--memory-gib": self.memory_gib,
        }
        return tuple(name for name, value in named.items() if value)


_OPTIONS = (
    click.option(
        "--model",
        metavar="DIR",
        help="Diffusion: the folder of the recipe's model; `tiny` is a dry run of the recipe with "
        "random weights, as the benchmark RECIPE-tiny.  [default: the hub's cache, then the hub]",
    ),
    click.option(
        "--geometry-model",
        metavar="DIR",
        help="Diffusion: the same of the model that fills the hole of a moved object.",
    ),
    click.option(
        "--device",
        multiple=True,
        metavar="NAME",
        help="Diffusion: cpu, cuda, cuda:1; more than once for several GPUs.  [default: every "
        "GPU, else the CPU]",
    ),
    click.option(
        "--compile",
        "compile_unet",
        is_flag=True,
        help="Diffusion: compile the UNet first; pays for many edits on a GPU.",
    ),
    click.option(
        "--memory-gib",
        type=click.FloatRange(min=0, min_open=True),
        help="Diffusion: memory that may be taken of each device.  [default: what is free]",
    ),
)


def diffusion_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the options; it gets them by the names of DiffusionOptions."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
