"""How much diffusion editing costs: both presets beside the published procedure written plainly.

Run it as `python -m benchmarks.editing`. Without --full a sample of the steps is timed, each kind
of step by itself, and the whole walk is projected from it; the result says which sample. All ways
use the same weights in one process, take turns, and are warmed up first.
"""

import sys
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import click

from benchmarks.editing_comparison import (
    COUNT_SIDE,
    EDITS,
    Figure,
    Settings,
    check_loop,
    measure,
    needed_guidance,
    until_met,
)
from benchmarks.editing_contenders import with_side
from benchmarks.editing_gpu import measure_gpu
from benchmarks.machine import describe_machine
from harness.distribution.local import processors
from harness.editing.diffusion.device import Runtime, choose_runtime, describe_runtime
from harness.editing.diffusion.loading import find_profile, load_diffusion_model
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.profiles import DEFAULT_SIDE, TINY, TINY_NAME
from harness.records.diffusion import MaskGuidance

PARTS = ("comparison", "gpu")
RESULTS = Path(__file__).resolve().parent / "results"
AIMS = {1: 10, 8: 6}
"""Factor over the published procedure with guidance off, by edits of a source (issue 3)."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Lines that are printed as they come and kept to be recorded."""

    lines: list[str] = field(default_factory=list)

    def add(self, *lines: str) -> None:
        """Print and keep `lines`."""
        self.lines.extend(lines)
        click.echo("\n".join(lines))


def compare(report: Report, *, model_name: str, side: int, settings: Settings) -> None:
    """Add what an edit costs in each way on the CPU.

    Args:
        report: Where it is added.
        model_name: `tiny`, or the folder of a model in diffusers layout.
        side: The side of the picture in pixels.
        settings: What is measured, and how much of it.
    """
    profile = find_profile(model_name)
    runtime = choose_runtime(device="cpu", precision=None, profile=profile)
    model = load_diffusion_model(model_name, files={}, runtime=runtime)
    report.add("", *_sample(model, side, settings))
    report.add("", "final latents of the loop and of `published`, small case, relative:")
    report.add(*(f"  {line}" for line in check_loop(model, runtime)))
    comparison = measure(with_side(model, side), runtime, settings)
    if comparison.difference is not None:
        report.add(f"  one edit of the timed size: differ by {comparison.difference:.1e}")
    report.add(*table(comparison.figures))
    if settings.whole.guided_steps:
        report.add(*_guided_until_met(model, runtime, comparison.figures, settings))
    report.add("", *aims(comparison.figures))


def _guided_until_met(
    model: DiffusionModel, runtime: Runtime, figures: tuple[Figure, ...], settings: Settings
) -> tuple[str, ...]:
    """Return what an edit costs where guidance stops as soon as its loss is met."""
    allowed = settings.whole.guided_steps * settings.whole.tries
    needed = needed_guidance(model, runtime, settings)
    counts = ", ".join(f"{name} {count}" for name, count in needed.items())
    return (
        "",
        f"guidance until its loss is {MaskGuidance().threshold}, as the presets have it; passes an "
        f"edit, counted on {COUNT_SIDE} x {COUNT_SIDE} pixels: {counts}",
        *_rows(until_met(figures, needed, allowed=allowed)),
    )


def _sample(model: DiffusionModel, side: int, settings: Settings) -> tuple[str, ...]:
    """Return what of the walk is timed."""
    timed, whole = settings.timed, settings.whole
    kind = "random weights" if model.meaningless else model.profile.title
    weights = sum(p.numel() for p in model.unet.parameters()) / 1e6
    first = f"{side} x {side} pixels, UNet of {weights:.1f} M numbers ({kind}), float32, on the CPU"
    guidance = (
        f"guidance on: every pass that it allows, {whole.guided_steps} steps of {whole.tries} tries"
        " in all three (threshold 0), and those needed until the loss is met, counted apart"
        if whole.guided_steps
        else "guidance is not measured"
    )
    loop = "loop: inversion with diffusers' own fused attention, sampling and guidance not fused"
    if settings.full:
        return first, f"every step of every edit timed, rounds: {settings.rounds}", loop, guidance
    passes = (timed.guided_steps * timed.tries, whole.guided_steps * whole.tries)
    return (
        first,
        f"projected from a sample; rounds after a warm-up: {settings.rounds}",
        f"  inversion: {timed.inversion_steps} of {whole.inversion_steps} steps timed "
        f"(matched: {timed.steps} of {whole.steps})",
        f"  sampling: {timed.steps} of {whole.steps} steps timed, each kind of injection by itself",
        f"  guidance: {passes[0]} of {passes[1]} passes an edit timed; guidance off is the same "
        "run without them",
        "  loop: one edit timed; after the inversion each costs the same",
        loop,
        guidance,
    )


