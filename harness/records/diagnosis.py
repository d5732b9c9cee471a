"""What `harness doctor` says of a machine; nothing of how it is found out."""

from enum import StrEnum

from pydantic import computed_field

from harness.records.base import Record


class CheckStatus(StrEnum):
    """How one thing on this machine stands."""

    OK = "ok"
    """It is there and fit for use."""
    WARN = "warn"
    """Something works less well, or an optional thing is not there."""
    MISSING = "missing"
    """`harness evaluate` can't work without it."""


class MachineCheck(Record):
    """One thing that was looked at."""

    subject: str
    """What was looked at, in a word or two."""
    status: CheckStatus
    """How it stands."""
    found: str
    """What is there: versions, sizes, paths."""
    remedy: str | None = None
    """What to do; None where nothing is wrong."""


class Diagnosis(Record):
    """Everything `harness doctor` looked at."""

    schema_version: int = 1
    """The version of this format."""
    harness_version: str
    """The version of the harness."""
    checks: tuple[MachineCheck, ...]
    """What was looked at, in the order in which it is shown."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic prints the property as a field
    @property
    def fit_to_evaluate(self) -> bool:
        """Whether nothing that `harness evaluate` needs is missing."""
        return all(check.status is not CheckStatus.MISSING for check in self.checks)
