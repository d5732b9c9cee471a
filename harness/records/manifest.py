"""What a built benchmark holds, sample by sample; nothing of pixels."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field, computed_field

from harness.records.acceptance import (
    AcceptanceRule,
    AcceptanceScores,
    AssessmentModels,
    RejectionReason,
)
from harness.records.attributes import Edit, Scope
from harness.records.base import GrowingRecord, Record, canonical_json, sha256_hex
from harness.records.editing import DeviceEnvironment
from harness.records.label_space import LabelSpace

SHA256_PATTERN = r"^[0-9a-f]{64}$"
SAMPLE_ID_PATTERN = r"^[0-9a-f]{16}$"


class Sample(GrowingRecord):
    """One image to predict: a source, or an edit of one."""

    ADDED: ClassVar[frozenset[str]] = frozenset(
        {"filtered_label_sha256", "filtered_label_pixel_sha256", "filtered_label_signature"}
    )

    id: str = Field(pattern=SAMPLE_ID_PATTERN)
    """The opaque id, which is also the stem of its files."""
    source_id: str = Field(pattern=SAMPLE_ID_PATTERN)
    """The id of the source sample; a source names itself."""
    source_name: str
    """The name of the source image in its data set."""
    edit: Edit | None
    """The edit; None for a source."""
    object_class: str | None
    """The class name of the edited object; None where the source has none that qualifies."""
    caption: str
    """The caption of the source."""
    target_prompt: str | None
    """The caption of the edit; None for a source."""
    seed: int = Field(ge=0)
    """The seed of the edit, derived from the recipe's seed and the edit's identity."""
    width: int = Field(gt=0)
    """The image's width in pixels."""
    height: int = Field(gt=0)
    """The image's height in pixels."""
    accepted: bool
    """Whether the sample is scored."""
    rejection: RejectionReason | None = None
    """Why it is not; None where accepted."""
    scores: AcceptanceScores | None = None
    """What acceptance looked at; None for a source."""
    image_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of the image's PNG file."""
    pixel_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of the decoded RGB bytes, row by row, after `{width}x{height}x3:`."""
    label_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of the label's PNG file."""
    label_pixel_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of the decoded label bytes, row by row, after `{width}x{height}x1:`."""
    mask_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    """The sha256 of the object mask's PNG file; None where there is no object."""
    signature: str
    """Base64 of the 12x9 grid of mean colours (uint8 RGB, row by row), for the lock."""
    object_signature: str | None = None
    """The same of the object's box alone; None where the recipe's lock asks for none."""
    filtered_label_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    """The sha256 of the PNG of the label that is scored instead, with the pixels that the noise
    filter took set to the ignore id; None where it took none."""
    filtered_label_pixel_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    """The sha256 of that label's decoded bytes, see `label_pixel_sha256`."""
    filtered_label_signature: str | None = None
    """Where those pixels lie: base64 of the 12x9 grid over the object's box of their numbers by
    cell, as shares of the object (big-endian uint16 of 65535, row by row), for the lock."""

    @property
    def label_id(self) -> str:
        """The stem of the sample's label: its own where the object moved, else its source's."""
        moved = self.edit is not None and self.edit.scope is Scope.GEOMETRY
        return self.id if moved else self.source_id

    @property
    def judges_source(self) -> bool:
        """Whether its source is compared with it under this edit's filtered label.

        So both sides are judged on the same pixels. Never where the object moved: the pixels of one
        image are not those of the other.
        """
        stays = self.edit is not None and self.edit.scope is not Scope.GEOMETRY
        return stays and self.filtered_label_pixel_sha256 is not None

    def identity(self) -> dict[str, object]:
        """Return what belongs to the benchmark's identity: no file encodings, no floats."""
        left_out = {"image_sha256", "label_sha256", "mask_sha256", "scores"}
        left_out |= {"signature", "object_signature"}
        left_out |= {"filtered_label_sha256", "filtered_label_signature"}
        return self.model_dump(mode="json", exclude=left_out)


def manifest_digest(samples: tuple[Sample, ...]) -> str:
    """Return the benchmark's identity: the sha256 over its samples' identities, sorted by id."""
    ordered = sorted(samples, key=lambda sample: sample.id)
    return sha256_hex(canonical_json([sample.identity() for sample in ordered]))


