"""Runs the measurements of `make bench`, one module a section, and says where each was recorded.

A section is a module beside this one that has either a click command (`command` or `main`), called
without arguments, or a function `run(output)`, called with the folder of the recorded results.

Example: python -m benchmarks                  every section
         python -m benchmarks build stream     these two
"""

import importlib
import importlib.util
import logging
import sys
import time
from pathlib import Path
from types import ModuleType

import click

from harness.errors import HarnessError

SECTIONS = (
    "scan",
    "editing_procedural",
    "editing",
    "build",
    "manifest",
    "isolation",
    "evaluate",
    "stream",
    "scoring",
    "ranking",
)
"""The sections, in the order of the road that they measure."""
RESULTS = Path(__file__).resolve().parent / "results"


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice(SECTIONS), metavar="[SECTION]...")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=RESULTS,
    help="Where results are recorded.  [default: benchmarks/results]",
)
def main(sections: tuple[str, ...], output: Path) -> None:
    """Measure SECTION... (all, where none is named) and record the results."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    output.mkdir(parents=True, exist_ok=True)
    failed = [name for name in sections or SECTIONS if not _measured(name, output)]
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        sys.exit(1)


def _measured(name: str, output: Path) -> bool:
    """Return whether the section `name` went through; one that is not there is only named."""
    qualified = f"benchmarks.{name}"
    if importlib.util.find_spec(qualified) is None:
        click.echo(f"== {name}: not there", err=True)
        return True
    click.echo(f"== {name}", err=True)
    started = time.monotonic()
    try:
        _call(importlib.import_module(qualified), output)
    except HarnessError as error:
        click.echo(f"{name}: {error.one_line()}", err=True)
        return False
    except click.ClickException as error:
        error.show()
        return False
    click.echo(f"== {name}: {time.monotonic() - started:.0f} s", err=True)
    return True


def _call(section: ModuleType, output: Path) -> None:
    for name in ("command", "main"):
        command = getattr(section, name, None)
        if isinstance(command, click.Command):
            command.main(args=[], standalone_mode=False)
            return
    run = getattr(section, "run", None)
    if run is None:
        msg = f"{section.__name__} has neither a click command nor run(output)"
        raise HarnessError(
            msg,
            remedy="Add one of them.",
        )
    run(output)


if __name__ == "__main__":
    main()
