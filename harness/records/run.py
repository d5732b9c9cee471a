"""How an evaluation ended and what it is keyed by; nothing of how it ran."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from harness.records.base import Record
from harness.records.manifest import SHA256_PATTERN
from harness.records.submission import ContainerLimits, SubmissionManifest

LOG_TAIL_CHARACTERS = 2000
"""How much of a failed run's log is shown."""


class RunStatus(StrEnum):
    """How a run ended (DESIGN.md, Isolation)."""

    COMPLETED = "completed"
    """Every sample was predicted; ranked."""
    SUBMISSION_FAILED = "submission_failed"
    """The submission's fault; stored, shown, never ranked, never retried silently."""
    HARNESS_FAILED = "harness_failed"
    """Ours; never scored, safe to run again."""


class FailureReason(StrEnum):
    """The closed list of what a submission can do wrong."""

    NOT_READY = "not-ready"
    """No ready line before the start-up deadline."""
    BAD_READY_LINE = "bad-ready-line"
    """The first line was no ready line of protocol 1."""
    IMAGE_TIMEOUT = "image-timeout"
    """A prediction was owed for longer than the deadline."""
    TOTAL_TIMEOUT = "total-timeout"
    """The run took longer than its deadline."""
    OUT_OF_MEMORY = "out-of-memory"
    """The kernel ended it for its memory limit."""
    EXITED_EARLY = "exited-early"
    """It exited before every sample was answered."""
    KILLED = "killed"
    """A signal ended it before every sample was answered."""
    EXIT_CODE = "exit-code"
    """It answered everything and then exited with another code than 0."""
    BAD_HEADER = "bad-header"
    """An answer's header line was no JSON object of the protocol."""
    UNKNOWN_SAMPLE = "unknown-sample"
    """An answer named a sample that is not owed."""
    PREDICTION_TOO_LARGE = "prediction-too-large"
    """An answer announced more bytes than allowed."""
    BAD_PREDICTION = "bad-prediction"
    """An answer is no one-channel 8- or 16-bit PNG."""
    WRONG_SIZE = "wrong-size"
    """A prediction is not of its image's size."""
    EXTRA_OUTPUT = "extra-output"
    """It wrote on after the last answer."""
    NO_LOSSES = "no-losses"
    """It was asked for class losses, which its ready line does not offer."""
    DID_NOT_START = "did-not-start"
    """The engine could not start the image's command."""
    DID_NOT_EXIT = "did-not-exit"
    """It answered everything and then did not exit after the end of its input."""


class LimitSource(StrEnum):
    """Who set a limit."""

    DEFAULT = "default"
    """Nobody: it is the harness's default."""
    SUBMISSION = "submission"
    """The submission asked for it under `[resources]`."""
    OPERATOR = "operator"
    """Whoever runs the harness, by an option or the operator's file."""


class RunPart(Record):
    """What one process of the harness contributed to a run that was cut off and resumed."""

    started_at: datetime
    """When it started, UTC."""
    ended_at: datetime | None
    """When it ended, UTC; None where it was killed, so that nobody knows."""
    predictions: int = Field(ge=0)
    """Number of predictions that it contributed."""
    ending: str
    """How it ended, in a few words, as `stopped by Ctrl-C`."""


class StreamedSample(Record):
    """One image on its way to the container."""

    id: str
    """The opaque sample id."""
    png: bytes = Field(repr=False)
    """The PNG file's bytes."""
    loss_of: tuple[int, ...] = ()
    """The class ids of the submission's own label space whose loss is wanted in place of a
    prediction; empty in an evaluation."""


class RunOutcome(Record):
    """What the sandbox says of one container's life."""

    status: RunStatus
    """How it ended."""
    reason: FailureReason | None = None
    """Why, where the submission failed."""
    sample_id: str | None = None
    """The sample that showed it, where one did; of one that ended early, the longest owed one."""
    detail: str = ""
    """The reason in a sentence for a person."""
    log: str = ""
    """What is kept of the container's stderr (bounded, decoded with replacement)."""
    exit_code: int | None = None
    """The container's exit code, where it exited."""
    model_name: str | None = None
    """The free-form name in the ready line."""
    startup_seconds: float | None = None
    """Seconds from the start to the ready line."""
    total_seconds: float
    """Seconds from the start to the end."""
    predictions: int
    """Number of predictions accepted."""

    @property
    def log_tail(self) -> str:
        """The end of the log, as it is shown."""
        return self.log[-LOG_TAIL_CHARACTERS:]

    @property
    def images_per_second(self) -> float | None:
        """Predictions divided by the seconds after the ready line; None where there were none."""
        if self.startup_seconds is None or self.total_seconds <= self.startup_seconds:
            return None
        return self.predictions / (self.total_seconds - self.startup_seconds)


class RunRecord(Record):
    """One evaluation as the store keeps it."""

    run_id: str = Field(pattern=r"^[0-9a-f]{12}$")
    """The run's id, random."""
    benchmark_digest: str = Field(pattern=SHA256_PATTERN)
    """The benchmark's identity."""
    image_digest: str
    """The content digest of the container image."""
    submission: SubmissionManifest
    """What the submission says of itself."""
    limits: ContainerLimits
    """The walls it ran behind."""
    outcome: RunOutcome
    """How it ended."""
    engine: str
    """The container engine and runtime, with versions; of a run in parts, of the last one."""
    harness_version: str
    """The version of the harness."""
    started_at: datetime
    """When it started, UTC."""
    finished_at: datetime
    """When it ended, UTC."""
    forced: bool = False
    """Whether the same key had been run before and this one was asked for all the same."""
    limit_sources: dict[str, LimitSource] = Field(default_factory=dict)
    """Who set each limit, by its name; those left out are defaults."""
    waived: tuple[str, ...] = ()
    """The walls that the engine was allowed to do without (`--allow-unenforced`), by name in
    alphabetical order; whether it did, `engine` tells."""
    workers: int = Field(default=1, ge=1)
    """Number of containers that shared the samples; of a run in parts, in the last one."""
    parts: tuple[RunPart, ...] = ()
    """The parts of a run that was cut off and resumed, in order, the last one included; empty for
    one that was never cut off. A stateless submission's predictions don't depend on the cut."""
    rescored_from: str | None = None
    """The run whose kept predictions were scored anew, where this one ran no container."""
    predictions_kept: bool = False
    """Whether the run's folder keeps its predictions, so that it can be scored anew."""

    def key(self) -> tuple[str, str, str]:
        """Return what the run is keyed by: benchmark digest, image digest, limits digest."""
        return (self.benchmark_digest, self.image_digest, self.limits.content_digest())


class ClassCounts(Record):
    """Pixel counts of one class in one sample's prediction."""

    sample_id: str
    """The sample."""
    class_id: int
    """The benchmark's class id; -1 collects predictions outside the benchmark's classes."""
    tp: int = Field(ge=0)
    """True positive pixels."""
    fp: int = Field(ge=0)
    """False positive pixels."""
    fn: int = Field(ge=0)
    """False negative pixels."""
