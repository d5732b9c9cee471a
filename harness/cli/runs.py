"""`harness runs`: lists the stored runs, and tells all of one: what happened and what to try."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, format_option
from harness.cli.results_options import database_option
from harness.cli.run_listing import UNFINISHED
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from harness.records.run_account import RunListing

STATUSES = ("completed", "submission_failed", "harness_failed", UNFINISHED)
"""What --status takes: `harness.records.run.RunStatus`, too slow to import for a line of help."""


@click.group("runs", invoke_without_command=True)
@click.option("--benchmark", help="Only runs on the benchmark of this name.")
@click.option("--submission", help="Only runs of the submission of this name.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs that ended so.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="The most ended runs that are listed.",
)
@database_option
@format_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    benchmark: str | None,
    submission: str | None,
    status: str | None,
    limit: int,
    database: Path | None,
    output_format: str,
) -> None:
    r"""List the runs of the results database, the newest first, and those that were cut off.

    `harness runs show RUN` tells all of one: how it ended and why, the sample that showed it, what
    to try, its limits and who set them, and the end of its log. RUN is an id or the beginning of
    one. A run that was cut off goes on where it stopped when it is evaluated again.

    \b
    Example:
      harness runs --benchmark mini --status submission_failed
      harness runs show 3f9a
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from harness.cli.run_listing import RunQuestion, echo_listing, list_runs

    listing: RunListing = list_runs(
        RunQuestion(benchmark=benchmark, submission=submission, status=status, limit=limit),
        workspace=Workspace(root=context.obj),
        database=database,
    )
    echo_listing(listing, OutputFormat(output_format))


@command.command("show")
@click.argument("run")
@database_option
@format_option
@click.pass_obj
def show(root: Path, /, *, run: str, database: Path | None, output_format: str) -> None:
    r"""Tell all of RUN, given by its id or the beginning of it, and what to try where it failed.

    \b
    Example:
      harness runs show 3f9a
      harness runs show 3f9a --format json
    """
    from harness.cli.run_account import account_of
    from harness.cli.run_account_output import echo_account

    account = account_of(run, workspace=Workspace(root=root), database=database)
    echo_account(account, OutputFormat(output_format))


def _refuse_options(context: click.Context) -> None:
    """Refuse options of the list in front of a subcommand: they would change nothing."""
    given = click.core.ParameterSource.COMMANDLINE
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is given:
            msg = (
                f"{option.opts[0]} belongs to the list of runs; {context.invoked_subcommand} takes"
                " options of its own, after it"
            )
            raise click.UsageError(msg, ctx=context)
