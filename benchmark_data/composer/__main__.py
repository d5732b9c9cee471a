"""The composer's command line: fetch packages, write the benchmark's scenes, look at scenes."""

import logging
from pathlib import Path

import click
import numpy as np

from benchmark_data.composer.benchmark import (
    SOURCES,
    compose_planned,
    load_plan,
    verify_benchmark,
    write_benchmark,
)
from benchmark_data.composer.catalogue import Split, load_catalogue
from benchmark_data.composer.contact_sheet import save_sheet
from benchmark_data.composer.library import load_library
from benchmark_data.composer.notice import render_notice
from benchmark_data.composer.packages import DEFAULT_CACHE, fetch_package
from benchmark_data.composer.scene import ComposedScene, compose_scene
from harness.errors import HarnessError

NOTICE = SOURCES.parent / "NOTICE"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_CACHE,
    show_default=True,
    help="Where unpacked packages are kept.",
)
@click.pass_context
def composer(context: click.Context, cache: Path) -> None:
    """Compose photographic scenes with exact labels from photographs in Debian packages.

    Example: python -m benchmark_data.composer benchmark
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    context.obj = cache


@composer.command()
@click.pass_obj
def fetch(cache: Path) -> None:
    """Fetch every package that photographs come from."""
    for package in load_catalogue().packages:
        click.echo(f"{package.name} {package.version}: {fetch_package(package, cache)}")


@composer.command()
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=SOURCES)
@click.pass_obj
def benchmark(cache: Path, output: Path) -> None:
    """Write the scenes of the mini benchmark."""
    library = load_library(Split.BENCHMARK, cache=cache)
    plan = load_plan()
    written = write_benchmark(library, plan, output)
    click.echo(f"{len(plan.scenes)} scenes, {written / 1e6:.1f} MB in {output}")


@composer.command()
@click.option("--sources", type=click.Path(path_type=Path, file_okay=False), default=SOURCES)
@click.pass_obj
def verify(cache: Path, sources: Path) -> None:
    """Compose the benchmark anew and compare every pixel with what lies there."""
    library = load_library(Split.BENCHMARK, cache=cache)
    count = verify_benchmark(library, load_plan(), sources)
    click.echo(f"{count} scenes have the same pixels")


@composer.command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=NOTICE)
def notice(output: Path) -> None:
    """Write the NOTICE with author and licence of every photograph that the benchmark shows."""
    output.write_text(render_notice(load_catalogue(), load_plan()), encoding="utf-8")
    click.echo(f"wrote {output}")


@composer.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--split", type=click.Choice([s.value for s in Split]), default="benchmark")
@click.option("--count", type=click.IntRange(min=1), default=36, help="Training scenes to draw.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of the training scenes.")
@click.pass_obj
def sheet(cache: Path, target: Path, split: str, count: int, seed: int) -> None:
    """Draw the benchmark's scenes, or some training scenes, side by side into TARGET."""
    library = load_library(split, cache=cache)
    scenes: list[tuple[str, ComposedScene]] = []
    if library.split is Split.BENCHMARK:
        scenes = [(p.stem, compose_planned(library, p)) for p in load_plan().scenes]
    else:
        for index in range(count):
            scene = compose_scene(library, split, np.random.default_rng([seed, index]))
            scenes.append((str(index), scene))
    save_sheet(scenes, target)
    click.echo(f"{len(scenes)} scenes in {target}")


def main() -> None:
    """Run the command line; an expected error is one line and its own exit code."""
    try:
        composer(prog_name="python -m benchmark_data.composer")
    except HarnessError as error:
        click.echo(f"error: {error.one_line()}", err=True)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
