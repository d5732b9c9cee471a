"""What a submission did wrong, as a value; nothing of how it was found."""

from dataclasses import dataclass

from harness.records.run import FailureReason


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of a submission; the first one ends its run."""

    reason: FailureReason
    """The reason from the closed list."""
    detail: str
    """The reason in a sentence for a person."""
    sample_id: str | None = None
    """The sample that showed it, where one did."""
