"""What an attack is for the suite: what it tries, and how it must end; nothing of how it is run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.records.run import FailureReason, RunRecord, RunStatus
from harness.records.submission import ContainerLimits
from harness.store.counts import CountsTable

MIB = 2**20
COMPLETED = RunStatus.COMPLETED
LIMITS = ContainerLimits(
    memory_mb=64,
    cpus=1.0,
    pids=24,
    tmp_mb=8,
    shm_mb=4,
    startup_seconds=60,
    image_seconds=30,
    total_seconds=90,
    exit_seconds=20,
    max_in_flight=4,
    log_bytes=20_000,
    max_prediction_bytes=100_000,
)
"""Small walls and patient deadlines: on a loaded machine a slow start is no verdict."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one attack cost, at its worst moment."""

    seconds: float
    """From the start of the evaluation to its end."""
    harness_mib: float
    """By how much the harness's resident memory grew."""
    container_mib: float
    """The memory of the container, as its engine counts; 0 where it was gone too soon."""
    cpus: float
    """Processors that the container used in its busiest second; 0 where it was gone sooner."""
    disk_bytes: int
    """What the container's own layer took on the engine's disk."""
    workspace_bytes: int
    """By how much its folders grew: the database, and the run's record."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one attack ended."""

    record: RunRecord
    """The run as the store keeps it."""
    findings: Mapping[str, Any]
    """What the attack reported of itself; empty where it reported nothing."""
    measured: Measured
    """What it cost."""
    counts: CountsTable
    """What it scored: no row where it failed."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One small submission that attacks, and its verdict."""

    name: str
    """`topic.name`, unique; and `topic.function` of a module in attacks/, unless `plays` says."""
    tries: str
    """What it tries, in a few words for the table."""
    verdict: FailureReason | RunStatus = COMPLETED
    """How it must end."""
    limits: ContainerLimits = LIMITS
    """The walls it runs behind."""
    check: Callable[[Result], None] | None = None
    """Asserts what else must be so: for instance, that everything that it tried was refused."""
    log_ends: str | None = None
    """What the kept log must hold in its tail; None where it writes nothing."""
    dockerfile: str = ""
    """Lines of its own for its image, run as root: what a hostile author would build in."""
    environment: tuple[tuple[str, str], ...] = ()
    """What its image's environment says besides."""
    plays: str = ""
    """The `topic.function` that it plays, where that is not its name."""
    harness_mib: float = 96.0
    """The most by which the harness's memory may grow; the database alone takes half of it."""
    workers: int = 1
    """How many containers share its images."""
    evaluations: int = 1
    """How often it is evaluated; all but the last time it is interrupted, by nobody's fault."""


def walls(**changes: Any) -> ContainerLimits:
    """Return LIMITS with `changes`."""
    return ContainerLimits.model_validate(LIMITS.model_dump() | changes)


def all_refused(result: Result) -> None:
    """Assert that it tried something, and that nothing it tried was done."""
    done = {name: said for name, said in result.findings.items() if not said.startswith("refused")}
    assert result.findings, result.record.outcome
    assert not done, done


def all_forbidden(result: Result) -> None:
    """Assert that nothing it tried was wrong in itself: the kernel forbids it, or has no such."""
    allowed = {
        name: said
        for name, said in result.findings.items()
        if "PermissionError" not in said and "Function not implemented" not in said
    }
    assert result.findings, result.record.outcome
    assert not allowed, allowed
