"""What is evaluated, where and how; nothing of doing it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.records.manifest import BenchmarkHeader
from harness.records.run import LimitSource
from harness.records.submission import ContainerLimits, SubmissionManifest

STORING_PATIENCE_SECONDS = 300.0
"""How long scores wait for another process to leave the database: they cost too much."""


@dataclass(frozen=True, kw_only=True)
class EvaluationTarget:
    """What is evaluated."""

    manifest: SubmissionManifest
    """What the submission says of itself."""
    image_digest: str
    """The content digest of its image."""
    limits: ContainerLimits
    """The walls it runs behind."""
    limit_sources: Mapping[str, LimitSource] = field(default_factory=dict)
    """Who set each limit; those left out are defaults."""

    def key_on(self, benchmark: BenchmarkHeader) -> tuple[str, str, str]:
        """Return what a run on `benchmark` is keyed by, as `RunRecord.key`."""
        return (benchmark.digest, self.image_digest, self.limits.content_digest())


@dataclass(frozen=True, kw_only=True)
class EvaluationPlaces:
    """Where an evaluation reads and writes."""

    benchmark: BenchmarkFolder
    """The built benchmark."""
    database: Path
    """The results database."""
    runs: Path
    """The folder of the runs' records."""


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How an evaluation goes about it."""

    again: bool = False
    """Whether another run is wanted of what has been run before."""
    fresh: bool = False
    """Whether what an unfinished run has predicted is thrown away."""
    keep_predictions: bool = True
    """Whether the run's folder keeps the predictions, so that they can be scored anew."""
    waived: tuple[str, ...] = ()
    """The walls that the engine may do without, by name."""
    workers: int = 1
    """Number of containers among which the runner shares the samples, for the record."""
