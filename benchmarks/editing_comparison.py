"""Lets three ways to make the same edits take turns and tells what an edit costs in each.

A sample of the steps is timed, each kind of step by itself, and the whole walk is projected from
them; where every step is timed, the projection is the measurement itself.
"""

import statistics
from dataclasses import dataclass, replace

import click

from benchmarks.editing_clock import GUIDANCE, Cost, Walk, project
from benchmarks.editing_contenders import (
    Contender,
    Run,
    contenders,
    relative_difference,
    with_side,
)
from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.model import DiffusionModel
from harness.records.diffusion import MaskGuidance

EDITS = (1, 4, 8)
PUBLISHED = Walk(steps=50, inversion_steps=999, guided_steps=15, tries=20, recorded=False)
SAMPLE = replace(PUBLISHED, steps=5, inversion_steps=20, guided_steps=1, tries=2)
CHECKED = Walk(steps=10, inversion_steps=10, guided_steps=2, tries=2, recorded=False)
CHECK_SIDE = 128
COUNT_SIDE = 256
"""Maps of 4 x 4 cells and more, so that a mask does not fill them as it does on smaller ones."""
CHECK_LOSS_SCALE = 100.0
"""The squared gradients of random weights move nothing otherwise."""
MOST_DIFFERENCE = 1e-3
WARM_UP = Walk(steps=2, inversion_steps=2, guided_steps=1, tries=1, recorded=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured, and how much of it."""

    whole: Walk = PUBLISHED
    """The walk that the figures are for; `matched` inverts at its sampling timesteps only."""
    timed: Walk = SAMPLE
    """What of it is walked, with each kind of step in it."""
    rounds: int = 3
    """How often each way takes its turn."""
    edits: tuple[int, ...] = EDITS
    """Numbers of edits of a source."""

    @property
    def full(self) -> bool:
        """Whether every step is timed."""
        return self.whole == self.timed

    def unguided(self) -> "Settings":
        """Return the same without mask guidance."""
        return replace(
            self,
            whole=replace(self.whole, guided_steps=0),
            timed=replace(self.timed, guided_steps=0),
        )


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What an edit costs in one way."""

    name: str
    """The way."""
    edits: int
    """Edits of a source."""
    guided: bool
    """Whether mask guidance is on."""
    seconds: tuple[float, ...]
    """Seconds an edit, one for each round."""
    passes: float
    """Images through the UNet an edit."""

    @property
    def median(self) -> float:
        """Seconds an edit."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What all runs told."""

    figures: tuple[Figure, ...]
    """What an edit costs in each way."""
    difference: float | None
    """Relative, of the timed final latents of the loop and of `published` for one edit; None where
    one edit was not timed in both."""


def check_loop(model: DiffusionModel, runtime: Runtime) -> tuple[str, ...]:
    """Return how near the loop's final latents are to those of `published`, on a small case.

    Raises:
        ClickException: They are not the same: the loop would be no baseline.
    """
    small = with_side(model, CHECK_SIDE)
    lines, before = [], None
    for walk in (replace(CHECKED, guided_steps=0), CHECKED):
        ways = contenders(small, runtime, whole=walk, loss_scale=CHECK_LOSS_SCALE)
        loop, published = (way.run(2, walk) for way in ways[:2])
        difference = relative_difference(published, loop)
        line = f"guidance {'on' if walk.guided_steps else 'off'}: differ by {difference:.1e}"
        if before is not None:
            line += f" (guidance moves them by {relative_difference(loop, before):.1e})"
        if not difference <= MOST_DIFFERENCE:
            msg = f"the loop is no baseline: {line}, and {MOST_DIFFERENCE} is allowed"
            raise click.ClickException(msg)
        before = loop
        lines.append(line)
    return tuple(lines)


def needed_guidance(model: DiffusionModel, runtime: Runtime, settings: Settings) -> dict[str, int]:
    """Return by way how many guidance passes an edit needs until the loss is met.

    Counted over a whole walk of a smaller picture, by the threshold that the presets have; the
    loop's latents are those of `published`, so it is not walked as well.
    """
    small = with_side(model, COUNT_SIDE)
    walk = replace(settings.whole, inversion_steps=settings.whole.steps)
    ways = contenders(small, runtime, whole=walk, threshold=MaskGuidance().threshold)
    counts = {
        way.name: sum(p.rows for p in way.run(1, _walk_of(way, walk)).passes if p.kind == GUIDANCE)
        for way in ways
        if not way.repeats_itself
    }
    return {"loop": counts["published"], **counts}


def until_met(
    figures: tuple[Figure, ...], needed: dict[str, int], *, allowed: int
) -> tuple[Figure, ...]:
    """Return the figures with guidance on where each way makes the passes that it needs.

    Args:
        figures: With guidance off and on; on, all `allowed` passes are made.
        needed: Guidance passes an edit, by way.
        allowed: The most of them.
    """
    off = {(f.name, f.edits): f for f in figures if not f.guided}
    return tuple(
        replace(
            full,
            seconds=tuple(
                without + (on - without) * needed[full.name] / allowed
                for without, on in zip(
                    off[full.name, full.edits].seconds, full.seconds, strict=True
                )
            ),
            passes=full.passes - allowed + needed[full.name],
        )
        for full in figures
        if full.guided
    )


def measure(model: DiffusionModel, runtime: Runtime, settings: Settings) -> Comparison:
    """Return the cost of an edit in each way, for each number of edits, guidance off and on."""
    ways = contenders(model, runtime, whole=settings.whole)
    turns = [
        (way, count)
        for way in ways
        for count in ((1,) if way.repeats_itself and not settings.full else settings.edits)
    ]
    found: dict[tuple[str, int, bool], list[Cost]] = {}
    single: dict[str, Run] = {}
    for number in range(settings.rounds + 1):
        for way, count in turns:
            told = f"round {number} of {settings.rounds}" if number else "warm-up"
            click.echo(f"   {told}: {way.name}, {count} of a source", err=True)
            if number == 0:
                way.run(count, _walk_of(way, WARM_UP))
                continue
            run = way.run(count, _walk_of(way, settings.timed))
            if count == 1:
                single[way.name] = run
            for key, cost in _costs(way, count, run, settings).items():
                found.setdefault(key, []).append(cost)
    both = [single[name] for name in ("published", "loop") if name in single]
    return Comparison(
        figures=_figures(found),
        difference=relative_difference(*both) if len(both) == 2 else None,
    )


def _figures(found: dict[tuple[str, int, bool], list[Cost]]) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            name=name,
            edits=count,
            guided=guided,
            seconds=tuple(cost.seconds / count for cost in costs),
            passes=costs[0].passes / count,
        )
        for (name, count, guided), costs in found.items()
    )


def _costs(
    way: Contender, count: int, run: Run, settings: Settings
) -> dict[tuple[str, int, bool], Cost]:
    """Return what one run tells: its own cost, and where edits repeat themselves that of more."""
    walk = _walk_of(way, settings.timed)
    multiples = {count: 1}
    if way.repeats_itself and not settings.full:
        multiples = {many: many for many in settings.edits}
    return {
        (way.name, many, guided): project(
            run.passes, timed=walk, full=way.walk, guided=guided, copies=copies
        )
        for many, copies in multiples.items()
        for guided in ((False, True) if way.walk.guided_steps else (False,))
    }


def _walk_of(way: Contender, walk: Walk) -> Walk:
    """Return `walk` as `way` takes it."""
    guided = walk.guided_steps if way.walk.guided_steps else 0
    inversion = walk.steps if way.walk.recorded else walk.inversion_steps
    return replace(walk, guided_steps=guided, inversion_steps=inversion, recorded=way.walk.recorded)
