"""`harness check`: tries a submission on three images and says precisely what is wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.engine_options import engine_options, open_engine
from harness.cli.limit_options import limit_options
from harness.cli.output import (
    OutputFormat,
    echo_csv,
    echo_json,
    echo_log_tail,
    echo_table,
    figure,
    format_option,
)
from harness.cli.submission_choice import SubmissionChoice, prepare_target, submission_options
from harness.cli.workspace import Workspace
from harness.records.printable import printable

if TYPE_CHECKING:
    from harness.records.check import CheckReport


@click.command("check")
@click.argument("submission")
@click.option("--benchmark", default="mini", show_default=True, help="A built benchmark's name.")
@submission_options
@limit_options
@engine_options
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    submission: str,
    benchmark: str,
    weights_dir: Path | None,
    base_image: str | None,
    allow_unenforced: tuple[str, ...],
    output_format: str,
    **limits: Any,  # noqa: ANN401 - click hands the limit options over by name
) -> None:
    r"""Try SUBMISSION on three images of a benchmark and say precisely what is wrong.

    The images are a whole one, an odd-sided one and an upright one. Nothing is stored. Exits with
    13 where an evaluation would fail.

    \b
    Example:
      harness check mini-unet
      harness check ./my-model --benchmark camvid --weights-dir ~/weights
    """
    import secrets
    from contextlib import closing

    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.evaluation.check import check
    from harness.sandbox.docker_runner import DockerRunner

    workspace = Workspace(root=root)
    folder = BenchmarkFolder(workspace.benchmark(benchmark))
    choice = SubmissionChoice(
        submission=submission,
        weights_dir=weights_dir,
        base_image=base_image,
        limits=limits,
        label_space=folder.header().label_space,
    )
    with closing(open_engine(allow_unenforced)) as client:
        target = prepare_target(client, choice, workspace)
        salt = folder.header().digest
        runner = DockerRunner(client, salt=salt, allow_unenforced=allow_unenforced)
        report = check(target, folder, runner=runner, run_id=secrets.token_hex(6))
    _echo(report, OutputFormat(output_format))
    if not report.ok:
        from harness.errors import SubmissionFailedError

        message = f"{report.submission} would fail: {report.findings[0].message}"
        first = report.advice.tries[0] if report.advice else "Mend it."
        raise SubmissionFailedError(message, remedy=f"{first} Then check again.")


def _echo(report: "CheckReport", output_format: OutputFormat) -> None:
    header = (
        *("image", "pixel accuracy", "a constant's", "outside the classes"),
        "classes predicted",
    )
    rows = [
        (
            image.shape,
            figure(image.pixel_accuracy, digits=3),
            figure(image.majority_share, digits=3),
            f"{image.other_share:.1%}",
            ", ".join(image.classes),
        )
        for image in report.images
    ]
    match output_format:
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(header, rows)
        case OutputFormat.TABLE:
            if rows:
                echo_table(f"{report.submission} on {report.benchmark}", header, rows)
            _echo_outcome(report)


def _echo_outcome(report: "CheckReport") -> None:
    outcome = report.outcome
    if outcome.startup_seconds is not None:
        seconds = outcome.total_seconds - outcome.startup_seconds
        click.echo(
            f"ready after {outcome.startup_seconds:.1f} s as {outcome.model_name!r},"
            f" {outcome.predictions} predictions in {seconds:.1f} s"
        )
    for finding in report.findings:
        click.echo(f"{finding.severity.value}: {printable(finding.message)}")
    if not report.findings:
        click.echo("ok: nothing wrong was found")
    if report.advice is not None:
        click.echo("what to try:")
        for sentence in report.advice.tries:
            click.echo(f"- {printable(sentence)}")
    if not report.ok:
        echo_log_tail(outcome)
