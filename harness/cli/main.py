"""The composition root: finds the command, runs it, and turns every error into one line."""

import errno
import importlib
import logging
import sys
from typing import Never

import click

from harness import __version__
from harness.cli.interrupts import INTERRUPTED
from harness.errors import DiskFullError, HarnessError, PermissionRefusedError
from harness.records.printable import printable

COMMANDS = {
    "scan": "Say what a recipe takes of a data set.",
    "write-prompts": "Freeze a recipe's captions and target prompts for review.",
    "build-benchmark": "Build a benchmark's edited pairs from a recipe.",
    "verify": "Prove that a benchmark on disk is the promised one.",
    "acceptance": "Show the scores that edits are accepted by, and try other thresholds.",
    "edit": "Edit one picture and show the edits side by side.",
    "evaluate": "Run a submission over a benchmark and store its scores.",
    "check": "Try a submission on three images and say precisely what is wrong.",
    "limits": "Show the walls around a submission, and who put each where it is.",
    "runs": "List runs, and tell of one what happened and what to try.",
    "rescore": "Score the kept predictions of a run anew.",
    "rank": "Print the ranking of a benchmark's submissions.",
    "leaderboard": "Render the static leaderboard site.",
    "export": "Write a benchmark's pairs as mmsegmentation, datasets or plain folders want them.",
    "import": "Take in a benchmark that was built elsewhere.",
    "base-image": "Make a local base image where none can be pulled.",
    "doctor": "Say what this machine has, and a remedy for what it lacks.",
}
"""Command name to short help; each command lives in its own module and is imported when called."""

_MODULES = {"import": "import_"}
"""The modules of commands whose name is no module's: `import` is a word of the language."""
INTERNAL_ERROR = 1


class LazyGroup(click.Group):
    """Imports a command's module only when the command is called, so --help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of a first use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command `cmd_name`, or None for an unknown one."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module_name = _MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        module = importlib.import_module(f"harness.cli.{module_name}")
        command = module.command
        if not isinstance(command, click.Command):
            msg = f"harness.cli.{cmd_name} holds no command"
            raise TypeError(msg)
        for one in (command, *_subcommands(command)):
            one.help = _with_kept_lines(one.help)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command list without importing any command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness")
@click.option(
    "--workspace",
    type=click.Path(file_okay=False),
    default=".",
    envvar="HARNESS_WORKSPACE",
    show_default=True,
    help="The folder that holds benchmark_data/, submissions/ and leaderboard/.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also say what happens behind the scenes.")
@click.pass_context
def cli(ctx: click.Context, workspace: str, *, verbose: bool) -> None:
    r"""Rank segmentation models by their mIoU drop under mask-preserved attribute edits.

    \b
    Example:
      harness build-benchmark mini
      harness evaluate color-forest --benchmark mini
      harness leaderboard --benchmark mini
    """
    from pathlib import Path

    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s: %(message)s",
        stream=sys.stderr,
    )
    ctx.obj = Path(workspace)


def _subcommands(command: click.Command) -> tuple[click.Command, ...]:
    return tuple(command.commands.values()) if isinstance(command, click.Group) else ()


def _with_kept_lines(text: str | None) -> str | None:
    r"""Return `text` with each written `\b` made click's mark of a block kept as it is."""
    return None if text is None else text.replace("\\b\n", "\b\n")


cli.help = _with_kept_lines(cli.help)


def main() -> Never:
    """Run the command line and exit with the code the README documents."""
    try:
        code = cli.main(prog_name="harness", standalone_mode=False)
    except click.exceptions.Exit as exit_request:
        sys.exit(exit_request.exit_code)
    except click.ClickException as usage_error:
        usage_error.show()
        sys.exit(usage_error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("harness: interrupted; what was finished is kept", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(INTERNAL_ERROR)
    except (HarnessError, OSError) as error:
        _fail(_as_harness_error(error))
    except Exception:  # the one handler of everything unforeseen (STYLE.md, Errors)
        logging.getLogger(__name__).exception("harness: an internal error; please report it")
        sys.exit(INTERNAL_ERROR)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: HarnessError) -> Never:
    click.echo(f"harness: error: {printable(error.one_line())}", err=True)
    sys.exit(error.exit_code)


def _as_harness_error(error: HarnessError | OSError) -> HarnessError:
    if isinstance(error, HarnessError):
        return error
    where = error.filename or "a file"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFullError(
                f"the disk is full, writing {where}",
                remedy="Free some space and run the command again; finished work is kept.",
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return PermissionRefusedError(
                f"permission refused: {where} ({error.strerror})",
                remedy="Give this user the right to it, or choose another --workspace.",
            )
        case _:
            return HarnessError(
                f"{where}: {error.strerror or error}",
                remedy="Check the path and run the command again.",
            )
