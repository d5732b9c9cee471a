"""A loaded model: its networks, its tokenizer and where they compute."""

from dataclasses import dataclass, field

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from transformers import CLIPTextModel, CLIPTokenizer

from harness.editing.diffusion.profile import ModelProfile


@dataclass(frozen=True, kw_only=True)
class DiffusionModel:
    """The parts of a latent diffusion model, in evaluation mode and without gradients."""

    profile: ModelProfile
    """Which family it is of."""
    unet: UNet2DConditionModel
    """Predicts noise; on `device` in `dtype`."""
    vae: AutoencoderKL
    """The autoencoder; on `device` in `dtype`."""
    text_encoder: CLIPTextModel
    """Embeds prompts; on `device` in `dtype`."""
    tokenizer: CLIPTokenizer
    """Cuts prompts into tokens, with their places in the text."""
    scheduler: DDIMScheduler
    """Holds the noise schedule; not stepped."""
    device: torch.device
    """Where the networks are."""
    dtype: torch.dtype
    """The number format of the networks."""
    digests: dict[str, str] = field(default_factory=dict)
    """sha256 by file of what was loaded; empty for weights that were made on the spot."""
    meaningless: bool = False
    """Whether the weights are random, so that pictures mean nothing."""
