"""What a submission says of itself, and the limits it runs under; nothing of containers at work."""

from pydantic import Field

from harness.records.base import Record
from harness.records.manifest import SHA256_PATTERN
from harness.records.recipe import NAME_PATTERN

LEAST_CPUS = 0.01
"""The smallest share that the kernel can hand out: 1 ms of every 100 ms."""


class WeightFile(Record):
    """A file of weights, known by content."""

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    """The name under which the image finds it, in `weights/` of the build context."""
    sha256: str = Field(pattern=SHA256_PATTERN)
    """The digest of its bytes."""
    url: str | None = None
    """Where it can be downloaded."""


class ResourceRequest(Record):
    """What a submission asks for where the defaults don't do; None takes the default."""

    memory_mb: int | None = Field(default=None, gt=0)
    """Memory in MiB."""
    cpus: float | None = Field(default=None, ge=LEAST_CPUS)
    """Processors."""
    pids: int | None = Field(default=None, gt=0)
    """Processes and threads."""
    shm_mb: int | None = Field(default=None, gt=0)
    """Shared memory in MiB."""
    tmp_mb: int | None = Field(default=None, gt=0)
    """Size of /tmp in MiB."""
    gpus: int | None = Field(default=None, ge=0)
    """Number of GPUs."""
    startup_seconds: float | None = Field(default=None, gt=0)
    """Deadline for the ready line, in seconds."""
    image_seconds: float | None = Field(default=None, gt=0)
    """Deadline for one prediction, in seconds."""
    total_seconds: float | None = Field(default=None, gt=0)
    """Deadline for the whole run, in seconds."""


class SubmissionManifest(Record):
    """The closed content of a submission.toml."""

    schema_version: int = Field(default=1, ge=1, le=1)
    """The version of this format."""
    name: str = Field(pattern=NAME_PATTERN)
    """The submission's name, unique on a board."""
    title: str = Field(min_length=1, max_length=200)
    """The name people read."""
    authors: tuple[str, ...] = Field(min_length=1)
    """Who made the model."""
    description: str = ""
    """What the model is, in a sentence or two."""
    url: str | None = Field(default=None, pattern=r"^https?://")
    """Its home page."""
    paper: str | None = Field(default=None, pattern=r"^https?://")
    """Its paper."""
    backbone: str | None = None
    """Its backbone."""
    parameters: int | None = Field(default=None, ge=0)
    """Number of parameters."""
    training_data: str | None = None
    """What it was trained on."""
    label_space: str
    """The name of the label space it predicts in."""
    class_map: dict[str, str] = Field(default_factory=dict)
    """Predicted class name to the benchmark's class name, where the label spaces differ."""
    weights: tuple[WeightFile, ...] = ()
    """Weights that are not in the folder."""
    resources: ResourceRequest = ResourceRequest()
    """What it asks for."""
    stateless: bool = True
    """Whether an image's prediction depends on nothing but that image, so that a run may be resumed
    and shared among containers."""


class ContainerLimits(Record):
    """The walls around a submission's container; stored with the run (DESIGN.md, Isolation)."""

    memory_mb: int = Field(default=2048, gt=0)
    """Memory and memory+swap in MiB: no swap."""
    cpus: float = Field(default=2.0, ge=LEAST_CPUS)
    """Processors."""
    pids: int = Field(default=128, gt=0)
    """Processes and threads."""
    shm_mb: int = Field(default=64, gt=0)
    """Size of /dev/shm in MiB."""
    tmp_mb: int = Field(default=256, gt=0)
    """Size of the tmpfs at /tmp in MiB, the only writable place but /dev/shm."""
    gpus: int = Field(default=0, ge=0)
    """Number of GPUs."""
    runtime: str | None = None
    """The OCI runtime, as `runsc`; None for the engine's default."""
    startup_seconds: float = Field(default=120.0, gt=0)
    """Deadline for the ready line, in seconds from the start."""
    image_seconds: float = Field(default=60.0, gt=0)
    """Deadline for the next prediction while one is owed, in seconds."""
    total_seconds: float = Field(default=86400.0, gt=0)
    """Deadline for the whole run, in seconds; each part of a resumed run has all of it, because
    what earlier parts took may not be the submission's doing."""
    exit_seconds: float = Field(default=30.0, gt=0)
    """Deadline for its exit after the end of its input, in seconds."""
    max_in_flight: int = Field(default=16, ge=1, le=1024)
    """Samples sent and not yet answered."""
    log_bytes: int = Field(default=262144, ge=0)
    """How much of stderr is kept: the first and last halves."""
    max_prediction_bytes: int = Field(default=16 * 2**20, gt=0)
    """The largest prediction PNG in bytes."""


class ResourceCeilings(Record):
    """The most that a submission gets by asking; only an operator goes beyond."""

    memory_mb: int = Field(default=8192, gt=0)
    """Memory in MiB."""
    cpus: float = Field(default=8.0, ge=LEAST_CPUS)
    """Processors."""
    pids: int = Field(default=512, gt=0)
    """Processes and threads."""
    shm_mb: int = Field(default=1024, gt=0)
    """Shared memory in MiB."""
    tmp_mb: int = Field(default=2048, gt=0)
    """Size of /tmp in MiB."""
    gpus: int = Field(default=0, ge=0)
    """Number of GPUs."""
    startup_seconds: float = Field(default=600.0, gt=0)
    """Deadline for the ready line, in seconds."""
    image_seconds: float = Field(default=300.0, gt=0)
    """Deadline for one prediction, in seconds."""
    total_seconds: float = Field(default=604800.0, gt=0)
    """Deadline for the whole run, in seconds."""
