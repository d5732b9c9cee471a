"""From the noise filter's rule to a model that can be asked; nothing of the filter."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from harness.acceptance.loss_reader import LossReader
    from harness.evaluation.target import EvaluationTarget
    from harness.records.acceptance import NoiseRule
    from harness.records.label_space import LabelSpace


@dataclass(frozen=True, kw_only=True)
class NoiseModelOptions:
    """What the user said of where and behind which walls the model runs."""

    model_folder: Path | None = None
    """The folder of a transformers model; None looks in the hub's cache and on the hub."""
    device: str | None = None
    """`cpu`, `cuda` or `cuda:N` for a transformers model; None chooses."""
    weights_dir: Path | None = None
    """Where a submission's weights are looked for by digest."""
    base_image: str | None = None
    """The image to build a submission on; None for the usual search."""
    limits: dict[str, Any] = field(default_factory=dict)
    """The operator's limits around a submission, by name."""


@contextmanager
def open_losses(
    rule: "NoiseRule",
    label_space: "LabelSpace",
    *,
    workspace: Workspace,
    options: NoiseModelOptions | None = None,
) -> Iterator["LossReader"]:
    """Give the model that `rule` names, open within the `with` block.

    Raises:
        SubmissionError: There is no such submission, or it is no valid one.
        ImageBuildError: Its image can't be built or found.
        EngineError: The container engine is down or refuses.
        WeightsError: Weights are nowhere or not the promised ones.
        DeviceError: There is no such device, or PyTorch is not installed.
        RecipeError: The class map names a class that the label space has not.
    """
    from harness.acceptance.loss_reader import check_class_map
    from harness.records.acceptance import NoiseModelKind

    check_class_map(rule, label_space)
    chosen = options or NoiseModelOptions()
    match rule.kind:
        case NoiseModelKind.TRANSFORMERS:
            yield _semantic_model(rule, label_space, workspace, chosen)
        case NoiseModelKind.SUBMISSION:
            with _submission(rule, label_space, workspace, chosen) as reader:
                yield reader


def _semantic_model(
    rule: "NoiseRule", label_space: "LabelSpace", workspace: Workspace, options: NoiseModelOptions
) -> "LossReader":
    from harness.cli.diffusion_packages import require_packages

    require_packages()
    from harness.acceptance.semantic_model import open_semantic_model
    from harness.checkpoints.device import choose_torch_device
    from harness.checkpoints.place import WeightsPlace

    place = WeightsPlace(folder=options.model_folder, digests=workspace.cache / "digests.json")
    device = choose_torch_device(options.device)
    return open_semantic_model(rule, label_space, place=place, device=device)


@contextmanager
def _submission(
    rule: "NoiseRule", label_space: "LabelSpace", workspace: Workspace, options: NoiseModelOptions
) -> Iterator["LossReader"]:
    import secrets
    from contextlib import closing

    from harness.cli.submission_choice import SubmissionChoice, prepare_target
    from harness.evaluation.class_losses import SubmissionLosses
    from harness.sandbox.docker_runner import DockerRunner
    from harness.sandbox.engine import connect

    choice = SubmissionChoice(
        submission=rule.model,
        weights_dir=options.weights_dir,
        base_image=options.base_image,
        limits=options.limits,
        # The recipe's class map goes before the submission's, which may be for another benchmark.
        label_space=None if rule.class_map else label_space,
    )
    with closing(connect()) as client:
        target = prepare_target(client, choice, workspace)
        _check_image(rule, target)
        yield SubmissionLosses(
            target=target,
            rule=rule,
            label_space=label_space,
            runner=DockerRunner(client),
            run_id=secrets.token_hex(6),
        )


def _check_image(rule: "NoiseRule", target: "EvaluationTarget") -> None:
    """Hold the image against the digest that the recipe promises, where it promises one.

    Raises:
        WeightsError: It is another image.
    """
    from harness.errors import WeightsError

    promised = rule.files.get("image", target.image_digest)
    if promised != target.image_digest:
        message = (
            f"the image of submission {target.manifest.name!r} is {target.image_digest}, and the "
            f"recipe promises {promised}"
        )
        raise WeightsError(
            message, remedy="Take the promised image by its digest, or correct acceptance.noise."
        )
