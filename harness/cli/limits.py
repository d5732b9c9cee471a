"""`harness limits`: shows the walls around a submission, and who put each where it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.limit_options import limit_options
from harness.cli.output import (
    UNDEFINED,
    OutputFormat,
    echo_csv,
    echo_json,
    echo_table,
    format_option,
)
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from harness.records.limits import LimitsReport
    from harness.records.submission import SubmissionManifest

_HEADER = ("limit", "default", "may ask for", "asks for", "in force", "set by", "meaning")


@click.command("limits")
@click.argument("submission", required=False)
@limit_options
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    submission: str | None,
    output_format: str,
    **limits: Any,  # noqa: ANN401 - click hands the limit options over by name
) -> None:
    r"""Show the limits that SUBMISSION runs under, or any that asks for nothing.

    A default holds unless the submission asks for more or less under [resources] of its
    submission.toml, up to a ceiling. The operator changes defaults and ceilings, and fixes limits
    for every submission, in operator.toml of the workspace (or the file that HARNESS_OPERATOR
    names), and for one command by options. A run is keyed by the limits in force.

    \b
    Example:
      harness limits
      harness limits mini-unet --memory-mb 16384
    """
    from harness.cli.operator_file import read_operator_settings
    from harness.records.limits import limits_report

    workspace = Workspace(root=root)
    report = limits_report(
        _manifest(submission, workspace) if submission else None,
        settings=read_operator_settings(workspace),
        options={name: value for name, value in limits.items() if value is not None},
    )
    _echo(report, OutputFormat(output_format))


def _manifest(submission: str, workspace: Workspace) -> "SubmissionManifest":
    from contextlib import closing

    from harness.cli.submission_choice import find_folder
    from harness.sandbox.engine import connect
    from harness.sandbox.image import image_submission
    from harness.sandbox.submission_folder import load_submission

    folder = find_folder(submission, workspace)
    if folder is not None:
        return load_submission(folder).manifest
    with closing(connect()) as client:
        return image_submission(client, submission).manifest


def _echo(report: "LimitsReport", output_format: OutputFormat) -> None:
    rows = [
        (
            *(row.name, _cell(row.default), _cell(row.ceiling), _cell(row.asked)),
            *(_cell(row.in_force), row.source.value, row.meaning),
        )
        for row in report.limits
    ]
    match output_format:
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(_HEADER, rows)
        case OutputFormat.TABLE:
            whose = f"Limits of {report.submission}" if report.submission else "Limits"
            echo_table(whose, _HEADER, rows)
            click.echo("Always:")
            for wall in report.walls:
                click.echo(f"- {wall}")


def _cell(value: float | str | None) -> str:
    return UNDEFINED if value is None else f"{value:g}" if isinstance(value, float) else str(value)
