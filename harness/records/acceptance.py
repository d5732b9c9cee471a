"""Which edits are kept, what is looked at for it, and what was found; nothing of models' inside."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from harness.records.base import GrowingRecord, Record
from harness.records.prompts import ModelReference


class RejectionReason(StrEnum):
    """Why an edit was not accepted."""

    UNCHANGED = "unchanged"
    """The edit hardly changed what it should change."""
    BACKGROUND_CHANGED = "background-changed"
    """A local edit changed pixels outside the object."""
    OUT_OF_FRAME = "out-of-frame"
    """Too little of a moved or scaled object stayed inside the image."""
    OUTLINE_LOST = "outline-lost"
    """The object's outline is no edge of the edited image any more."""
    UNLIKE_SOURCE = "unlike-source"
    """CLIP finds the edited image too unlike its source."""
    UNLIKE_PROMPT = "unlike-prompt"
    """CLIP finds the edited image too unlike its target prompt."""
    WRONG_DIRECTION = "wrong-direction"
    """CLIP finds that the image did not change as the words did."""
    LABEL_VOIDED = "label-voided"
    """The noise filter took too much of the object's label."""


class ClipRule(ModelReference):
    """The CLIP filter, the published code's first; a bound of None rejects nothing.

    The published bounds (0.70, 0.15, 0.07) belong to pixels of 0-255 fed with statistics of 0-1;
    they don't transfer to CLIP fed rightly, as here.
    """

    model: str = Field(default="openai/clip-vit-large-patch14", min_length=1)
    """The CLIP model's name on the hub; `tiny` as for every model."""
    min_image_image: float | None = Field(default=None, ge=-1, le=1)
    """The least cosine between the embeddings of source and edit."""
    min_image_text: float | None = Field(default=None, ge=-1, le=1)
    """The least cosine between those of the edit and its target prompt."""
    min_directional: float | None = Field(default=None, ge=-1, le=1)
    """The least cosine between the change of the image's and the change of the text's."""


class NoiseModelKind(StrEnum):
    """Where the per-pixel losses of the noise filter come from."""

    SUBMISSION = "submission"
    """A segmentation submission that gives probabilities, in its container."""
    TRANSFORMERS = "transformers"
    """A semantic-segmentation model of transformers."""


class NoiseRule(ModelReference):
    """The per-pixel noise filter, the published code's second.

    A pixel of the object's mask is voided where its loss against its own class is greater on the
    edit than on the source, and greater than `margin` times that class's mean loss on sources.
    Where the object moved or changed its size, no pixel of the source is the one of the edit:
    there the second test decides alone.
    """

    kind: NoiseModelKind
    """Where the losses come from."""
    margin: float = Field(default=1.25, gt=0)
    """How many times its class's mean loss on sources a pixel's loss may be."""
    max_voided_fraction: float = Field(default=1.0, ge=0, le=1)
    """The greatest share of the object that may be voided before the edit is rejected."""
    class_map: dict[str, str] = Field(default_factory=dict)
    """The model's class by the label's class, where the names differ."""


class AcceptanceRule(GrowingRecord):
    """When an edit is kept; scores are stored for rejected edits too."""

    ADDED: ClassVar[frozenset[str]] = frozenset(
        {"min_background_ssim", "min_edge_agreement", "clip", "noise"}
    )

    min_object_change: float = Field(default=0.03, ge=0, le=1)
    """The least mean absolute RGB change inside the mask (the image for global edits), 0-1."""
    min_background_psnr: float | None = Field(default=None, ge=0)
    """The least PSNR in dB outside the mask of a local edit; None lets not one differ."""
    min_visible_fraction: float = Field(default=0.5, ge=0, le=1)
    """The least share of a moved or scaled object's area that stays inside the image."""
    min_background_ssim: float | None = Field(default=None, ge=-1, le=1)
    """The least mean SSIM outside the mask of a local edit; None does not look at it."""
    min_edge_agreement: float | None = Field(default=None, ge=0, le=1)
    """The least share of the object's visible outline that is an edge of the edit too; of edits
    that leave the object in its place. None does not look at it."""
    clip: ClipRule | None = None
    """The CLIP filter; None computes no CLIP score."""
    noise: NoiseRule | None = None
    """The per-pixel noise filter; None leaves labels as they are."""


class AcceptanceScores(GrowingRecord):
    """What the acceptance rule looked at; None where it does not apply."""

    ADDED: ClassVar[frozenset[str]] = frozenset(
        {
            "background_ssim",
            "edge_agreement",
            "clip_image_image",
            "clip_image_text",
            "clip_directional",
            "voided_fraction",
        }
    )

    object_change: float
    """Mean absolute RGB change inside the mask (the image for global edits), 0-1."""
    background_psnr: float | None
    """PSNR in dB outside the mask; None where not one pixel differs, or for global edits."""
    visible_fraction: float | None = None
    """Share of the transformed object's area inside the image; None unless a geometry edit."""
    background_ssim: float | None = None
    """Mean SSIM outside the mask; None where not one pixel differs, or for global edits."""
    edge_agreement: float | None = None
    """Share of the source's edge pixels on the object's outline that are edges of the edit, 0-1."""
    clip_image_image: float | None = None
    """Cosine between the CLIP embeddings of source and edit."""
    clip_image_text: float | None = None
    """Cosine between those of the edit and its target prompt."""
    clip_directional: float | None = None
    """Cosine between the change of the image's embedding and the change of the text's."""
    voided_fraction: float | None = None
    """Share of the object's pixels that the noise filter voided, 0-1."""


class AssessmentModels(Record):
    """The models that acceptance looked through; recorded, no part of a benchmark's identity."""

    clip: dict[str, str] = Field(default_factory=dict)
    """sha256 by file of the CLIP model; empty where there was none."""
    noise: dict[str, str] = Field(default_factory=dict)
    """The same of the noise filter's model, or its image's digest under `image`."""
