"""What stands in a run's archive of predictions beside them; nothing of the file's bytes."""

from datetime import datetime

from pydantic import Field

from harness.records.base import Record, canonical_json, sha256_hex
from harness.records.manifest import SHA256_PATTERN
from harness.records.submission import SubmissionManifest


class ArchiveHeader(Record):
    """What the predictions of an archive are: the run's id and what it is keyed by."""

    schema_version: int = Field(default=1, ge=1, le=1)
    """The version of this format."""
    run_id: str = Field(pattern=r"^[0-9a-f]{12}$")
    """The run's id, which it keeps over all its parts."""
    benchmark_digest: str = Field(pattern=SHA256_PATTERN)
    """The benchmark's identity; first part of the run's key."""
    image_digest: str
    """The content digest of the container image; second part of the key."""
    limits_digest: str = Field(pattern=SHA256_PATTERN)
    """The digest of its limits; third part of the key."""
    submission: SubmissionManifest
    """What the submission said of itself when the run was started."""
    forced: bool
    """Whether the same key had been run before and this one was asked for all the same."""
    again: bool
    """Whether the run was started with --again."""
    waived: tuple[str, ...] = ()
    """The walls that the engine was allowed to do without, by name in alphabetical order."""
    unexplained_kills: int = Field(default=0, ge=0)
    """How often containers of the key had ended by a SIGKILL that nobody explains, when the run
    was started: such a submission gets its benefit of the doubt once (see `blame`)."""

    def key(self) -> tuple[str, str, str]:
        """Return what the run is keyed by, as `RunRecord.key`."""
        return (self.benchmark_digest, self.image_digest, self.limits_digest)


class PartStart(Record):
    """A process of the harness took the run up."""

    started_at: datetime
    """When, UTC."""


class PartEnd(Record):
    """The process that had taken the run up ended, or was found to have."""

    ended_at: datetime | None
    """When, UTC; None where it was killed, so that nobody knows."""
    seconds: float = Field(ge=0)
    """How long the part took; of one that was killed, up to its last prediction."""
    ending: str
    """How it ended, in a few words."""
    unexplained_kill: bool = False
    """Whether it ended because a container was ended by a SIGKILL that nobody explains."""


def key_digest(key: tuple[str, str, str]) -> str:
    """Return the digest under which the unfinished run of a key is found, 32 hexadecimal digits."""
    return sha256_hex(canonical_json(list(key)))[:32]
