"""A random semantic-segmentation model, made on the spot; its losses mean nothing.

It has the layout and the code path of a real SegFormer, so a recipe can be tried out in seconds and
tests need no weights.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import (
    SegformerConfig,
    SegformerForSemanticSegmentation,
    SegformerImageProcessorPil,
)

_SEED = 0
_SIDE = 64
"""The square in pixels that images are brought to, as a SegFormer's processor does."""
_CONTRAST = 4000.0
"""How much steeper the last layer is than at random, so that classes are told apart at all."""


@dataclass(frozen=True, kw_only=True)
class TinySemanticModel:
    """The parts of a SegFormer."""

    network: SegformerForSemanticSegmentation
    """The network."""
    processor: SegformerImageProcessorPil
    """What brings an image to it."""
    digest: str
    """The sha256 of its numbers."""


def make_tiny_semantic_model(class_names: Sequence[str]) -> TinySemanticModel:
    """Return the same random SegFormer each time, whose classes are `class_names`."""
    config = SegformerConfig(
        num_encoder_blocks=4,
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        id2label=dict(enumerate(class_names)),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        network = SegformerForSemanticSegmentation(config)
    with torch.no_grad():
        network.decode_head.classifier.weight *= _CONTRAST
    processor = SegformerImageProcessorPil(size={"height": _SIDE, "width": _SIDE})
    return TinySemanticModel(
        network=network.eval(), processor=processor, digest=_digest(network.state_dict())
    )


def _digest(numbers: dict[str, torch.Tensor]) -> str:
    whole = hashlib.sha256()
    for name, tensor in sorted(numbers.items()):
        whole.update(name.encode() + b"\0" + tensor.contiguous().numpy().tobytes())
    return whole.hexdigest()