def table(figures: tuple[Figure, ...]) -> tuple[str, ...]:
    """Return the figures as lines, each way's factor over the loop beside it."""
    lines: list[str] = []
    for guided in sorted({figure.guided for figure in figures}):
        lines += ["", f"guidance {'on, every pass that it allows' if guided else 'off'}"]
        lines += _rows(tuple(f for f in figures if f.guided is guided))
    return tuple(lines)


def _rows(figures: tuple[Figure, ...]) -> tuple[str, ...]:
    loops = {figure.edits: figure.median for figure in figures if figure.name == "loop"}
    lines = [
        f"{'edits of a source':18}{'':12}{'seconds an edit (least - most)':>36}"
        f"{'UNet passes an edit':>21}{'over the loop':>15}"
    ]
    for figure in sorted(figures, key=lambda f: f.edits):
        spread = f"({min(figure.seconds):.2f} - {max(figure.seconds):.2f})"
        lines.append(
            f"{figure.edits:<18}{figure.name:12}{figure.median:>14.2f} {spread:>21}"
            f"{figure.passes:>21.1f}{loops[figure.edits] / figure.median:>14.1f}x"
        )
    return tuple(lines)


def aims(figures: tuple[Figure, ...]) -> tuple[str, ...]:
    """Return the factors of `matched` beside those aimed at; none is asserted."""
    lines = []
    for edits, aim in AIMS.items():
        found = {f.name: f.median for f in figures if f.edits == edits and not f.guided}
        if found:
            factor = found["loop"] / found["matched"]
            lines.append(
                f"matched over the loop, {edits} of a source, guidance off: {factor:.1f}x "
                f"(aim: {aim}x)"
            )
    return tuple(lines)


def record(report: Report, output: Path, *, name: str) -> Path:
    """Write the report into `output` and return the file."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / name
    path.write_text("\n".join(report.lines) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is asked for."""

    command: str = "python -m benchmarks editing"
    """The command line, for the record."""
    model: str = TINY_NAME
    """`tiny`, or the folder of a model in diffusers layout."""
    side: int = DEFAULT_SIDE
    """The side of the picture in pixels."""
    settings: Settings = field(default_factory=Settings)
    """What is compared, and how much of it."""
    parts: tuple[str, ...] = PARTS
    """The parts of the section."""


def measure_editing(options: Options, output: Path, *, now: datetime) -> None:
    """Measure what is asked for, print it and record it in `output`."""
    report = Report()
    cpu = choose_runtime(device="cpu", precision=None, profile=TINY)
    machine = describe_machine(describe_runtime(cpu), now=now)
    report.add(f"# {options.command}", *(f"# {line}" for line in machine))
    if "comparison" in options.parts:
        compare(report, model_name=options.model, side=options.side, settings=options.settings)
    if "gpu" in options.parts:
        report.add("")
        for line in measure_gpu():
            report.add(line)
    path = record(report, output, name=f"{now:%Y-%m-%d}-editing-{processors()}-cores.txt")
    click.echo(f"recorded in {path}", err=True)


def run(output: Path) -> None:
    """Measure with what is usual; `python -m benchmarks` calls it."""
    measure_editing(Options(), output, now=datetime.now().astimezone())


@click.command()
@click.option("--full", is_flag=True, help="Time every step of every edit: hours on two cores.")
@click.option("--guidance/--no-guidance", default=True, help="With mask guidance as well.")
@click.option(
    "--edits", type=click.IntRange(1), multiple=True, default=EDITS, help="Edits of a source."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Turns of each way."
)
@click.option("--model", default=TINY_NAME, show_default=True, help="Or a model's folder.")
@click.option(
    "--side",
    type=click.IntRange(128),
    default=DEFAULT_SIDE,
    show_default=True,
    help="Pixels of the picture.",
)
@click.option("--part", type=click.Choice(PARTS), multiple=True, default=PARTS, help="What of it.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, help="Record's folder.")
def command_line(  # noqa: PLR0913 - one for each option
    *,
    full: bool,
    guidance: bool,
    edits: tuple[int, ...],
    rounds: int,
    model: str,
    side: int,
    part: tuple[str, ...],
    output: Path,
) -> None:
    """Print and record what diffusion editing costs."""
    settings = Settings(rounds=rounds, edits=edits)
    if full:
        settings = replace(settings, timed=settings.whole)
    if not guidance:
        settings = settings.unguided()
    options = Options(
        command=f"python -m benchmarks.editing {' '.join(sys.argv[1:])}".rstrip(),
        model=model,
        side=side,
        settings=settings,
        parts=part,
    )
    measure_editing(options, output, now=datetime.now().astimezone())


if __name__ == "__main__":
    command_line()
