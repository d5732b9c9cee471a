"""The models that a build looks at its edits through, opened where the recipe asks for them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.acceptance.embedder import ImageTextEmbedder
    from harness.benchmark.assessment import Assessors
    from harness.checkpoints.place import WeightsPlace
    from harness.cli.workspace import Workspace
    from harness.dataset.recipe_file import LoadedRecipe
    from harness.records.acceptance import AcceptanceRule, ClipRule


@dataclass(frozen=True, kw_only=True)
class AssessmentOptions:
    """Where the models of acceptance lie, as it was said."""

    clip_model: Path | None = None
    """The folder of the CLIP model; None looks for it."""
    noise_model: Path | None = None
    """The same of the noise filter's model."""
    weights_dir: Path | None = None
    """Where the weights of a submission are found by digest, where it gives the losses."""
    device: str | None = None
    """Where they compute; None takes a GPU, or the CPU where there is none."""


_FOLDER = click.Path(path_type=Path, file_okay=False)
_OPTIONS = (
    click.option(
        "--clip-model",
        type=_FOLDER,
        metavar="DIR",
        help="Acceptance: the folder of the recipe's CLIP model.  [default: the hub's cache, then "
        "the hub]",
    ),
    click.option(
        "--noise-model",
        type=_FOLDER,
        metavar="DIR",
        help="Acceptance: the same of the transformers model of the noise filter.",
    ),
    click.option(
        "--weights-dir",
        type=_FOLDER,
        metavar="DIR",
        help="Acceptance: where the weights of a submission are found, where it is the noise "
        "filter's model.",
    ),
)


def assessment_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the options `clip_model`, `noise_model` and `weights_dir`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def plan_assessors(
    workspace: Workspace, loaded: LoadedRecipe, options: AssessmentOptions
) -> Assessors:
    """Return how the models that `loaded` asks for are opened once its edits are made.

    Raises:
        click.UsageError: A model's folder is named, and the recipe asks for no such model.
        DeviceError: A model is asked for, and PyTorch is not installed.
    """
    from harness.benchmark.assessment import Assessors

    rule = loaded.recipe.acceptance
    _check_options(rule, options)
    clip = losses = None
    if rule.clip is not None:
        from harness.checkpoints.place import WeightsPlace
        from harness.cli.diffusion_packages import require_packages

        require_packages()
        digests = workspace.cache / "digests.json"
        place = WeightsPlace(folder=options.clip_model, digests=digests)
        clip = partial(_open_clip, rule.clip, place, options.device)
    if rule.noise is not None:
        from harness.cli.noise_model import NoiseModelOptions, open_losses

        said = NoiseModelOptions(
            model_folder=options.noise_model,
            device=options.device,
            weights_dir=options.weights_dir,
        )
        losses = partial(
            open_losses, rule.noise, loaded.label_space, workspace=workspace, options=said
        )
    return Assessors(clip=clip, losses=losses)


@contextmanager
def _open_clip(
    rule: ClipRule, place: WeightsPlace, device: str | None
) -> Iterator[ImageTextEmbedder]:
    from harness.acceptance.clip_model import open_clip

    yield open_clip(rule, place=place, device=device)


def _check_options(rule: AcceptanceRule, options: AssessmentOptions) -> None:
    from harness.records.acceptance import NoiseModelKind

    kind = None if rule.noise is None else rule.noise.kind
    asked = (
        ("--clip-model", options.clip_model, rule.clip is not None),
        ("--noise-model", options.noise_model, kind is NoiseModelKind.TRANSFORMERS),
        ("--weights-dir", options.weights_dir, kind is NoiseModelKind.SUBMISSION),
    )
    for option, said, wanted in asked:
        if said is not None and not wanted:
            msg = f"{option} {said}: the recipe asks for no such model"
            raise click.UsageError(msg)
