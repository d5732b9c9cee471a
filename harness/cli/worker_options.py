"""The options that let several containers share a run, and the runner that they make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.evaluation.target import EvaluationTarget
    from harness.sandbox.engine import EngineDescription
    from harness.sandbox.runner import SubmissionRunner

MOST_WORKERS = 256


class _Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between."""

    name = "NAME,..."

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        del param, ctx
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in str(value).split(","))


_OPTIONS = (
    click.option(
        "--workers",
        type=click.IntRange(min=1, max=MOST_WORKERS),
        default=1,
        show_default=True,
        help="Containers that share the images. Each has all of --memory-mb, --cpus and --gpus.",
    ),
    click.option(
        "--gpu-ids",
        type=_Names(),
        default=(),
        help="GPUs to use, by index or UUID, with commas between: each container takes --gpus of"
        " them in order. One named twice is shared.  [default: with --workers, from 0 on]",
    ),
)


def worker_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the options `workers` and `gpu_ids`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True, kw_only=True)
class RunnerChoice:
    """How the user wants a submission run."""

    workers: int = 1
    """Number of containers that share the images."""
    gpu_ids: tuple[str, ...] = ()
    """The GPUs that they are to use; empty for the usual ones."""
    allow_unenforced: tuple[str, ...] = ()
    """The walls that the engine need not enforce."""


def make_runner(
    client: "DockerClient",
    target: "EvaluationTarget",
    engine: "EngineDescription",
    *,
    how: RunnerChoice,
    samples: int,
    salt: str,
) -> "SubmissionRunner":
    """Return what runs `target` over so many samples; warns where the machine is too small.

    `salt` is the benchmark's digest, under which the samples' ids are hidden.

    Raises:
        DeviceError: The GPUs are too few.
        SubmissionError: Its predictions depend on more than their image.
    """
    from harness.evaluation.worker_plan import crowding, plan_workers
    from harness.evaluation.workers import ParallelRunner
    from harness.sandbox.docker_runner import DockerRunner

    plan = plan_workers(target.manifest, target.limits, workers=how.workers, gpu_ids=how.gpu_ids)
    for sentence in crowding(
        target.limits, workers=how.workers, cpus=engine.cpus, memory_bytes=engine.memory_bytes
    ):
        click.echo(f"warning: {sentence}", err=True)
    runner = DockerRunner(client, salt=salt, allow_unenforced=how.allow_unenforced)
    return ParallelRunner(runner, plan, samples=samples)
