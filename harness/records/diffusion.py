"""Everything that determines the pixels of a diffusion edit; nothing of how it is computed."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from harness.records.base import Record

FILE_DIGEST_PATTERN = r"^[0-9a-f]{64}$"


class Preset(StrEnum):
    """The two readings of the method; `harness.editing.diffusion.presets` says how they differ."""

    PUBLISHED = "published"
    """What the published code computes, its defects included (PRIS-CV/Pascal-EA at 49d7cdb)."""
    MATCHED = "matched"
    """The same method with every known defect corrected."""


class GeometryMethod(StrEnum):
    """How the hole that a moved or scaled object leaves is filled."""

    INPAINTING = "inpainting"
    """Stable-Diffusion inpainting under a segmentation ControlNet."""
    PROCEDURAL = "procedural"
    """Patch-based inpainting without a model."""


class Precision(StrEnum):
    """The number format in which the networks compute; latents are always float32."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class MaskGuidance(Record):
    """Cross-attention mask guidance: the object's words are made to look at the object."""

    steps: int = Field(default=15, ge=0)
    """The first sampling steps that are guided; 0 turns guidance off."""
    max_tries: int = Field(default=20, ge=1)
    """The most descents at one sampling step."""
    threshold: float = Field(default=0.2, ge=0)
    """The loss, before scaling, at which guidance is over."""
    loss_scale: float = Field(default=1.0, gt=0)
    """What the loss is multiplied by before its gradient is taken."""
    step_size: float = Field(default=0.05, gt=0)
    """`matched` only: RMS of one descent times `loss_scale`, in units of the latents."""


class DiffusionEditorSpec(Record):
    """The diffusion editor and its parameters."""

    kind: Literal["diffusion"] = "diffusion"
    """Names the editor."""
    preset: Preset = Preset.MATCHED
    """The reading of the method."""
    model: str = "sd-2.1-base"
    """The name of a model profile; `tiny` is small random weights, whose pictures mean nothing."""
    files: dict[str, str] = Field(default_factory=dict)
    """sha256 by file of the model's folder, as in `unet/config.json`; beside the profile's own."""
    steps: int = Field(default=50, ge=1, le=1000)
    """DDIM sampling steps."""
    inversion_steps: int | None = Field(default=None, ge=1, le=1000)
    """DDIM inversion steps; None is the preset's: 999 in `published`, `steps` in `matched`."""
    guidance_scale: float = Field(default=7.5, ge=0)
    """Classifier-free guidance: how far the prediction goes beyond the unconditional one."""
    attention_injection: float = Field(default=0.5, ge=0, le=1)
    """The share of the first sampling steps in which self-attention follows the source."""
    feature_injection: float = Field(default=0.8, ge=0, le=1)
    """The share of the first sampling steps in which the hidden features are the source's."""
    mask_guidance: MaskGuidance = MaskGuidance()
    """Cross-attention mask guidance."""
    precision: Precision | None = None
    """None is float32 on a CPU and the profile's own on a GPU."""
    deterministic: bool = False
    """Bit-equal results on one machine whatever is edited beside: each edit computed alone."""
    sources_per_batch: int = Field(default=1, ge=1, le=64)
    """Sources, by place among those that are taken, that a build edits together: company changes
    how sums are rounded, so it may not depend on who builds what."""
    geometry: GeometryMethod = GeometryMethod.INPAINTING
    """How the hole of a size or position edit is filled."""
    geometry_model: str = "sd-1.5-inpainting"
    """The profile of the inpainting model and its ControlNet; `tiny` as for `model`."""
    geometry_files: dict[str, str] = Field(default_factory=dict)
    """sha256 by file of the inpainting model's folder."""
