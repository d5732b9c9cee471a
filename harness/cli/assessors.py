"""The models that a build looks at its edits through, opened where the recipe asks for them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.limit_options import LIMIT_NAMES, limit_options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from harness.acceptance.embedder import ImageTextEmbedder
    from harness.acceptance.loss_reader import LossReader
    from harness.benchmark.assessing.assessment import Assessors
    from harness.checkpoints.place import WeightsPlace
    from harness.cli.workspace import Workspace
    from harness.dataset.recipe_file import LoadedRecipe
    from harness.records.acceptance import AcceptanceRule, ClipRule, NoiseRule


@dataclass(frozen=True, kw_only=True)
class AssessmentOptions:
    """Where the models of acceptance lie, as it was said."""

    clip_model: Path | None = None
    """The folder of the CLIP model; None looks for it."""
    noise_model: Path | None = None
    """The same of the noise filter's model."""
    weights_dir: Path | None = None
    """Where the weights of a submission are found by digest, where it gives the losses."""
    base_image: str | None = None
    """The image to build that submission on; None for the usual search."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """The operator's limits around it, by name; None leaves one to it and the defaults."""
    device: str | None = None
    """Where they compute; None takes a GPU, or the CPU where there is none."""

    @staticmethod
    def of(said: Mapping[str, Any], *, device: str | None) -> AssessmentOptions:
        """Return what `said` holds under the names of `assessment_options`, and more."""
        return AssessmentOptions(
            **{name: said[name] for name in ("clip_model", "noise_model", "weights_dir")},
            base_image=said["base_image"],
            limits={name: said[name] for name in LIMIT_NAMES},
            device=device,
        )


_OF_SUBMISSION = "Submission as noise filter: "
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
        help=f"{_OF_SUBMISSION}a folder in which its weights are found by their sha256.",
    ),
    click.option(
        "--base-image",
        metavar="IMAGE",
        help=f"{_OF_SUBMISSION}the image to build it on, in place of the usual search.",
    ),
    limit_options_of(_OF_SUBMISSION),
)


def assessment_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the options; `AssessmentOptions.of` takes them up."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def plan_assessors(
    workspace: Workspace, loaded: LoadedRecipe, options: AssessmentOptions
) -> Assessors:
    """Return how the models that `loaded` asks for are opened once its edits are made.

    Raises:
        click.UsageError: An option is for a model that the recipe does not ask for.
        DeviceError: A model is asked for, and PyTorch is not installed.
    """
    from harness.benchmark.assessing.assessment import Assessors

    rule = loaded.recipe.acceptance
    _check_options(rule, options)
    clip = losses = None
    checks: list[Callable[[tuple[str, ...]], None]] = []
    if rule.clip is not None:
        from harness.checkpoints.place import WeightsPlace
        from harness.cli.diffusion_packages import require_packages

        require_packages()
        digests = workspace.cache / "digests.json"
        place = WeightsPlace(folder=options.clip_model, digests=digests)
        clip = partial(_open_clip, rule.clip, place, options.device)
        checks.append(partial(_check_clip, rule.clip, place))
    if rule.noise is not None:
        losses = _losses(workspace, loaded, rule.noise, options)
        # A look at its classes needs no GPU, whose memory the editor takes next.
        on_cpu = replace(options, device="cpu")
        checks.append(partial(_check_losses, _losses(workspace, loaded, rule.noise, on_cpu)))
    return Assessors(clip=clip, losses=losses, check=partial(_check_all, tuple(checks)))


def _losses(
    workspace: Workspace, loaded: LoadedRecipe, rule: NoiseRule, options: AssessmentOptions
) -> Callable[[], AbstractContextManager[LossReader]]:
    from harness.cli.noise_model import NoiseModelOptions, open_losses

    said = NoiseModelOptions(
        model_folder=options.noise_model,
        device=options.device,
        weights_dir=options.weights_dir,
        base_image=options.base_image,
        limits=dict(options.limits),
    )
    return partial(open_losses, rule, loaded.label_space, workspace=workspace, options=said)


def _check_all(
    checks: tuple[Callable[[tuple[str, ...]], None], ...], names: tuple[str, ...]
) -> None:
    for check in checks:
        check(names)


def _check_clip(rule: ClipRule, place: WeightsPlace, _names: tuple[str, ...]) -> None:
    from harness.acceptance.clip_model import OPTION, TITLE
    from harness.checkpoints.checkpoint import find_checkpoint
    from harness.records.prompts import TINY

    if rule.model != TINY or place.folder is not None:
        find_checkpoint(rule, title=TITLE, place=place, option=OPTION)


def _check_losses(
    open_reader: Callable[[], AbstractContextManager[LossReader]], names: tuple[str, ...]
) -> None:
    with open_reader() as reader:
        reader.check_classes(names)


@contextmanager
def _open_clip(
    rule: ClipRule, place: WeightsPlace, device: str | None
) -> Iterator[ImageTextEmbedder]:
    from harness.acceptance.clip_model import open_clip

    yield open_clip(rule, place=place, device=device)


def _check_options(rule: AcceptanceRule, options: AssessmentOptions) -> None:
    from harness.records.acceptance import NoiseModelKind

    kind = None if rule.noise is None else rule.noise.kind
    walls = {"weights_dir": options.weights_dir, "base_image": options.base_image, **options.limits}
    groups = (
        ("CLIP model", rule.clip is not None, {"clip_model": options.clip_model}),
        (
            "model of transformers as the noise filter's",
            kind is NoiseModelKind.TRANSFORMERS,
            {"noise_model": options.noise_model},
        ),
        ("submission as the noise filter's model", kind is NoiseModelKind.SUBMISSION, walls),
    )
    for what, wanted, said in groups:
        given = [name for name, value in said.items() if value is not None]
        if given and not wanted:
            msg = f"--{given[0].replace('_', '-')} {said[given[0]]}: the recipe asks for no {what}"
            raise click.UsageError(msg)
