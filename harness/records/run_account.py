"""A run as commands and pages tell people of it; nothing of how it is found."""

import shlex
from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from harness.records.advice import Advice
from harness.records.attributes import Edit
from harness.records.base import Record
from harness.records.ranking import RankedSubmission
from harness.records.run import FailureReason, LimitSource, RunRecord, RunStatus

LIMIT_LABELS: Mapping[str, str] = {
    "memory_mb": "Memory",
    "cpus": "Processors",
    "pids": "Processes and threads",
    "shm_mb": "Shared memory",
    "tmp_mb": "Writable /tmp",
    "gpus": "GPUs",
    "runtime": "OCI runtime",
    "startup_seconds": "Until it is ready",
    "image_seconds": "Until the next prediction",
    "total_seconds": "Whole run",
    "exit_seconds": "Until it has exited",
    "max_in_flight": "Images sent ahead",
    "log_bytes": "Log that is kept",
    "max_prediction_bytes": "Largest prediction",
}
"""What each limit is called for people; every limit is there."""
OPTION_LIMITS = frozenset(
    {
        *("memory_mb", "cpus", "pids", "shm_mb", "tmp_mb", "gpus", "runtime"),
        *("startup_seconds", "image_seconds", "total_seconds"),
    }
)
"""The limits that commands take as an option of the same name."""
_UNITS = {"mb": "MiB", "seconds": "s", "bytes": "bytes"}


class LimitAccount(Record):
    """One limit of a run."""

    name: str
    """Its name, as in `[resources]` and the run's `limits`."""
    label: str
    """What it limits, in a word or three."""
    value: int | float | str | None
    """Its value; None where there is none."""
    unit: str
    """What `value` is counted in; empty where it is a plain number or a name."""
    source: LimitSource
    """Who set it."""

    @property
    def text(self) -> str:
        """The value with its unit, for people."""
        match self.value:
            case None:
                return "the engine's own"
            case str():
                return self.value
            case float():
                return f"{self.value:,g} {self.unit}".rstrip()
            case int():
                return f"{self.value:,} {self.unit}".rstrip()


class RunSummary(Record):
    """One run in a list."""

    run_id: str
    """The run."""
    submission: str
    """The submission's name."""
    benchmark: str
    """The benchmark's name."""
    benchmark_digest: str
    """The benchmark's identity."""
    status: RunStatus
    """How it ended."""
    reason: FailureReason | None
    """Why, where the submission failed."""
    sample_id: str | None
    """The sample that showed it, where one did."""
    predictions: int
    """Number of predictions accepted."""
    seconds: float
    """Seconds that its containers ran."""
    started_at: datetime
    """When it started, UTC."""
    finished_at: datetime
    """When it ended, UTC."""
    workers: int
    """Number of containers that shared the samples."""
    parts: int
    """Number of parts in which it ran: 1, and 1 more for each time it was cut off and resumed."""
    rescored_from: str | None
    """The run whose kept predictions were scored anew; None where it ran a container."""
    predictions_kept: bool
    """Whether its predictions were kept, so that it can be scored anew."""


class UnfinishedSummary(Record):
    """A run that was cut off, or is at work just now."""

    run_id: str
    """The run's id, which it keeps when it is resumed."""
    submission: str
    """The submission's name."""
    benchmark: str | None
    """The benchmark's name; None where no stored benchmark is the run's."""
    benchmark_digest: str
    """The benchmark's identity."""
    at_work: bool
    """Whether a harness works on it now."""
    predictions: int
    """Number of predictions that are kept."""
    parts: int
    """Number of parts in which it ran so far."""
    seconds: float
    """Seconds that the parts took together, as far as is known."""
    started_at: datetime | None
    """When it was started, UTC; None where that was not kept."""
    ending: str
    """How its last part ended, in a few words; empty where none has ended."""
    resumable: bool
    """Whether evaluating it again goes on with it: the submission is stateless, or only storing is
    left to be done."""
    forced: bool
    """Whether a completed run of the same key is there, so that it takes --again."""


