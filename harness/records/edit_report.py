"""What `harness edit` did to one picture; nothing of how it is computed or drawn."""

from typing import Literal

from pydantic import Field

from harness.records.attributes import Edit
from harness.records.base import Record
from harness.records.editing import UNetPasses
from harness.records.manifest import SHA256_PATTERN, BuildEnvironment
from harness.records.recipe import EditorSpec


class PictureAccount(Record):
    """The picture that was edited."""

    file: str
    """The file's name."""
    sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of the file."""
    pixel_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of the RGB bytes, upright, row by row, after `{width}x{height}x3:`."""
    width: int = Field(gt=0)
    """Its width in pixels, upright."""
    height: int = Field(gt=0)
    """Its height in pixels, upright."""
    readings: tuple[str, ...]
    """What was done to read it as upright 8-bit RGB; empty where it is stored so."""


class MaskAccount(Record):
    """The mask of the object that was edited."""

    file: str
    """The file's name."""
    sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of the file."""
    object_fraction: float = Field(gt=0, lt=1)
    """The object's share of the picture's pixels."""


class LabelAccount(Record):
    """The label of the picture."""

    file: str | None
    """The file's name; None where the label was made of the mask."""
    sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    """The sha256 of the file; None where there is none."""
    label_space: str
    """The label space's name; `mask` where the label was made of the mask."""


class EditAccount(Record):
    """One edit: what was asked, what it cost and what came of it."""

    edit: Edit
    """The edit."""
    file: str
    """The edited picture's file, in the folder of the report."""
    pixel_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of its RGB bytes, as of the picture's."""
    label_file: str | None
    """The label's file of a geometry edit; None where the label is the picture's."""
    mask_file: str | None
    """The mask's file of a geometry edit; None where the mask is the picture's."""
    target_prompt: str
    """The caption of the edited picture."""
    phrase: str | None
    """The words of `target_prompt` that name the object; None where it has none."""
    seed: int = Field(ge=0)
    """The edit's own seed, derived from the report's seed and the edit."""
    amount: float | None
    """How much a geometry edit was asked to scale or move; None for the editor's own."""
    seconds: float = Field(ge=0)
    """Seconds it took; edits that are computed together share theirs evenly."""
    passes: UNetPasses | None
    """Images through the UNet, the inversion with the first edit; None without a UNet."""
    object_change: float = Field(ge=0, le=1)
    """Mean absolute RGB change inside the mask (the picture for global edits), 0-1."""
    background_psnr: float | None
    """PSNR in dB outside the mask; None where not one pixel differs, or for global edits."""
    visible_fraction: float | None
    """Share of a moved or scaled object's area inside the picture; None unless a geometry edit."""
    background_ssim: float | None = None
    """Mean SSIM outside the mask; None where not one pixel differs, or for global edits."""
    edge_agreement: float | None = None
    """Share of the picture's edge pixels on the object's outline that are edges of the edit, 0-1;
    None where the object moves or its outline is no edge."""


class EditingReport(Record):
    """What `harness edit` did; it also stands as edit.json beside the pictures."""

    schema_version: Literal[1] = 1
    """The version of this format."""
    picture: PictureAccount
    """The picture."""
    mask: MaskAccount
    """The mask."""
    label: LabelAccount
    """The label."""
    object_class: str
    """The object's class name."""
    caption: str
    """What the picture shows."""
    phrase: str | None
    """The words of `caption` that name the object; None where it has none."""
    seed: int = Field(ge=0)
    """The seed that was given."""
    editor: EditorSpec
    """The editor and its parameters."""
    environment: BuildEnvironment
    """What it ran on."""
    warnings: tuple[str, ...]
    """What has to be known before the pictures are used, in sentences."""
    edits: tuple[EditAccount, ...]
    """The edits, in the order in which they were asked for."""
    seconds: float = Field(ge=0)
    """Seconds that the edits took together, reading files and loading the model left out."""
    latents_file: str | None
    """The file of the final latents, as it was given; None where none was asked for."""
