"""The models that write prompts: where they lie, and how each is opened when its turn comes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.benchmark.prompts.task import PromptModels
    from harness.checkpoints.checkpoint import Checkpoint
    from harness.prompting.captioner import Captioner
    from harness.prompting.language_model import LanguageModel
    from harness.records.prompts import (
        CaptionerSpec,
        LanguageModelSpec,
        ModelReference,
        PromptSpec,
    )

_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")


@dataclass(frozen=True, kw_only=True)
class PromptModelOptions:
    """Where the models lie and compute, as it was said."""

    captioner: Path | None = None
    """The captioner's folder; None looks for it."""
    language_model: Path | None = None
    """The same of the language model."""
    device: str | None = None
    """Where they compute; None takes a GPU, or the CPU where there is none."""


@dataclass(frozen=True, kw_only=True)
class FoundModels:
    """The models of a recipe's prompts, found and not yet opened."""

    models: PromptModels
    """How they are opened."""
    captioner_files: Mapping[str, str]
    """sha256 by file of the captioner; empty where there is none."""
    language_model_files: Mapping[str, str]
    """The same of the language model."""
    packages: Mapping[str, str]
    """Versions of the packages that they run on; empty without a model."""


def check_options(spec: PromptSpec, options: PromptModelOptions) -> None:
    """Raise where an option is for a model that `spec` does not ask for.

    Raises:
        click.UsageError: Names the option.
    """
    captions, edits = captioner_of(spec), language_model_of(spec)
    asked = {
        "--captioner": (options.captioner, captions is not None),
        "--language-model": (options.language_model, edits is not None),
        "--device": (options.device, captions is not None or edits is not None),
    }
    for option, (said, used) in asked.items():
        if said is not None and not used:
            msg = f"{option} {said}: the recipe's [prompts] ask for no such model"
            raise click.UsageError(msg)


def check_dry_run(options: PromptModelOptions) -> None:
    """Raise where a model is named and a dry run would not use it.

    Raises:
        click.UsageError: Names the option.
    """
    named = {"--captioner": options.captioner, "--language-model": options.language_model}
    for option, folder in named.items():
        if folder is not None:
            msg = f"{option} {folder}: --dry-run uses random models; say one of the two"
            raise click.UsageError(msg)


def find_models(spec: PromptSpec, options: PromptModelOptions, *, digests: Path) -> FoundModels:
    """Return the models that `spec` asks for; what is not there is known before anything is loaded.

    Args:
        spec: How prompts are made.
        options: Where the models lie and compute.
        digests: The file that remembers digests.

    Raises:
        DeviceError: A package is not installed, or there is no such device.
        WeightsError: A model is nowhere, or other than promised.
        DiskFullError: There is no room for what the hub sends.
    """
    from harness.benchmark.prompts.task import PromptModels

    captioner, writer = captioner_of(spec), language_model_of(spec)
    if captioner is None and writer is None:
        return FoundModels(
            models=PromptModels(), captioner_files={}, language_model_files={}, packages={}
        )
    _require_packages()
    from harness.checkpoints.device import choose_dtype, choose_torch_device

    where = choose_torch_device(options.device)
    for asked in (captioner, writer):
        if asked is not None:
            choose_dtype(asked.precision, where)
    seen = _find(captioner, "captioner", options.captioner, digests)
    said = _find(writer, "language model", options.language_model, digests)
    device = options.device
    return FoundModels(
        models=PromptModels(
            captioner=partial(_open_captioner, captioner, seen, device) if captioner else None,
            language_model=partial(_open_language_model, writer, said, device) if writer else None,
        ),
        captioner_files={} if seen is None else seen.digests,
        language_model_files={} if said is None else said.digests,
        packages=_versions(),
    )


def captioner_of(spec: PromptSpec) -> CaptionerSpec | None:
    """Return the captioner that `spec` asks for; None where captions are the template's."""
    from harness.records.prompts import CaptionMethod

    return spec.captioner if spec.captions is CaptionMethod.CAPTIONER else None


def language_model_of(spec: PromptSpec) -> LanguageModelSpec | None:
    """Return the chat model that `spec` asks for; None where target prompts are the rule's."""
    from harness.records.prompts import EditMethod

    return spec.language_model if spec.edits is EditMethod.LANGUAGE_MODEL else None


def _find(
    reference: ModelReference | None, name: str, folder: Path | None, digests: Path
) -> Checkpoint | None:
    from harness.checkpoints.checkpoint import find_checkpoint
    from harness.checkpoints.place import WeightsPlace
    from harness.records.prompts import TINY

    if reference is None or reference.model == TINY:
        return None
    return find_checkpoint(
        reference,
        title=f"the {name}",
        place=WeightsPlace(folder=folder, digests=digests),
        option=f"--{name.replace(' ', '-')}",
    )


@contextmanager
def _open_captioner(
    spec: CaptionerSpec, checkpoint: Checkpoint | None, device: str | None
) -> Iterator[Captioner]:
    from harness.prompting.captioner import Captioner

    yield Captioner.open(spec, checkpoint=checkpoint, device=device)


@contextmanager
def _open_language_model(
    spec: LanguageModelSpec, checkpoint: Checkpoint | None, device: str | None
) -> Iterator[LanguageModel]:
    from harness.prompting.language_model import LanguageModel

    yield LanguageModel.open(spec, checkpoint=checkpoint, device=device)


def _require_packages() -> None:
    import importlib.util

    from harness.errors import DeviceError

    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        msg = f"captioner and language model need what is not installed: {', '.join(missing)}"
        remedy = (
            "Run `make diffusion`, or pip install 'segmentation-attribute-harness[diffusion]'; "
            "prompts by template need nothing more."
        )
        raise DeviceError(msg, remedy=remedy)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in (*_PACKAGES, "numpy", "pillow")}