class RunListing(Record):
    """What `harness runs` answers."""

    unfinished: tuple[UnfinishedSummary, ...]
    """The runs that were cut off or are at work, the one that was started last first."""
    stored: int
    """Number of stored runs that fit what was asked for."""
    runs: tuple[RunSummary, ...]
    """The newest of them, the one that ended last first; at most as many as were asked for."""


class ShownSample(Record):
    """The sample that showed a fault, for a person to look at."""

    id: str
    """Its opaque id."""
    source_name: str
    """The name of its source."""
    edit: Edit | None
    """What was edited; None for a source."""
    object_class: str | None
    """The class of the object that is edited; None where that is the whole image."""
    width: int
    """Its width in pixels."""
    height: int
    """Its height in pixels."""
    image: str | None
    """The path of its image; None where the benchmark does not lie here as it was evaluated."""
    source_image: str | None
    """The path of its source's image, likewise."""


class RunAccount(Record):
    """Everything that `harness runs show` tells of one run."""

    run: RunRecord
    """The run."""
    benchmark: str
    """The benchmark's name."""
    samples: int
    """Number of images that the whole benchmark has."""
    images_per_second: float | None
    """Predictions divided by the seconds after the ready line."""
    limits: tuple[LimitAccount, ...]
    """Its limits, each with who set it."""
    sample: ShownSample | None
    """The sample that showed the fault; None where none did, or it is not stored."""
    advice: Advice | None
    """What its end means and what to try; None where it completed."""
    folder: str | None
    """The path of its folder; None where it is not here."""


class RescoreReport(Record):
    """What `harness rescore` answers."""

    run: RunRecord
    """The run that counts now: a new one, or the same where nothing changed."""
    rescored_from: str
    """The run whose predictions were scored."""
    identical: bool
    """Whether every count is the stored one and the submission's manifest the same, so that nothing
    was written."""
    samples: int = Field(ge=0)
    """Number of predictions that were scored."""
    changed_samples: int = Field(ge=0)
    """Number of samples with another count than the stored one."""
    before: RankedSubmission | None
    """The former scores without intervals or rank; None where the former counts are not whole."""
    after: RankedSubmission
    """The scores now, without intervals or rank."""


def duration(seconds: float) -> str:
    """Return seconds as people read them: `12.3 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def commands_for(run: RunRecord, *, benchmark: str) -> tuple[str, ...]:
    """Return the commands that tell of a failed run of the benchmark, try it and run it again.

    Limits that the operator set go along as options, so that the walls are the same, and --again
    where a completed run of the same key would be shown in place of another one.
    """
    name = run.submission.name
    options = "".join(
        f" --{limit.name.replace('_', '-')} {shlex.quote(str(limit.value))}"
        for limit in limit_accounts(run)
        if limit.source is LimitSource.OPERATOR and limit.name in OPTION_LIMITS
    )
    if run.waived:
        options += f" --allow-unenforced {','.join(run.waived)}"
    again = " --again" if run.forced else ""
    return (
        f"harness runs show {run.run_id}",
        f"harness check {name} --benchmark {benchmark}{options}",
        f"harness evaluate {name} --benchmark {benchmark}{options}{again}",
    )


def limit_accounts(run: RunRecord) -> tuple[LimitAccount, ...]:
    """Return the limits of `run` with who set each."""
    return tuple(
        LimitAccount(
            name=name,
            label=LIMIT_LABELS[name],
            value=value,
            unit=_UNITS.get(name.rpartition("_")[2], "") if "_" in name else "",
            source=run.limit_sources.get(name, LimitSource.DEFAULT),
        )
        for name, value in run.limits
    )


def summary_of(run: RunRecord, *, benchmark: str) -> RunSummary:
    """Return `run`, of the benchmark of that name, as it stands in a list."""
    outcome = run.outcome
    return RunSummary(
        run_id=run.run_id,
        submission=run.submission.name,
        benchmark=benchmark,
        benchmark_digest=run.benchmark_digest,
        status=outcome.status,
        reason=outcome.reason,
        sample_id=outcome.sample_id,
        predictions=outcome.predictions,
        seconds=outcome.total_seconds,
        started_at=run.started_at,
        finished_at=run.finished_at,
        workers=run.workers,
        parts=max(1, len(run.parts)),
        rescored_from=run.rescored_from,
        predictions_kept=run.predictions_kept,
    )
