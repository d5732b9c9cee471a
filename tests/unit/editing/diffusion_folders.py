"""Models in diffusers layout on disk, small and random, for tests that load them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.tiny_tokenizer import END, START, make_tokenizer

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"
PARTS = ("unet", "vae", "text_encoder")


def save_model(model: DiffusionModel | InpaintingModel, folder: Path) -> Path:
    """Write `model` as diffusers does, with the tokenizer in CLIP's old two files."""
    for part in PARTS:
        getattr(model, part).save_pretrained(folder / part)
    if isinstance(model, InpaintingModel):
        model.controlnet.save_pretrained(folder / "controlnet")
    model.scheduler.save_pretrained(folder / "scheduler")
    write_tokenizer(folder / "tokenizer")
    kinds = {"_class_name": "StableDiffusionPipeline"}
    (folder / "model_index.json").write_text(json.dumps(kinds), encoding="utf-8")
    return folder


def write_tokenizer(folder: Path) -> None:
    tokenizer = make_tokenizer()
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    vocabulary = json.dumps(tokenizer.get_vocab(), ensure_ascii=False)
    (folder / "vocab.json").write_text(vocabulary, encoding="utf-8")
    special = {"bos_token": START, "eos_token": END, "pad_token": "!", "unk_token": END}
    (folder / "special_tokens_map.json").write_text(json.dumps(special), encoding="utf-8")
    settings = {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def change_settings(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    settings = json.loads(path.read_text(encoding="utf-8"))
    change(settings)
    path.write_text(json.dumps(settings), encoding="utf-8")


def change_tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})
