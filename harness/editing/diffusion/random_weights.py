"""Networks with random weights, drawn from a generator of their own; nothing is learnt in them."""

from collections.abc import Callable
from typing import TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.layouts import NOISE_SCHEDULE, Layout

Network = TypeVar("Network", bound=nn.Module)


class NetworkMaker:
    """Makes the networks of one layout, one after the other from one generator.

    Modules are laid out without memory and filled afterwards, so the global generators are never
    touched and even 865 million numbers take no longer than the device needs to draw them.
    """

    def __init__(self, layout: Layout, runtime: Runtime, generator: torch.Generator) -> None:
        self._layout = layout
        self._runtime = runtime
        self._generator = generator

    def unet(self) -> UNet2DConditionModel:
        """Return the UNet, in channels_last on a GPU."""
        network: UNet2DConditionModel = self._filled(
            lambda: UNet2DConditionModel(**self._layout.unet)
        )
        return prepare(network)

    def vae(self) -> AutoencoderKL:
        """Return the autoencoder, in channels_last on a GPU."""
        network: AutoencoderKL = self._filled(lambda: AutoencoderKL(**self._layout.vae))
        return prepare(network)

    def controlnet(self) -> ControlNetModel:
        """Return the ControlNet, in channels_last on a GPU."""
        settings = self._layout.controlnet or {}
        network: ControlNetModel = self._filled(lambda: ControlNetModel(**settings))
        return prepare(network)

    def text_encoder(self, tokenizer: CLIPTokenizer) -> CLIPTextModel:
        """Return the text encoder, with room for the tokens of `tokenizer`."""
        settings = {"vocab_size": len(tokenizer), **self._layout.text_encoder}
        config = CLIPTextConfig(
            **settings,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            attn_implementation="sdpa",
        )
        network = prepare(self._filled(lambda: CLIPTextModel(config)))
        places = torch.arange(config.max_position_embeddings, device=self._runtime.device)
        network.embeddings.position_ids = places[None]
        return network

    def _filled(self, build: Callable[[], Network]) -> Network:
        with torch.device("meta"):
            network = build()
        network = network.to_empty(device=self._generator.device)
        with torch.no_grad():
            for module in network.modules():
                fill_module(module, self._generator)
        # nn.Module's own: diffusers' warns of layers to be kept in float32, and these have none
        nn.Module.to(network, device=self._runtime.device, dtype=self._runtime.dtype)
        return network


def fill_module(module: nn.Module, generator: torch.Generator) -> None:
    """Fill the module's own parameters so that signals keep their size on their way through.

    Torch's own bounds give a third of that variance: after the ten layers before a ControlNet
    joins the UNet, nothing of its picture would be left.
    """
    if isinstance(module, nn.GroupNorm | nn.LayerNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
        return
    if isinstance(module, nn.Embedding):
        module.weight.normal_(std=0.02, generator=generator)
        return
    own = dict(module.named_parameters(recurse=False))
    if "weight" not in own:
        for parameter in own.values():
            parameter.normal_(std=0.02, generator=generator)
        return
    bound = (3 / own["weight"][0].numel()) ** 0.5  # uniform of variance 1 / fan-in
    for parameter in own.values():
        parameter.uniform_(-bound, bound, generator=generator)


def prepare(network: Network) -> Network:
    """Return `network` evaluating, without gradients, its images channels_last on a GPU."""
    network.requires_grad_(requires_grad=False)
    network.eval()
    parameters = list(network.parameters())
    if parameters[0].device.type == "cuda" and any(p.dim() == 4 for p in parameters):
        nn.Module.to(network, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return network


def make_scheduler() -> DDIMScheduler:
    """Return the noise schedule of Stable Diffusion 1 and 2-base."""
    scheduler: DDIMScheduler = DDIMScheduler(**NOISE_SCHEDULE)
    return scheduler
