"""The command `harness doctor`."""

from pathlib import Path

import click

from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, format_option


@click.command(name="doctor")
@click.option("--strict", is_flag=True, help="Exit with code 7 where evaluate can't work.")
@format_option
@click.pass_obj
def command(root: Path, /, *, strict: bool, output_format: str) -> None:
    r"""Say what this machine has, and a remedy for what it lacks.

    Looks at Python, the container engine and what it enforces, base images, GPUs, disks, caches and
    results. `missing` is what `harness evaluate` can't do without; `warn` is everything else.

    \b
    Example:
      harness doctor
      harness doctor --format json
      harness doctor --strict && harness evaluate color-forest --benchmark mini
    """
    from harness import __version__
    from harness.cli import machine
    from harness.cli.workspace import Workspace
    from harness.errors import EngineError
    from harness.records.diagnosis import CheckStatus, Diagnosis

    diagnosis = Diagnosis(
        harness_version=__version__,
        checks=(
            *machine.python_checks(),
            *machine.engine_checks(),
            *machine.gpu_checks(),
            *machine.workspace_checks(Workspace(root=root)),
            *machine.browser_checks(),
        ),
    )
    header = ("subject", "status", "found", "remedy")
    rows = [(c.subject, c.status.value, c.found, c.remedy or "") for c in diagnosis.checks]
    match OutputFormat(output_format):
        case OutputFormat.JSON:
            echo_json(diagnosis.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(header, rows)
        case OutputFormat.TABLE:
            echo_table(f"harness {__version__} on this machine", header, rows)
    if strict and not diagnosis.fit_to_evaluate:
        lacking = [c.subject for c in diagnosis.checks if c.status is CheckStatus.MISSING]
        msg = f"this machine can't evaluate: {', '.join(lacking)} missing"
        raise EngineError(
            msg,
            remedy="The remedies stand above.",
        )
