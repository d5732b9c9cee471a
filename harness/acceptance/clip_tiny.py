"""A small random CLIP made on the spot, for tests and dry runs; it understands nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from harness.checkpoints.quiet import quiet_transformers
from harness.records.prompts import TINY

IMAGE_SIZE, PATCH_SIZE = 32, 8
"""Side of the image that it sees and of its patches, pixels."""
WIDTH, LAYERS, HEADS, EMBEDDING = 32, 2, 4, 24
MAX_TOKENS = 256
"""More than CLIP's 77: its tokens are single bytes."""
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"


@dataclass(frozen=True, kw_only=True)
class TinyClip:
    """A random CLIP."""

    model: CLIPModel
    """The model, on the CPU in float32."""
    tokenizer: CLIPTokenizer
    """Its tokenizer."""
    digests: Mapping[str, str]
    """The sha256 of its numbers, under `tiny`."""


def make_tiny_clip(*, seed: int = 0) -> TinyClip:
    """Return a small random CLIP, the same for the same seed; no global generator is touched."""
    tokenizer = _make_tokenizer()
    model = _make_model(tokenizer, torch.Generator().manual_seed(seed))
    return TinyClip(model=model, tokenizer=tokenizer, digests={TINY: _digest(model)})


def _make_tokenizer() -> CLIPTokenizer:
    """Return CLIP's tokenizer without merges: a token a byte, so that no text is unknown to it."""
    symbols = _byte_symbols()
    pieces = [*symbols, *(symbol + WORD_END for symbol in symbols), START, END]
    return CLIPTokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=[],
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=MAX_TOKENS,
    )


def _byte_symbols() -> list[str]:
    """Return the printable characters that CLIP's vocabulary writes for the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = 256 - len(printable)
    return [chr(code) for code in (*printable, *range(0x100, 0x100 + others))]


def _make_model(tokenizer: CLIPTokenizer, generator: torch.Generator) -> CLIPModel:
    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "projection_dim": EMBEDDING,
    }
    config = CLIPConfig(
        text_config={
            **tower,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": MAX_TOKENS,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={**tower, "image_size": IMAGE_SIZE, "patch_size": PATCH_SIZE},
        projection_dim=EMBEDDING,
    )
    with quiet_transformers(), torch.random.fork_rng(devices=[]):
        model = CLIPModel(config)  # its own initialization, drawn aside and overwritten
    with torch.no_grad():
        for module in model.modules():
            _fill(module, generator)
    return model.eval().requires_grad_(requires_grad=False)


def _fill(module: nn.Module, generator: torch.Generator) -> None:
    """Fill the module's own parameters so that signals keep their size on their way through."""
    if isinstance(module, nn.LayerNorm):
        module.weight.fill_(1)
        module.bias.zero_()
        return
    for name, parameter in module.named_parameters(recurse=False):
        weighs = name == "weight" and not isinstance(module, nn.Embedding)
        std = parameter[0].numel() ** -0.5 if weighs else 0.1
        parameter.normal_(std=std, generator=generator)


def _digest(model: CLIPModel) -> str:
    """Return the sha256 over the model's tensors, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}:{tuple(tensor.shape)}:{tensor.dtype}:".encode())
        digest.update(tensor.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()
