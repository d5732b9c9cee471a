"""Which parts of a UNet are compiled; nothing of what is done with it."""

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from harness.editing.diffusion.profile import TapPoints

COMPILED_KINDS = (ResnetBlock2D, FeedForward)
"""Where kernels are many and small; attention is one fused kernel already."""
SHAPES_A_BLOCK = 8
"""Batch sizes and canvases for which code is made before a block runs uncompiled."""


def compile_blocks(unet: UNet2DConditionModel, taps: TapPoints) -> tuple[str, ...]:
    """Return the names of the blocks of `unet` that compile themselves when they first run.

    Only blocks without a tap point are compiled: dynamo does not notice hooks and attention
    processors that are changed after it has compiled a module (its skip_nnmodule_hook_guards).
    """
    tapped = (*taps.self_attention, *taps.cross_attention, taps.features)
    names = tuple(
        name
        for name, module in unet.named_modules()
        if isinstance(module, COMPILED_KINDS) and not _holds(name, tapped)
    )
    # All blocks of a kind share one forward, and dynamo counts what it compiles by that.
    most = max(torch.compiler.config.recompile_limit, SHAPES_A_BLOCK * len(names))
    torch.compiler.config.recompile_limit = most
    for name in names:
        block: nn.Module = unet.get_submodule(name)
        block.compile(dynamic=True)
    return names


def _holds(name: str, taps: tuple[str, ...]) -> bool:
    return any(tap == name or tap.startswith(f"{name}.") for tap in taps)
