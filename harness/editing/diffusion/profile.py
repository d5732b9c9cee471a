"""What the editor has to know of a family of models; nothing of files on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.diffusion import Precision


@dataclass(frozen=True, kw_only=True)
class TapPoints:
    """The modules of a UNet that the method reads or steers, by their dotted names."""

    self_attention: tuple[str, ...]
    """Self-attentions whose query and key become the source's, as in plug-and-play (CVPR 2023)."""
    features: str
    """The module whose output becomes the source's: a convolution before its shortcut is added."""
    cross_attention: tuple[str, ...]
    """Cross-attentions whose maps mask guidance looks at, in the order in which they run."""


@dataclass(frozen=True, kw_only=True)
class ModelProfile:
    """A family of models with one layout."""

    name: str
    """What recipes and --model call it."""
    title: str
    """What people call it."""
    repositories: tuple[str, ...]
    """Hub repositories that have held it, the first choice first; they come and go."""
    files: Mapping[str, str] = field(default_factory=dict)
    """sha256 by file of the folder; a file that is not named here is not checked by the profile."""
    native_side: int
    """The side in pixels of the square that it was trained on."""
    taps: TapPoints
    """Where the method takes hold."""
    gpu_precision: Precision
    """The number format that it is known to stand on a GPU."""
    parameters: int = 0
    """How many numbers its networks hold, for the memory they take; 0 where that isn't known."""


STABLE_DIFFUSION_TAPS = TapPoints(
    self_attention=(
        *(f"up_blocks.1.attentions.{i}.transformer_blocks.0.attn1" for i in (1, 2)),
        *(f"up_blocks.2.attentions.{i}.transformer_blocks.0.attn1" for i in (0, 1, 2)),
        *(f"up_blocks.3.attentions.{i}.transformer_blocks.0.attn1" for i in (0, 1, 2)),
    ),
    features="up_blocks.1.resnets.1.conv2",
    cross_attention=(
        "mid_block.attentions.0.transformer_blocks.0.attn2",
        *(f"up_blocks.1.attentions.{i}.transformer_blocks.0.attn2" for i in (0, 1, 2)),
    ),
)
"""Stable Diffusion 1 and 2 share the layout: `up_blocks.1` is the first with attention."""
