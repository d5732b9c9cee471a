"""How the two presets differ, all in this place; docs/diffusion-editing.md has the same table."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from harness.records.diffusion import DiffusionEditorSpec, Preset


class CanvasRule(StrEnum):
    """The size at which an image is edited."""

    SQUARE = "square"
    """Squeezed into the model's native square."""
    ASPECT = "aspect"
    """Aspect kept, whole image kept, multiples of 8, up to the native area."""


class SourceBranch(StrEnum):
    """Where injected features come from."""

    RUN_AGAIN = "run-again"
    """A third branch of every sampling step: the source's latents under the empty text."""
    RECORDED = "recorded"
    """The inversion's own pass at that timestep, under the caption."""


class LatentMask(StrEnum):
    """Which latent cells belong to the object."""

    LANCZOS_HALF = "lanczos-half"
    """The mask resized by Lanczos, at least one half."""
    ANY_OVERLAP = "any-overlap"
    """Every cell that holds a pixel of the object."""


class BlendLatent(StrEnum):
    """Which source latents stand outside the object after a step from t to the next timestep."""

    ENTERED = "entered"
    """Those of t, a step noisier than the latents beside them."""
    REACHED = "reached"
    """Those of the timestep that was reached."""


class TokenPlaces(StrEnum):
    """How the phrase's tokens are found in the target prompt."""

    WORDS = "words"
    """By counting words, as if each were one token."""
    OFFSETS = "offsets"
    """By the tokenizer's own offsets."""


class MapMask(StrEnum):
    """How the mask comes to the size of a cross-attention map."""

    CHAINED = "chained"
    """From the size before it, by nearest neighbour: small maps coarsen all that follow."""
    DIRECT = "direct"
    """Always from the full mask: cells that hold a pixel of the object."""


class Descent(StrEnum):
    """How the latents answer the loss."""

    SQUARED = "squared"
    """latents - gradient**2: the sign is lost."""
    NORMALIZED = "normalized"
    """latents - step_size * loss_scale * gradient / RMS(gradient)."""


class Rounding(StrEnum):
    """How decoded pixels become 8-bit levels."""

    TRUNCATED = "truncated"
    NEAREST = "nearest"


class Paste(StrEnum):
    """What of the source comes back in pixels after a local edit."""

    NOTHING = "nothing"
    """The whole image went through the autoencoder."""
    OUTSIDE = "outside"
    """Every pixel outside the object, bit by bit, with a seam feathered inwards."""


@dataclass(frozen=True, kw_only=True)
class PresetRules:
    """One reading of the method."""

    inversion_steps: int | None
    """DDIM inversion steps where the user names none; None is as many as sampling steps."""
    canvas: CanvasRule
    """The size at which an image is edited."""
    source_branch: SourceBranch
    """Where injected features come from."""
    latent_mask: LatentMask
    """Which latent cells belong to the object."""
    blend_latent: BlendLatent
    """Which source latents stand outside the object."""
    token_places: TokenPlaces
    """How the phrase's tokens are found."""
    map_mask: MapMask
    """How the mask comes to the size of a map."""
    descent: Descent
    """How the latents answer the loss."""
    rounding: Rounding
    """How decoded pixels become levels."""
    paste: Paste
    """What of the source comes back in pixels."""


PUBLISHED = PresetRules(
    inversion_steps=999,
    canvas=CanvasRule.SQUARE,
    source_branch=SourceBranch.RUN_AGAIN,
    latent_mask=LatentMask.LANCZOS_HALF,
    blend_latent=BlendLatent.ENTERED,
    token_places=TokenPlaces.WORDS,
    map_mask=MapMask.CHAINED,
    descent=Descent.SQUARED,
    rounding=Rounding.TRUNCATED,
    paste=Paste.NOTHING,
)
"""The published code: PRIS-CV/Pascal-EA at 49d7cdb."""

MATCHED = PresetRules(
    inversion_steps=None,
    canvas=CanvasRule.ASPECT,
    source_branch=SourceBranch.RECORDED,
    latent_mask=LatentMask.ANY_OVERLAP,
    blend_latent=BlendLatent.REACHED,
    token_places=TokenPlaces.OFFSETS,
    map_mask=MapMask.DIRECT,
    descent=Descent.NORMALIZED,
    rounding=Rounding.NEAREST,
    paste=Paste.OUTSIDE,
)
"""The method with its defects corrected."""


def rules_of(preset: Preset) -> PresetRules:
    """Return the rules of `preset`."""
    match preset:
        case Preset.PUBLISHED:
            return PUBLISHED
        case Preset.MATCHED:
            return MATCHED
        case _:
            assert_never(preset)


def inversion_steps_of(spec: DiffusionEditorSpec) -> int:
    """Return the DDIM inversion steps of `spec`: its own, else its preset's, else its steps."""
    return spec.inversion_steps or rules_of(spec.preset).inversion_steps or spec.steps
