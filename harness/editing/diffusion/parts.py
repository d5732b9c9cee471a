"""Loads the parts of one model from files that were proven; nothing of where they come from."""

import importlib.util
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from safetensors import SafetensorError
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from harness.checkpoints.quiet import quiet_transformers
from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.model_folder import REMEDY, check_tokenizer, read_settings
from harness.editing.diffusion.random_weights import prepare
from harness.errors import WeightsError

FAULTS = (ValueError, RuntimeError, OSError, TypeError, KeyError, SafetensorError)
"""What diffusers and transformers raise of settings and weights that don't fit."""
HALF = ".fp16.safetensors"
MAX_TOLD = 300
"""Characters of another library's message that are passed on."""


class ModelParts:
    """The parts of one model, each loaded once, on the runtime's device in its format."""

    def __init__(self, paths: Mapping[str, Path], runtime: Runtime) -> None:
        """Keep where the files are.

        Args:
            paths: Proven files, by name.
            runtime: Where and how the networks compute.
        """
        self._paths = paths
        self._runtime = runtime

    def unet(self, *, in_channels: int) -> UNet2DConditionModel:
        """Return the UNet, which takes `in_channels`.

        Raises:
            WeightsError: Its files don't fit together, or it takes others.
        """
        unet: UNet2DConditionModel = self._network(UNet2DConditionModel, "unet")
        if (told := unet.config["in_channels"]) != in_channels:
            purpose = "an inpainting model's" if told == 9 else "a model of another purpose's"
            msg = (
                f"{self._paths['unet/config.json']} takes {told} channels, not {in_channels}: it "
                f"is {purpose}"
            )
            raise WeightsError(msg, remedy="Name a model made for this.")
        return unet

    def vae(self) -> AutoencoderKL:
        """Return the autoencoder.

        Raises:
            WeightsError: Its files don't fit together.
        """
        network: AutoencoderKL = self._network(AutoencoderKL, "vae")
        return network

    def controlnet(self) -> ControlNetModel:
        """Return the ControlNet.

        Raises:
            WeightsError: Its files don't fit together.
        """
        network: ControlNetModel = self._network(ControlNetModel, "controlnet")
        return network

    def text_encoder(self, tokenizer: CLIPTokenizer) -> CLIPTextModel:
        """Return the text encoder, which knows every token of `tokenizer`.

        Raises:
            WeightsError: Its files don't fit together, or the tokenizer has more tokens.
        """
        network: CLIPTextModel = self._loaded(
            CLIPTextModel,
            "text_encoder",
            dtype=self._runtime.dtype,
            # otherwise the names stand in a log and not in the exception
            ignore_mismatched_sizes=True,
        )
        known = network.config.vocab_size
        if len(tokenizer) > known:
            msg = (
                f"{self._paths['tokenizer/vocab.json']} has {len(tokenizer)} tokens, and the text "
                f"encoder knows {known}"
            )
            raise WeightsError(msg, remedy=REMEDY)
        return self._prepared(network)

    def tokenizer(self) -> CLIPTokenizer:
        """Return the tokenizer, which can tell the place of each token in the text.

        It is read from a copy that holds nothing but the proven files, as transformers would take
        a tokenizer.json beside them first.

        Raises:
            WeightsError: Its files can't be read as CLIP's.
        """
        check_tokenizer(self._paths)  # tokenizers raises plain Exception of such files
        vocabulary = "tokenizer/vocab.json"
        with tempfile.TemporaryDirectory() as folder:
            for name, path in self._paths.items():
                if name.startswith("tokenizer/"):
                    shutil.copyfile(path, Path(folder) / Path(name).name)
            try:
                tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(
                    folder, local_files_only=True
                )
                told = tokenizer("a", return_offsets_mapping=True)["offset_mapping"]
            except (*FAULTS, AttributeError, NotImplementedError) as error:
                raise self._misfit(vocabulary, error) from error
        if (0, 1) not in told or not 2 < tokenizer.model_max_length < 1000:
            msg = (
                f"{self._paths[vocabulary]} is no CLIP tokenizer: it does not tell "
                "where its tokens stand, or how many it takes"
            )
            raise WeightsError(msg, remedy=REMEDY)
        return tokenizer

    def scheduler(self) -> DDIMScheduler:
        """Return the model's noise schedule for DDIM, whatever sampler it was published with.

        Raises:
            WeightsError: Its settings make no schedule.
        """
        name = "scheduler/scheduler_config.json"
        settings = {
            # DDIM's defaults are those of models of pixels; latents are not to be clipped
            "clip_sample": False,
            "set_alpha_to_one": False,
            **read_settings(self._paths, name),
        }
        try:
            scheduler: DDIMScheduler = DDIMScheduler.from_config(settings)
        except (*FAULTS, NotImplementedError) as error:
            raise self._misfit(name, error) from error
        return scheduler

    def _network(self, kind: Any, part: str) -> Any:  # noqa: ANN401 - diffusers has no types
        options = {
            "torch_dtype": self._runtime.dtype,
            "low_cpu_mem_usage": importlib.util.find_spec("accelerate") is not None,
        }
        return self._prepared(self._loaded(kind, part, **options))

    def _loaded(self, kind: Any, part: str, **options: Any) -> Any:  # noqa: ANN401 - as above
        weights = next(name for name in self._paths if _is_weights(name, part))
        try:
            with quiet_transformers():
                network, told = kind.from_pretrained(
                    self._paths[f"{part}/config.json"].parent,
                    use_safetensors=True,
                    local_files_only=True,
                    variant="fp16" if weights.endswith(HALF) else None,
                    output_loading_info=True,
                    **options,
                )
        except FAULTS as error:
            raise self._misfit(weights, error) from error
        for fault in ("missing_keys", "mismatched_keys"):
            if names := sorted(map(str, told[fault])):
                lacks = "lacks" if fault == "missing_keys" else "has another shape of"
                msg = (
                    f"{self._paths[weights]} {lacks} {names[0]}"
                    f"{f' and {len(names) - 1} more' if names[1:] else ''}, which "
                    f"{part}/config.json describes"
                )
                raise WeightsError(msg, remedy=REMEDY)
        return network

    def _prepared(self, network: nn.Module) -> Any:  # noqa: ANN401 - the network it was given
        nn.Module.to(network, device=self._runtime.device)
        return prepare(network)

    def _misfit(self, name: str, error: BaseException) -> WeightsError:
        told = " ".join(str(error).split())[:MAX_TOLD]
        msg = f"{self._paths[name]} does not load: {told or type(error).__name__}"
        return WeightsError(msg, remedy=REMEDY)


def _is_weights(name: str, part: str) -> bool:
    return name.startswith(f"{part}/") and name.endswith(".safetensors")