class BuildEnvironment(GrowingRecord):
    """What the build ran on; recorded, no part of the identity."""

    ADDED: ClassVar[frozenset[str]] = frozenset({"assessment"})

    harness_version: str
    """The version of the harness."""
    python: str
    """The Python version."""
    platform: str
    """The operating system and processor."""
    packages: dict[str, str]
    """Versions of the packages that touch pixels, by distribution name."""
    device: DeviceEnvironment | None = None
    """What the editor's networks computed on; None where it has none."""
    assessment: AssessmentModels | None = None
    """The models that acceptance looked through; None where there were none."""


class BenchmarkHeader(GrowingRecord):
    """What stands in benchmark.json beside the manifest."""

    ADDED: ClassVar[frozenset[str]] = frozenset({"acceptance"})

    schema_version: int = 1
    """The version of this format."""
    name: str
    """The benchmark's name."""
    title: str
    """The name people read."""
    description: str
    """What the benchmark shows."""
    license: str
    """The licence of its images."""
    citation: str = ""
    """How its sources want to be cited; empty where they don't say."""
    publish_images: bool
    """Whether the site may show its images."""
    digest: str = Field(pattern=SHA256_PATTERN)
    """The benchmark's identity, `manifest_digest` of its samples."""
    recipe_digest: str = Field(pattern=SHA256_PATTERN)
    """The digest of the recipe it was built from."""
    qualifying_miou: float
    """The clean mIoU (ratio) a submission needs to be ranked."""
    label_space: LabelSpace
    """The label space of its labels."""
    edits: tuple[Edit, ...]
    """The recipe's edits, in the order in which they are shown."""
    environment: BuildEnvironment
    """What it was built on."""
    acceptance: AcceptanceRule | None = None
    """The rule its edits were judged by; None where it was built before that was recorded."""


class LockedSample(GrowingRecord):
    """One sample of a released build."""

    ADDED: ClassVar[frozenset[str]] = frozenset(
        {"filtered_label_pixel_sha256", "filtered_label_signature", "voided_fraction"}
    )

    id: str = Field(pattern=SAMPLE_ID_PATTERN)
    """The sample's id."""
    accepted: bool
    """Whether it is scored."""
    pixel_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of its decoded pixels."""
    label_pixel_sha256: str = Field(pattern=SHA256_PATTERN)
    """The sha256 of its decoded label."""
    signature: str
    """Its signature, see `Sample.signature`."""
    object_signature: str | None = None
    """Its object's, see `Sample.object_signature`."""
    filtered_label_pixel_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    """The sha256 of the filtered label's bytes; None where the noise filter took nothing."""
    filtered_label_signature: str | None = None
    """Its signature, see `Sample.filtered_label_signature`."""
    voided_fraction: float | None = None
    """Share of its object's pixels that the noise filter voided, 0-1."""


class Lock(Record):
    """The digests of a released build; it stands beside the recipe."""

    schema_version: int = 1
    """The version of this format."""
    benchmark: str
    """The benchmark's name."""
    digest: str = Field(pattern=SHA256_PATTERN)
    """The benchmark's identity."""
    recipe_digest: str = Field(pattern=SHA256_PATTERN)
    """The digest of the recipe it was built from."""
    samples: tuple[LockedSample, ...]
    """The samples, by id."""


class Verdict(StrEnum):
    """How a sample compares with what was promised."""

    IDENTICAL = "identical"
    """The same pixels."""
    EQUIVALENT = "equivalent"
    """Other hardware: not the same pixels, but within the recipe's bound."""
    DIFFERENT = "different"
    """Not the promised sample."""
    MISSING = "missing"
    """Promised, and not there."""
    EXTRA = "extra"
    """There, and not promised."""

    @property
    def agrees(self) -> bool:
        """Whether the sample is the promised one."""
        return self in {Verdict.IDENTICAL, Verdict.EQUIVALENT}


class SampleVerdict(Record):
    """The verdict on one sample or file."""

    subject: str
    """The sample's id, or the path of a file relative to the benchmark's folder."""
    verdict: Verdict
    """The verdict."""
    detail: str
    """What was compared and what differs, in a few words."""


class VerificationReport(Record):
    """What `harness verify` and a build against a lock found."""

    benchmark: str
    """The benchmark's name."""
    digest: str | None
    """The identity of what lies on disk; None where it can't be read."""
    locked: bool
    """Whether a lock was there to compare against."""
    samples: int
    """Number of samples looked at."""
    identical: int
    """Number of identical samples."""
    equivalent: int
    """Number of equivalent samples."""
    findings: tuple[SampleVerdict, ...]
    """Everything that is neither identical nor equivalent."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic prints the property as a field
    @property
    def ok(self) -> bool:
        """Whether nothing differs, is missing or is extra."""
        return not self.findings
