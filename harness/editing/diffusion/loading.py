"""Loads models: from a name or a folder to networks on a device, with every file's digest."""

import logging
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path

from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from harness.checkpoints.place import WeightsPlace
from harness.editing.diffusion.compiling import compile_blocks
from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.model_files import controlnet_files, pipeline_files
from harness.editing.diffusion.model_folder import (
    REMEDY,
    check_kinds,
    check_whole,
    folder_inpainting_profile,
    folder_profile,
)
from harness.editing.diffusion.parts import ModelParts
from harness.editing.diffusion.profile import ModelProfile, TapPoints
from harness.editing.diffusion.profiles import (
    INPAINTING_PROFILES,
    PROFILES,
    TINY_NAME,
    InpaintingProfile,
    named_inpainting_profile,
    named_profile,
)
from harness.editing.diffusion.tiny import make_tiny_inpainting, make_tiny_model
from harness.editing.diffusion.weights import find_files
from harness.errors import WeightsError

logger = logging.getLogger(__name__)


def find_profile(name_or_dir: str) -> ModelProfile:
    """Return the profile of a name, or one made for the model in a folder.

    A name goes before a folder of the same name; `./tiny` is always the folder.

    Raises:
        WeightsError: It is neither a known name nor the folder of a model.
    """
    if name_or_dir not in PROFILES and Path(name_or_dir).is_dir():
        return folder_profile(Path(name_or_dir))
    return named_profile(name_or_dir)


def find_inpainting_profile(name_or_dir: str) -> InpaintingProfile:
    """Return the profile of a name, or one made for the pair in a folder.

    Raises:
        WeightsError: It is neither a known name nor the folder of such a pair.
    """
    if name_or_dir not in INPAINTING_PROFILES and Path(name_or_dir).is_dir():
        return folder_inpainting_profile(Path(name_or_dir))
    return named_inpainting_profile(name_or_dir)


def load_diffusion_model(
    name_or_dir: str,
    *,
    files: Mapping[str, str],
    runtime: Runtime,
    place: WeightsPlace | None = None,
) -> DiffusionModel:
    """Return a model, on `runtime`'s device, without gradients, whose files were proven.

    Args:
        name_or_dir: The name of a profile, or the folder of a model in diffusers layout, which is
            taken as it is but for `files`.
        files: sha256 by file; goes before what the profile says of the same file.
        runtime: Where and how it computes.
        place: Where a named profile's files are looked for.

    Raises:
        WeightsError: The files are nowhere, other than promised, or no such model.
    """
    profile = find_profile(name_or_dir)
    if profile.name == TINY_NAME and name_or_dir == TINY_NAME:
        _refuse_pins(files)
        _warn_of_random_weights()
        return make_tiny_model(runtime)
    files_set = pipeline_files(profile.title, profile.repositories)
    pinned = {**profile.files, **files}
    found = find_files((files_set,), pinned=pinned, place=_place(name_or_dir, PROFILES, place))
    check_kinds(found.paths)
    check_whole(found.paths)
    parts = ModelParts(found.paths, runtime)
    unet = parts.unet(in_channels=4)
    check_taps(unet, profile.taps, found.paths["unet/config.json"])
    if runtime.compile:
        compile_blocks(unet, profile.taps)
    tokenizer = parts.tokenizer()
    return DiffusionModel(
        profile=profile,
        unet=unet,
        vae=parts.vae(),
        text_encoder=parts.text_encoder(tokenizer),
        tokenizer=tokenizer,
        scheduler=parts.scheduler(),
        device=runtime.device,
        dtype=runtime.dtype,
        digests=dict(found.digests),
    )


def load_inpainting_model(
    name_or_dir: str,
    *,
    files: Mapping[str, str],
    runtime: Runtime,
    place: WeightsPlace | None = None,
) -> InpaintingModel:
    """Return an inpainting model with its ControlNet, as `load_diffusion_model` does.

    Raises:
        WeightsError: The files are nowhere, other than promised, or no such pair.
    """
    profile = find_inpainting_profile(name_or_dir)
    if profile.name == TINY_NAME and name_or_dir == TINY_NAME:
        _refuse_pins(files)
        _warn_of_random_weights()
        return make_tiny_inpainting(runtime)
    sets = (
        pipeline_files(profile.title, profile.repositories),
        controlnet_files(f"the ControlNet of {profile.title}", profile.controlnet_repositories),
    )
    pinned = {**profile.files, **files}
    found = find_files(sets, pinned=pinned, place=_place(name_or_dir, INPAINTING_PROFILES, place))
    check_kinds(found.paths)
    check_whole(found.paths)
    parts = ModelParts(found.paths, runtime)
    tokenizer = parts.tokenizer()
    return InpaintingModel(
        profile=profile,
        unet=parts.unet(in_channels=9),
        controlnet=parts.controlnet(),
        vae=parts.vae(),
        text_encoder=parts.text_encoder(tokenizer),
        tokenizer=tokenizer,
        scheduler=parts.scheduler(),
        device=runtime.device,
        dtype=runtime.dtype,
        digests=dict(found.digests),
    )


def check_taps(unet: UNet2DConditionModel, taps: TapPoints, path: Path) -> None:
    """Raise where the UNet lacks a module that the method takes hold of.

    Raises:
        WeightsError: Names the module and the settings file.
    """
    wanted: list[tuple[str, type[nn.Module]]] = [
        *((name, Attention) for name in (*taps.self_attention, *taps.cross_attention)),
        (taps.features, nn.Conv2d),
    ]
    for name, kind in wanted:
        try:
            module = unet.get_submodule(name)
        except AttributeError as error:
            msg = f"{path} describes a UNet without {name}, which the method takes hold of"
            raise WeightsError(msg, remedy=REMEDY) from error
        if not isinstance(module, kind):
            msg = f"{path} describes a UNet whose {name} is no {kind.__name__}"
            raise WeightsError(msg, remedy=REMEDY)


def _place(name_or_dir: str, known: Container[str], place: WeightsPlace | None) -> WeightsPlace:
    """Return where to look: the folder that was given instead of a known name, or `place`."""
    place = place or WeightsPlace()
    return place if name_or_dir in known else replace(place, folder=Path(name_or_dir))


def _refuse_pins(files: Mapping[str, str]) -> None:
    if files:
        msg = f"{min(files)} is promised, and random weights are made without files"
        raise WeightsError(msg, remedy="Leave the digests out, or name a real model.")


def _warn_of_random_weights() -> None:
    logger.warning("the weights are RANDOM: pictures made with them MEAN NOTHING")
