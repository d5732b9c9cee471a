"""From what a user calls a submission to an image that can run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.evaluation.target import EvaluationTarget
    from harness.records.label_space import LabelSpace
    from harness.records.limits import GrantedLimits, OperatorSettings
    from harness.records.submission import SubmissionManifest


@dataclass(frozen=True, kw_only=True)
class SubmissionChoice:
    """What the user asked to run, as given on the command line."""

    submission: str
    """A name under submissions/, a folder, or an image reference."""
    weights_dir: Path | None
    """Where weights are looked for by digest."""
    base_image: str | None
    """The base image to build on; None for the usual search."""
    limits: dict[str, Any]
    """The operator's limits; None values are left to the submission and the defaults."""
    label_space: "LabelSpace | None" = None
    """The benchmark's; where given, a class map that doesn't fit it is refused before a build."""
    workers: int = 1
    """Number of containers that are to share the images."""
    gpu_ids: tuple[str, ...] = ()
    """The GPUs that they are to use; empty for the usual ones."""


_OPTIONS = (
    click.option(
        "--weights-dir",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A folder in which weights are found by their sha256.",
    ),
    click.option("--base-image", help="The image to build on, in place of the usual search."),
)


def submission_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the options that say how a submission's image is made."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def prepare_target(
    client: "DockerClient", choice: SubmissionChoice, workspace: Workspace
) -> "EvaluationTarget":
    """Return the submission's manifest, image and limits, building the image where needed.

    What the manifest says is judged before anything is built.

    Raises:
        SubmissionError: There is no such submission, its folder is no valid one, or it asks for
            what it can't have.
        ImageBuildError: Its image can't be built or found.
        WeightsError: Its weights are missing or not the promised bytes.
        OperatorError: The operator's file says something that it can't.
        DeviceError: The GPUs are too few.
    """
    from harness.cli.operator_file import read_operator_settings
    from harness.evaluation.target import EvaluationTarget
    from harness.sandbox.image import build_image, image_submission
    from harness.sandbox.submission_folder import load_submission

    settings = read_operator_settings(workspace)
    folder = find_folder(choice.submission, workspace)
    if folder is None:
        image = image_submission(client, choice.submission)
        granted = _judge(image.manifest, choice, settings)
    else:
        submission = load_submission(folder)
        granted = _judge(submission.manifest, choice, settings)
        click.echo(f"building the image of {submission.manifest.name}", err=True)
        image = build_image(
            client,
            submission,
            weights_dir=choice.weights_dir,
            cache_dir=workspace.cache,
            base_image=choice.base_image,
        )
    return EvaluationTarget(
        manifest=image.manifest,
        image_digest=image.digest,
        limits=granted.limits,
        limit_sources=granted.sources,
    )


def _judge(
    manifest: "SubmissionManifest", choice: SubmissionChoice, settings: "OperatorSettings"
) -> "GrantedLimits":
    """Return the limits it runs under, once its label space is known to be one.

    Raises:
        SubmissionError: Its label space, class map or resources can't be granted, or it can't be
            shared.
        DeviceError: The GPUs are too few.
    """
    from harness.evaluation.class_map import own_label_space, prediction_table
    from harness.evaluation.worker_plan import plan_workers
    from harness.records.limits import grant_limits

    own = own_label_space(manifest, benchmark=choice.label_space)
    if choice.label_space is not None:
        prediction_table(manifest, own=own, benchmark=choice.label_space)
    options = {name: value for name, value in choice.limits.items() if value is not None}
    granted = grant_limits(manifest, settings=settings, options=options)
    plan_workers(manifest, granted.limits, workers=choice.workers, gpu_ids=choice.gpu_ids)
    return granted


def find_folder(submission: str, workspace: Workspace) -> Path | None:
    """Return the folder that `submission` names, or None where it is an image reference.

    Raises:
        SubmissionError: It is neither a folder nor anything an image may be called.
    """
    from harness.errors import SubmissionError

    named = workspace.submissions / submission
    given = Path(submission)
    if "/" not in submission and named.is_dir():
        return named
    if given.is_dir():
        return given
    if ":" in submission:
        return None
    known = sorted(path.parent.name for path in workspace.submissions.glob("*/submission.toml"))
    message = f"there is no submission {submission!r}"
    raise SubmissionError(
        message,
        remedy=f"Name one of {', '.join(known) or 'none yet'} in {workspace.submissions}, a folder"
        " with a submission.toml, or an image as NAME:TAG or sha256:DIGEST.",
    )
