"""How fast runs are stored and ranked, beside straightforward ways to do it, in one run.

Run it as `python benchmarks/ranking.py`. Counts are made up; the default size is that of a
benchmark of PASCAL VOC's validation images with 7 attributes and 27 values.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import duckdb
import numpy as np

from harness.metrics.bootstrap import resampled_weights
from harness.metrics.estimates import EditPairs, PairedDesign, resampled_estimates
from harness.metrics.iou import Floats, PixelCounts
from harness.records.run import ClassCounts
from harness.store.connection import Access, connect
from harness.store.counts import insert_counts, select_counts
from harness.store.schema import migrate

ATTRIBUTES = 7
BENCHMARK = "benchmark"
STORED_SAMPLES = 1500


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """Counts of one submission and how its images belong together."""

    counts: PixelCounts
    """Shape [sources x (1 + values), classes]."""
    design: PairedDesign
    """Every source has an edit of every value."""


def made_up(sources: int, *, values: int, classes: int, seed: int) -> MadeUp:
    """Return counts of plausible size; a quarter of the classes occurs in each label."""
    generator = np.random.default_rng(seed)
    occurs = generator.random((sources, classes)) < 0.25
    labelled = np.tile(generator.integers(1, 40_000, (sources, classes)) * occurs, (values + 1, 1))
    tp = (labelled * generator.uniform(0.4, 0.95, labelled.shape)).astype(np.int64)
    fp = generator.integers(0, 4_000, labelled.shape)
    of_attribute: dict[str, dict[str, EditPairs]] = {}
    for value in range(values):
        pairs = EditPairs(
            sources=np.arange(sources), edits=np.arange(sources) + (value + 1) * sources
        )
        of_attribute.setdefault(f"a{value % ATTRIBUTES}", {})[f"v{value}"] = pairs
    return MadeUp(
        counts=PixelCounts.of(tp, fp, labelled - tp),
        design=PairedDesign(sources=np.arange(sources), values=of_attribute),
    )


def one_resample_at_a_time(made: MadeUp, weights: Floats) -> Floats:
    """Return the overall drop of each resample, written down as the definition reads."""
    drops = []
    for row in weights:
        drawn = np.repeat(np.arange(row.size), row.astype(int))
        of_attributes = []
        for by_value in made.design.values.values():
            of_values = []
            for pairs in by_value.values():
                clean = made.counts.at(made.design.sources[drawn])
                edited = made.counts.at(pairs.edits[drawn])
                occurs = (clean.labelled.sum(axis=0) > 0) & (edited.labelled.sum(axis=0) > 0)
                before, after = (
                    (side.hits.sum(axis=0)[occurs] / side.union.sum(axis=0)[occurs]).mean()
                    for side in (clean, edited)
                )
                of_values.append(before - after)
            of_attributes.append(np.mean(of_values))
        drops.append(np.mean(of_attributes))
    return np.array(drops)


def count_rows(samples: int, *, classes_each: int) -> list[ClassCounts]:
    """Return the rows of one run."""
    return [
        ClassCounts(sample_id=f"{sample:016x}", class_id=class_id, tp=sample, fp=class_id, fn=1)
        for sample in range(samples)
        for class_id in range(classes_each)
    ]


def empty_database(path: Path, samples: int) -> duckdb.DuckDBPyConnection:
    """Return a database that knows a benchmark of so many samples and nothing else."""
    connection = connect(path, access=Access.WRITE, patience_seconds=0)
    migrate(connection, path)
    connection.execute(
        "INSERT INTO sample SELECT ?, unnest(?::VARCHAR[]), '', '', NULL, NULL, TRUE, ''",
        [BENCHMARK, [f"{sample:016x}" for sample in range(samples)]],
    )
    return connection


def one_insert_a_row(connection: duckdb.DuckDBPyConnection, rows: list[ClassCounts]) -> None:
    """Store rows as a cursor's executemany does."""
    connection.executemany(
        "INSERT INTO class_count VALUES ('slow', ?, ?, ?, ?, ?)",
        [[row.sample_id, row.class_id, row.tp, row.fp, row.fn] for row in rows],
    )


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure_store(samples: int, *, classes_each: int, baseline_rows: int) -> None:
    """Print how long one run's counts take to be stored and read back."""
    rows = count_rows(samples, classes_each=classes_each)
    with tempfile.TemporaryDirectory() as folder:
        connection = empty_database(Path(folder) / "results.duckdb", samples)
        bulk = seconds(
            lambda: insert_counts(connection, rows, run_id="fast", benchmark_digest=BENCHMARK)
        )
        connection.begin()
        slow = seconds(lambda: one_insert_a_row(connection, rows[:baseline_rows]))
        connection.commit()
        read = seconds(lambda: select_counts(connection, ["fast"]))
        connection.close()
    click.echo(f"storing the {len(rows):,} counts of a run over {samples:,} samples")
    _echo_each("harness.store", 1000 * bulk / len(rows), "row")
    _echo_each("executemany in one transaction", 1000 * slow / baseline_rows, "row")
    click.echo(f"  the whole run: stored in {bulk:.3f} s, read back in {read:.3f} s")


def _echo_each(name: str, milliseconds: float, piece: str) -> None:
    click.echo(f"  {name:50s} {milliseconds:7.3f} ms a {piece}")


@click.command()
@click.option("--sources", default=1449, show_default=True, help="Number of sources.")
@click.option("--values", default=27, show_default=True, help="Number of values.")
@click.option("--classes", default=21, show_default=True, help="Number of classes.")
@click.option("--resamples", default=2000, show_default=True, help="Bootstrap resamples.")
@click.option("--baseline-resamples", default=20, show_default=True, help="For the slow way.")
@click.option("--baseline-rows", default=500, show_default=True, help="For the slow way.")
def main(
    *,
    sources: int,
    values: int,
    classes: int,
    resamples: int,
    baseline_resamples: int,
    baseline_rows: int,
) -> None:
    """Print the seconds a submission of storing and resampling, each beside a simple way."""
    measure_store(STORED_SAMPLES, classes_each=5, baseline_rows=baseline_rows)
    made = made_up(sources, values=values, classes=classes, seed=1)
    fast = seconds(
        lambda: resampled_estimates(made.counts, made.design, resamples=resamples, seed=0)
    )
    weights = next(iter(resampled_weights(sources, resamples=baseline_resamples, seed=0)))
    slow = seconds(lambda: one_resample_at_a_time(made, weights))
    ours = resampled_estimates(made.counts, made.design, resamples=baseline_resamples, seed=0)
    if not np.allclose(ours.overall.drop, one_resample_at_a_time(made, weights), atol=1e-12):
        msg = "the two ways to resample disagree"
        raise click.ClickException(msg)
    click.echo(f"resampling {sources:,} sources with {values} values, {classes} classes")
    _echo_each("harness.metrics.estimates", 1000 * fast / resamples, "resample")
    _echo_each("one resample at a time", 1000 * slow / baseline_resamples, "resample")
    click.echo(f"  {resamples:,} resamples of a submission: {fast:.2f} s; same drops from both")


if __name__ == "__main__":
    main()
