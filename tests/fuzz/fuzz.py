"""Runs the fuzz targets (`make fuzz`) and keeps what they find.

Example: python tests/fuzz/fuzz.py run --seconds 60        every target, one after another
         python tests/fuzz/fuzz.py run --seconds 600 prediction
         python tests/fuzz/fuzz.py keep                    takes what covers more into the corpus

What the fuzzer finds interesting lies below .cache/fuzz/; a file that breaks a promise is written
into the corpus at once, where `make test` fails for it until the code is mended.
"""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click
from seeds import seeds

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).with_name("corpus")
FUZZER = Path(__file__).with_name("fuzz_target.py")
FOUND = ROOT / ".cache" / "fuzz"
TARGETS = ("stream", "frames", "prediction")
LARGEST_INPUT = 4096
"""In bytes; a line of the protocol is no longer, and small files say more."""
SLOWEST_SECONDS = 10
MEMORY_MB = 1024


@dataclass(frozen=True, kw_only=True)
class Session:
    """What one target's run came to."""

    target: str
    executions: int
    per_second: int
    edges: int
    """Branches of the harness that were seen taken."""
    broken: bool
    output: str


@click.group()
def main() -> None:
    """Fuzz what reads hostile bytes."""
    if find_spec("atheris") is None:
        message = (
            "atheris is not installed: it has wheels for CPython 3.11-3.13 on x86-64 Linux only"
        )
        raise click.ClickException(message)


@main.command()
@click.option("--seconds", default=60, show_default=True, help="Time for each target.")
@click.argument("targets", nargs=-1, type=click.Choice(TARGETS))
def run(seconds: int, targets: tuple[str, ...]) -> None:
    """Fuzz TARGETS, or all."""
    sessions = [_session(target, seconds) for target in targets or TARGETS]
    click.echo(f"{'target':<12}{'executions':>12}{'a second':>10}{'edges':>8}")
    for session in sessions:
        end = "  a promise is broken" if session.broken else ""
        click.echo(
            f"{session.target:<12}{session.executions:>12}{session.per_second:>10}"
            f"{session.edges:>8}{end}"
        )
    for session in sessions:
        if session.broken:
            click.echo(f"\n--- {session.target} ---\n{session.output[-6000:]}")
    if any(session.broken for session in sessions):
        raise SystemExit(1)


@main.command()
def keep() -> None:
    """Take into the corpus what covers code that its files don't."""
    for target in TARGETS:
        before = len(list((CORPUS / target).iterdir()))
        (FOUND / target).mkdir(parents=True, exist_ok=True)
        flags = ["-merge=1", f"-max_len={LARGEST_INPUT}"]
        merged = _fuzzer(target, [*flags, str(CORPUS / target), str(FOUND / target)])
        if merged.returncode != 0:
            raise click.ClickException(merged.stdout[-2000:])
        click.echo(f"{target}: {before} files, now {len(list((CORPUS / target).iterdir()))}")


def _session(target: str, seconds: int) -> Session:
    found = FOUND / target
    found.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        (found / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    flags = [
        f"-max_total_time={seconds}",
        f"-max_len={LARGEST_INPUT}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={CORPUS / target}{os.sep}",
        "-print_final_stats=1",
    ]
    finished = _fuzzer(target, [*flags, str(found), str(CORPUS / target)])
    return Session(
        target=target,
        executions=_last(r"number_of_executed_units: (\d+)", finished.stdout),
        per_second=_last(r"average_exec_per_sec: +(\d+)", finished.stdout),
        edges=_last(r"cov: (\d+)", finished.stdout),
        broken=finished.returncode != 0,
        output=finished.stdout,
    )


def _fuzzer(target: str, flags: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FUZZER), target, *flags],
        check=False,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def _last(pattern: str, text: str) -> int:
    numbers = re.findall(pattern, text)
    return int(numbers[-1]) if numbers else 0


if __name__ == "__main__":
    main()
