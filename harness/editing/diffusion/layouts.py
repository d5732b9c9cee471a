"""The settings that networks are built from, as the published models state them; no weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNET: Mapping[str, Any] = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
    "layers_per_block": 2,
}
_VAE: Mapping[str, Any] = {
    "sample_size": 512,
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
}
_CLIP_L: Mapping[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "hidden_act": "quick_gelu",
    "projection_dim": 768,
}
NOISE_SCHEDULE: Mapping[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "prediction_type": "epsilon",
}
"""The noise schedule of Stable Diffusion 1 and 2-base."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the networks of one model are built from, in the words of their classes."""

    unet: Mapping[str, Any]
    """For UNet2DConditionModel."""
    vae: Mapping[str, Any]
    """For AutoencoderKL."""
    text_encoder: Mapping[str, Any]
    """For CLIPTextConfig."""
    controlnet: Mapping[str, Any] | None = None
    """For ControlNetModel; None where the model has none."""


STABLE_DIFFUSION_2_BASE = Layout(
    unet={
        **_UNET,
        "attention_head_dim": (5, 10, 20, 20),
        "cross_attention_dim": 1024,
        "use_linear_projection": True,
    },
    vae=_VAE,
    text_encoder={
        "vocab_size": 49408,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 23,
        "num_attention_heads": 16,
        "hidden_act": "gelu",
        "projection_dim": 512,
    },
)
"""Settings of unet/, vae/ and text_encoder/config.json of stable-diffusion-2-1-base."""

STABLE_DIFFUSION_1 = Layout(
    unet={**_UNET, "attention_head_dim": 8, "cross_attention_dim": 768},
    vae=_VAE,
    text_encoder=_CLIP_L,
)
"""Settings of the same files of stable-diffusion-v1-5."""

STABLE_DIFFUSION_1_INPAINTING = Layout(
    unet={**STABLE_DIFFUSION_1.unet, "in_channels": 9},
    vae=_VAE,
    text_encoder=_CLIP_L,
    controlnet={
        key: value
        for key, value in STABLE_DIFFUSION_1.unet.items()
        if key not in ("sample_size", "up_block_types")
    },
)
"""Latents, masked latents and mask go in: 4 + 4 + 1 channels; the ControlNet sees 4."""

_TINY_UNET: Mapping[str, Any] = {
    **STABLE_DIFFUSION_2_BASE.unet,
    "sample_size": 32,
    "block_out_channels": (32, 64, 64, 64),
    "attention_head_dim": (2, 4, 4, 4),
    "cross_attention_dim": 32,
    "norm_num_groups": 8,
}
_TINY_VAE: Mapping[str, Any] = {
    **_VAE,
    "sample_size": 256,
    "block_out_channels": (16, 16, 32, 32),
    "layers_per_block": 1,
    "norm_num_groups": 8,
}
_TINY_TEXT: Mapping[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_act": "gelu",
    "projection_dim": 32,
}

TINY = Layout(unet=_TINY_UNET, vae=_TINY_VAE, text_encoder=_TINY_TEXT)
"""Stable Diffusion 2's blocks with narrow channels; the vocabulary's size is the tokenizer's."""

TINY_INPAINTING = Layout(
    unet={**_TINY_UNET, "in_channels": 9},
    vae=_TINY_VAE,
    text_encoder=_TINY_TEXT,
    controlnet={
        **{
            key: value
            for key, value in _TINY_UNET.items()
            if key not in ("sample_size", "up_block_types")
        },
        "conditioning_embedding_out_channels": (8, 8, 16, 16),
    },
)
"""The same beside a ControlNet."""
