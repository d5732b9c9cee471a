"""Writes requirements.lock: every dependency pinned and hashed, runtime first, then development.

One file in two sections, so that the demo installs the first and developers both. No index is named
in it; pip takes the one that the user configured.

Example: python scripts/lock.py            (`make lock`)
         python scripts/lock.py --upgrade  (newer versions where pyproject.toml allows them)
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
MARKER = "# --- development ---"
HEADER = """\
# Written by `make lock`; don't edit. Above the marker: what the harness needs to run, and what
# installs it. Below: what its tests and checks need besides. torch is in neither: see the extra
# `diffusion` in pyproject.toml.
"""
BUILD_REQUIREMENT = "setuptools>=77"
"""Pinned with the runtime, because the project is installed without build isolation."""


@click.command()
@click.option("--upgrade", is_flag=True, help="Take newer versions than the file pins.")
def main(*, upgrade: bool) -> None:
    """Write requirements.lock from pyproject.toml."""
    before = LOCK.read_text(encoding="utf-8") if LOCK.exists() and not upgrade else ""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        build = folder / "build.in"
        build.write_text(f"{BUILD_REQUIREMENT}\n", encoding="utf-8")
        runtime = _compile(folder / "runtime.txt", ROOT / "pyproject.toml", build, pins=before)
        whole = _compile(
            folder / "whole.txt",
            ROOT / "pyproject.toml",
            build,
            options=("--extra", "dev", "--constraint", str(folder / "runtime.txt")),
            pins=before,
        )
    pinned = _entries(runtime)
    development = {name: text for name, text in _entries(whole).items() if name not in pinned}
    sections = ["".join(section.values()) for section in (pinned, development)]
    LOCK.write_text(f"{HEADER}\n{sections[0]}\n{MARKER}\n\n{sections[1]}", encoding="utf-8")
    click.echo(f"{LOCK.name}: {len(pinned)} for runtime, {len(development)} for development")


def _compile(output: Path, *sources: Path, options: tuple[str, ...] = (), pins: str) -> str:
    output.write_text(pins, encoding="utf-8")  # uv keeps what is pinned there
    uv = [sys.executable, "-m", "uv", "pip", "compile", *map(str, sources), *options]
    form = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    target = ["--universal", "--fork-strategy", "fewest", "--python-version", "3.11"]
    subprocess.run(
        [*uv, *form, *target, "--quiet", "--output-file", str(output)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return output.read_text(encoding="utf-8")


def _entries(text: str) -> dict[str, str]:
    """Return the requirements in `text`, each with its hashes, by name."""
    found = re.findall(r"^(?:[A-Za-z0-9].*)\n(?:[ \t]+.*\n)*", text, re.MULTILINE)
    return {re.split(r"[=\s;\[]", entry, maxsplit=1)[0]: entry for entry in found}


if __name__ == "__main__":
    main()
