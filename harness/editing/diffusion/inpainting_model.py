"""A loaded inpainting model and its ControlNet; nothing of what is painted."""

from dataclasses import dataclass, field

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from transformers import CLIPTextModel, CLIPTokenizer

from harness.editing.diffusion.profiles import InpaintingProfile


@dataclass(frozen=True, kw_only=True)
class InpaintingModel:
    """The parts of StableDiffusionControlNetInpaintPipeline, evaluating and without gradients."""

    profile: InpaintingProfile
    """Which pair it is."""
    unet: UNet2DConditionModel
    """Predicts noise from latents, mask and masked latents (9 channels)."""
    controlnet: ControlNetModel
    """Steers the UNet by a coloured segmentation."""
    vae: AutoencoderKL
    """The autoencoder."""
    text_encoder: CLIPTextModel
    """Embeds prompts."""
    tokenizer: CLIPTokenizer
    """Cuts prompts into tokens."""
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
