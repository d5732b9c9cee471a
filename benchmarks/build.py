"""Measures how many samples a second a build makes: a plain loop, then 1 and 2 processes.

Run from the repository's root: `python benchmarks/build.py [--recipe mini] [--source DIR]
[--sources N]`. It prints one JSON object and leaves nothing behind.
"""

import json
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from harness.benchmark.build import BuildRequest, build_benchmark, find_sources
from harness.cli.recipe_editors import known_editors, open_procedural
from harness.dataset.recipe_file import load_recipe
from harness.distribution.local import processors

RECIPES = Path(__file__).resolve().parents[1] / "benchmark_data" / "recipes"


@click.command()
@click.option("--recipe", default="mini", show_default=True, help="The recipe that is built.")
@click.option("--source", type=click.Path(path_type=Path), help="The folder of its sources.")
@click.option("--sources", default=24, show_default=True, help="How many of them are built.")
def main(recipe: str, source: Path | None, sources: int) -> None:
    """Print samples a second by number of processes, and whether the results are the same."""
    loaded = load_recipe(recipe, RECIPES, known=known_editors())
    figures: dict[str, object] = {"recipe": recipe, "processors": processors()}
    digests = set()
    with tempfile.TemporaryDirectory() as scratch:
        plain = BuildRequest(
            loaded=loaded,
            source_root=source,
            folder=Path(scratch) / "0",
            editor_factory=partial(open_procedural, loaded.recipe.editor),
            workers=0,
        )
        scan = find_sources(plain)
        scan = replace(scan, taken=scan.taken[:sources])
        for workers in (0, 1, 2):
            request = replace(plain, workers=workers, folder=Path(scratch) / str(workers))
            report = build_benchmark(request, scan, on_unit=lambda _: None)
            name = f"{workers} processes" if workers else "plain loop"
            rate = report.counts.samples / report.seconds
            figures[f"samples a second, {name}"] = round(rate, 1)
            digests.add(report.digest)
        again = build_benchmark(replace(plain, workers=2), scan, on_unit=lambda _: None)
        figures["seconds, nothing left to do"] = round(again.seconds, 2)
    figures["sources"], figures["same result"] = len(scan.taken), len(digests) == 1
    click.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
