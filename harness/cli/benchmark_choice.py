"""Which stored benchmark a name and a digest's beginning mean; nothing of its runs."""

from typing import TYPE_CHECKING

import click

from harness.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records.manifest import BenchmarkHeader

SHOWN_DIGITS = 12


def choose_benchmark(
    stored: "Sequence[BenchmarkHeader]", name: str, *, digest_prefix: str | None
) -> "BenchmarkHeader":
    """Return the benchmark that is meant: the newest of this name, unless a digest picks another.

    Where several builds share the name and none is picked, says on stderr which one is used.

    Args:
        stored: The benchmarks in the results database, oldest first.
        name: The name on the command line.
        digest_prefix: The beginning of a digest, or None.

    Raises:
        BenchmarkError: No stored benchmark, or more than one, is meant.
    """
    named = [header for header in stored if header.name == name]
    if not named:
        raise no_results(name, stored)
    if digest_prefix is not None:
        return _by_digest(named, digest_prefix.lower())
    newest = named[-1]
    if len(named) > 1:
        others = ", ".join(header.digest[:SHOWN_DIGITS] for header in named[:-1])
        click.echo(
            f"{name}: using the newest of {len(named)} builds, {newest.digest[:SHOWN_DIGITS]};"
            f" --digest picks another: {others}",
            err=True,
        )
    return newest


def no_results(name: str, stored: "Sequence[BenchmarkHeader]") -> BenchmarkError:
    """Return what to raise where none of the `stored` benchmarks is called `name`."""
    names = ", ".join(sorted({header.name for header in stored})) or "none"
    return BenchmarkError(
        f"no results of a benchmark {name!r} are stored (stored: {names})",
        remedy=f"Run `harness evaluate SUBMISSION --benchmark {name}` first.",
    )


def _by_digest(named: "list[BenchmarkHeader]", prefix: str) -> "BenchmarkHeader":
    found = [header for header in named if header.digest.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    digests = ", ".join(header.digest[:SHOWN_DIGITS] for header in named)
    count = "no build" if not found else f"{len(found)} builds"
    msg = f"{count} of benchmark {named[0].name!r} begin with {prefix!r} (stored: {digests})"
    raise BenchmarkError(
        msg,
        remedy="Give --digest more or other digits.",
    )
