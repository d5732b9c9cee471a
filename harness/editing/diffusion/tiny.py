"""Models made on the spot from random numbers, for tests, dry runs and timings."""

import torch

from harness.editing.diffusion.compiling import compile_blocks
from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.diffusion.layouts import (
    STABLE_DIFFUSION_1,
    STABLE_DIFFUSION_2_BASE,
    TINY,
    TINY_INPAINTING,
    Layout,
)
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.profile import ModelProfile
from harness.editing.diffusion.profiles import SD_1_5, SD_2_1_BASE
from harness.editing.diffusion.profiles import TINY as TINY_PROFILE
from harness.editing.diffusion.profiles import TINY_INPAINTING as TINY_INPAINTING_PROFILE
from harness.editing.diffusion.random_weights import NetworkMaker, make_scheduler
from harness.editing.diffusion.tiny_tokenizer import make_tokenizer
from harness.errors import WeightsError

_FULL_SIZE = {SD_2_1_BASE.name: STABLE_DIFFUSION_2_BASE, SD_1_5.name: STABLE_DIFFUSION_1}


def make_tiny_model(runtime: Runtime, *, seed: int = 0) -> DiffusionModel:
    """Return a model with Stable Diffusion 2's blocks, narrow channels and random weights.

    The numbers are drawn on the CPU, so that every device gets the same.
    """
    generator = torch.Generator().manual_seed(seed)
    return _make_model(TINY, TINY_PROFILE, runtime, generator)


def random_full_size_model(
    profile: ModelProfile, runtime: Runtime, *, seed: int = 0
) -> DiffusionModel:
    """Return a model of the full size of `profile` with random weights, drawn on the device.

    Speed and memory don't depend on the values of weights, so it stands in for the real one where
    only these are measured.

    Raises:
        WeightsError: The size of `profile` is not known.
    """
    if (layout := _FULL_SIZE.get(profile.name)) is None:
        msg = f"the settings of {profile.name} are not known, so it can't be made at its size"
        raise WeightsError(msg, remedy=f"Use one of {', '.join(_FULL_SIZE)}.")
    generator = torch.Generator(runtime.device).manual_seed(seed)
    return _make_model(layout, profile, runtime, generator)


def make_tiny_inpainting(runtime: Runtime, *, seed: int = 0) -> InpaintingModel:
    """Return a small random inpainting model with its ControlNet."""
    generator = torch.Generator().manual_seed(seed)
    maker = NetworkMaker(TINY_INPAINTING, runtime, generator)
    tokenizer = make_tokenizer()
    return InpaintingModel(
        profile=TINY_INPAINTING_PROFILE,
        unet=maker.unet(),
        controlnet=maker.controlnet(),
        vae=maker.vae(),
        text_encoder=maker.text_encoder(tokenizer),
        tokenizer=tokenizer,
        scheduler=make_scheduler(),
        device=runtime.device,
        dtype=runtime.dtype,
        meaningless=True,
    )


def _make_model(
    layout: Layout, profile: ModelProfile, runtime: Runtime, generator: torch.Generator
) -> DiffusionModel:
    maker = NetworkMaker(layout, runtime, generator)
    tokenizer = make_tokenizer()
    unet = maker.unet()
    if runtime.compile:
        compile_blocks(unet, profile.taps)
    return DiffusionModel(
        profile=profile,
        unet=unet,
        vae=maker.vae(),
        text_encoder=maker.text_encoder(tokenizer),
        tokenizer=tokenizer,
        scheduler=make_scheduler(),
        device=runtime.device,
        dtype=runtime.dtype,
        meaningless=True,
    )
