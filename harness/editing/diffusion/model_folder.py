"""What a model's settings and file headers say, before anything of it is loaded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.checkpoints.tensor_file import count_numbers
from harness.editing.diffusion.model_files import (
    FileSet,
    collect,
    controlnet_files,
    pipeline_files,
)
from harness.editing.diffusion.profile import STABLE_DIFFUSION_TAPS, ModelProfile
from harness.editing.diffusion.profiles import DEFAULT_SIDE, InpaintingProfile
from harness.errors import WeightsError
from harness.records.diffusion import Precision

CELL = 8
"""Pixels a latent cell, on a side, in every autoencoder of Stable Diffusion 1 and 2."""
KINDS = {
    "unet/config.json": "UNet2DConditionModel",
    "vae/config.json": "AutoencoderKL",
    "controlnet/config.json": "ControlNetModel",
}
"""The class that the settings of a part must name."""
TEXT_ENCODERS = ("clip_text_model", "clip")
REMEDY = "Give the folder of a Stable Diffusion 1 or 2 model, whole, in diffusers layout."


def read_settings(paths: Mapping[str, Path], name: str) -> dict[str, Any]:
    """Return the settings that stand in the file `name`.

    Raises:
        WeightsError: It is not readable or no JSON object.
    """
    try:
        settings = json.loads(paths[name].read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{paths[name]} can't be read as JSON: {error}"
        raise WeightsError(msg, remedy=REMEDY) from error
    if not isinstance(settings, dict):
        msg = f"{paths[name]} holds no JSON object"
        raise WeightsError(msg, remedy=REMEDY)
    return settings


def check_kinds(paths: Mapping[str, Path]) -> None:
    """Raise where a part is of another kind than its place says, or parts don't fit together.

    Raises:
        WeightsError: Names the file and what it says.
    """
    for name, kind in KINDS.items():
        if name in paths and (told := read_settings(paths, name).get("_class_name")) != kind:
            msg = f"{paths[name]} describes {told or 'nothing known'}, not {kind}"
            raise WeightsError(msg, remedy=REMEDY)
    text = read_settings(paths, "text_encoder/config.json")
    if (told := text.get("model_type")) not in TEXT_ENCODERS:
        msg = f"{paths['text_encoder/config.json']} describes {told!r}, not a CLIP text encoder"
        raise WeightsError(msg, remedy=REMEDY)
    width = text.get("hidden_size")
    for name in ("unet/config.json", "controlnet/config.json"):
        if name in paths:
            _check_width(paths[name], read_settings(paths, name), width)
    _check_autoencoder(paths)


def check_tokenizer(paths: Mapping[str, Path]) -> None:
    """Raise where the vocabulary or the merges are not those of a byte-pair tokenizer.

    Raises:
        WeightsError: Names the file and the first thing that is wrong with it.
    """
    vocabulary = read_settings(paths, "tokenizer/vocab.json")
    if sorted(map(str, vocabulary.values())) != sorted(map(str, range(len(vocabulary)))):
        msg = f"{paths['tokenizer/vocab.json']} does not number its tokens from 0"
        raise WeightsError(msg, remedy=REMEDY)
    merges = paths["tokenizer/merges.txt"]
    try:
        lines = merges.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        msg = f"{merges} can't be read as text: {error}"
        raise WeightsError(msg, remedy=REMEDY) from error
    for number, line in enumerate(lines, start=1):
        pair = line.split(" ")
        known = len(pair) == 2 and {*pair, "".join(pair)} <= vocabulary.keys()
        if line and not known and not line.startswith("#version"):
            msg = f"{merges}, line {number}: {line[:40]!r} merges no two tokens of the vocabulary"
            raise WeightsError(msg, remedy=REMEDY)


def check_whole(paths: Mapping[str, Path]) -> int:
    """Return how many numbers the weights hold, having seen that each file is whole.

    Raises:
        WeightsError: A file is cut short or no safetensors file.
    """
    return sum(count_numbers(path) for name, path in paths.items() if name.endswith(".safetensors"))


def folder_profile(folder: Path) -> ModelProfile:
    """Return a profile for the model in `folder`: nothing pinned, the layout of SD 1 and 2.

    Raises:
        WeightsError: It is no such model.
    """
    paths, parameters = _checked(folder, (pipeline_files("the model", ()),))
    return ModelProfile(
        name=folder.resolve().name,
        title=f"the model in {folder.name}",
        repositories=(),
        native_side=native_side(read_settings(paths, "unet/config.json")),
        taps=STABLE_DIFFUSION_TAPS,
        gpu_precision=Precision.BFLOAT16,  # of the two formats the one with float32's range
        parameters=parameters,
    )


def folder_inpainting_profile(folder: Path) -> InpaintingProfile:
    """Return a profile for the inpainting model and ControlNet in `folder`, nothing pinned.

    Raises:
        WeightsError: It is no such pair.
    """
    sets = (pipeline_files("the model", ()), controlnet_files("the ControlNet", ()))
    paths, parameters = _checked(folder, sets)
    return InpaintingProfile(
        name=folder.resolve().name,
        title=f"the inpainting model in {folder.name}",
        repositories=(),
        controlnet_repositories=(),
        native_side=native_side(read_settings(paths, "unet/config.json")),
        gpu_precision=Precision.BFLOAT16,
        parameters=parameters,
    )


def native_side(unet: Mapping[str, Any]) -> int:
    """Return the side in pixels that the model of these UNet settings was trained on.

    Stable Diffusion 1 and 2 were trained at 512 and 768 (sample_size 64 and 96). A smaller
    sample_size is a left-over - SD 1.4 was once published with 32 - or a toy's, and means 512, as
    it does to diffusers' own pipelines.
    """
    size = unet.get("sample_size")
    return max(DEFAULT_SIDE, size * CELL) if isinstance(size, int) else DEFAULT_SIDE


def _checked(folder: Path, sets: tuple[FileSet, ...]) -> tuple[dict[str, Path], int]:
    paths = {
        name: path
        for files in sets
        for name, path in collect(folder, files, prefix=files.prefix).items()
    }
    check_kinds(paths)
    return paths, check_whole(paths)


def _check_width(path: Path, settings: Mapping[str, Any], width: object) -> None:
    if (told := settings.get("cross_attention_dim")) != width:
        msg = (
            f"{path} takes text embeddings {told} wide, and text_encoder/config.json gives {width}"
        )
        raise WeightsError(msg, remedy=REMEDY)


def _check_autoencoder(paths: Mapping[str, Path]) -> None:
    settings = read_settings(paths, "vae/config.json")
    levels = settings.get("block_out_channels", ())
    if 2 ** (len(levels) - 1) != CELL:
        msg = f"{paths['vae/config.json']} has {len(levels)} levels, not the 4 of Stable Diffusion"
        raise WeightsError(msg, remedy=REMEDY)
    latent = settings.get("latent_channels", 4)
    out = read_settings(paths, "unet/config.json").get("out_channels", 4)
    if latent != out:
        msg = f"{paths['vae/config.json']} has {latent} latent channels, and the UNet has {out}"
        raise WeightsError(msg, remedy=REMEDY)
