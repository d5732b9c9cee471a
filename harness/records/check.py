"""What `harness check` found; nothing of how it looked."""

from enum import StrEnum

from pydantic import Field, computed_field

from harness.records.advice import Advice
from harness.records.base import Record
from harness.records.run import RunOutcome, RunStatus


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """An evaluation would fail."""
    WARNING = "warning"
    """An evaluation would run, and its scores would probably be wrong."""


class CheckFinding(Record):
    """One thing that is wrong."""

    severity: Severity
    """How bad it is."""
    message: str
    """What is wrong and where to look, in a sentence."""


class CheckedImage(Record):
    """How the submission did on one image."""

    shape: str
    """Which of the three images, and its size."""
    classes: tuple[str, ...]
    """The benchmark's classes that were predicted, by name."""
    other_share: float = Field(ge=0, le=1)
    """Share of pixels predicted outside the benchmark's classes."""
    pixel_accuracy: float | None
    """Share of labelled pixels predicted right; None where no pixel is labelled."""
    majority_share: float | None
    """Share of labelled pixels of the most frequent class: what a constant would get right."""


class CheckReport(Record):
    """What `harness check` found."""

    submission: str
    """The submission's name."""
    benchmark: str
    """The benchmark whose sources were tried."""
    outcome: RunOutcome
    """How the container fared."""
    images: tuple[CheckedImage, ...]
    """The images that were answered."""
    findings: tuple[CheckFinding, ...]
    """What is wrong; empty where nothing is."""
    advice: Advice | None = None
    """What the failure means and what to try; None where it would not fail."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic prints the property as a field
    @property
    def ok(self) -> bool:
        """Whether an evaluation would run to its end."""
        return self.outcome.status is RunStatus.COMPLETED
