"""Writes requirements.lock: every dependency pinned and hashed, and torch pinned beside them.

One file in sections, each standing on those above it: the demo installs the first, who edits with a
diffusion model all but the last, developers the whole. torch has no hash, because its wheel differs
from machine to machine, and what that wheel wants for a GPU is left to pip; the rest of what it
wants is pinned and hashed. No index is named in the file; pip takes the one that is configured.

Example: python scripts/lock.py            (`make lock`)
         python scripts/lock.py --upgrade  (newer versions where pyproject.toml allows them)
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEADER = """\
# Written by `make lock`; don't edit. Each section stands on those above it.
#   runtime      what the harness needs to run, and what installs it
#   diffusion    what the diffusion editor and torch need besides
#   torch        without a hash, because its wheel differs from machine to machine
#   development  what tests and checks need besides
"""
BUILD_REQUIREMENT = "setuptools>=77"
"""Pinned with the runtime, because the project is installed without build isolation."""
UNHASHED = re.compile(r"torch|triton|(nvidia|cuda)-.+")
"""torch, and what only torch asks for where its wheel is for a GPU."""


@click.command()
@click.option("--upgrade", is_flag=True, help="Take newer versions than the file pins.")
def main(*, upgrade: bool) -> None:
    """Write requirements.lock from pyproject.toml."""
    before = LOCK.read_text(encoding="utf-8") if LOCK.exists() and not upgrade else ""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        runtime = _compile(folder / "runtime.txt", pins=before)
        diffusion = _compile(
            folder / "diffusion.txt", "diffusion", within=folder / "runtime.txt", pins=before
        )
        whole = _compile(
            folder / "whole.txt", "diffusion", "dev", within=folder / "diffusion.txt", pins=before
        )
    hashed = [name for name in whole if not UNHASHED.fullmatch(name)]
    sections = {
        "runtime": [name for name in hashed if name in runtime],
        "diffusion": [name for name in hashed if name in diffusion and name not in runtime],
        "torch": ["torch"],
        "development": [name for name in hashed if name not in diffusion],
    }
    # each from the widest resolution: its markers hold for every section that needs the package
    texts = whole | {"torch": f"{whole['torch'].split()[0]}\n"}
    written = [
        _section(title, (texts[name] for name in names)) for title, names in sections.items()
    ]
    LOCK.write_text(HEADER + "".join(written), encoding="utf-8")
    counts = ", ".join(f"{len(names)} for {title}" for title, names in sections.items())
    click.echo(f"{LOCK.name}: {counts}")


def _compile(output: Path, *extras: str, within: Path | None = None, pins: str) -> dict[str, str]:
    """Return what the project with `extras` requires, at the versions of `within`, by name."""
    output.write_text(pins, encoding="utf-8")  # uv keeps what is pinned there
    build = output.with_suffix(".in")
    build.write_text(f"{BUILD_REQUIREMENT}\n", encoding="utf-8")
    uv = [sys.executable, "-m", "uv", "pip", "compile", str(ROOT / "pyproject.toml"), str(build)]
    options = [f"--extra={extra}" for extra in extras]
    options += ["--constraint", str(within)] if within else []
    form = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    target = ["--universal", "--fork-strategy", "fewest", "--python-version", "3.11"]
    subprocess.run(
        [*uv, *options, *form, *target, "--quiet", "--output-file", str(output)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return _entries(output.read_text(encoding="utf-8"))


def _entries(text: str) -> dict[str, str]:
    """Return the requirements in `text`, each with its hashes, by name."""
    found = re.findall(r"^(?:[A-Za-z0-9].*)\n(?:[ \t]+.*\n)*", text, re.MULTILINE)
    return {re.split(r"[=\s;\[]", entry, maxsplit=1)[0]: entry for entry in found}


def _section(title: str, requirements: Iterable[str]) -> str:
    return f"\n# --- {title} ---\n\n{''.join(requirements)}"


if __name__ == "__main__":
    main()
