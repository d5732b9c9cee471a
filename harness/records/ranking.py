"""The ranking as commands print it and the site shows it; nothing of how it is computed.

mIoU is a ratio in 0-1; drops are percentage points (100 x the difference of two ratios).
None is "not defined".
"""

from datetime import datetime

from harness.records.attributes import Attribute
from harness.records.base import Record
from harness.records.manifest import BenchmarkHeader
from harness.records.run import FailureReason, RunRecord, RunStatus
from harness.records.submission import SubmissionManifest


class Interval(Record):
    """A 95 % interval from the paired bootstrap over sources."""

    low: float
    """The 2.5 % quantile."""
    high: float
    """The 97.5 % quantile."""


class ClassIou(Record):
    """Clean and edited IoU of one class."""

    class_name: str
    """The class."""
    clean_iou: float | None
    """IoU on the sources, ratio."""
    edited_iou: float | None
    """IoU on the edits, ratio; over all accepted edits."""


class ValueScore(Record):
    """How a submission fares on one value."""

    attribute: Attribute
    """The attribute."""
    value: str
    """The value."""
    sources: int
    """Number of sources with an accepted edit of this value."""
    clean_miou: float | None
    """mIoU on those sources, ratio; on the pixels that the noise filter left of their edits."""
    edited_miou: float | None
    """mIoU on their edits, ratio."""
    drop_pp: float | None
    """Clean minus edited, percentage points."""
    drop_interval: Interval | None
    """The drop's interval, percentage points."""
    relative_drop: float | None
    """Drop divided by clean, ratio."""


class AttributeScore(Record):
    """How a submission fares on one attribute: the means over its values."""

    attribute: Attribute
    """The attribute."""
    clean_miou: float | None
    """Mean of the values' clean mIoU, ratio."""
    edited_miou: float | None
    """Mean of the values' edited mIoU, ratio."""
    drop_pp: float | None
    """Mean of the values' drops, percentage points."""
    drop_interval: Interval | None
    """The drop's interval, percentage points."""
    rank: int | None
    """Rank among the qualified by this attribute's drop, 1 is the smallest drop."""
    values: tuple[ValueScore, ...]
    """The values in the recipe's order."""


class RankedSubmission(Record):
    """One row of a board."""

    submission: SubmissionManifest
    """What the submission says of itself."""
    run_id: str
    """The run that is scored: the completed one that was asked for last."""
    image_digest: str
    """The image that ran."""
    finished_at: datetime
    """When the run ended, UTC."""
    images_per_second: float | None
    """Predictions divided by the seconds after the ready line."""
    qualified: bool
    """Whether the clean mIoU reaches the benchmark's qualifying mIoU."""
    rank: int | None
    """By overall drop among the qualified, 1 is the smallest; ties share the smaller rank."""
    rank_interval: tuple[int, int] | None
    """The rank's 95 % interval over the bootstrap's resamples."""
    pareto: bool
    """Whether no qualified submission is at least as good in clean mIoU and overall drop and better
    in one of them; False where it is not qualified itself."""
    clean_miou: float | None
    """mIoU over all sources, ratio."""
    clean_interval: Interval | None
    """Its interval, ratio."""
    pixel_accuracy: float | None
    """Share of the sources' labelled pixels predicted right."""
    edited_miou: float | None
    """Mean over attributes of the mean over values of edited mIoU, ratio."""
    drop_pp: float | None
    """Overall drop: mean over attributes, percentage points."""
    drop_interval: Interval | None
    """The overall drop's interval, percentage points."""
    relative_drop: float | None
    """Overall drop divided by the clean mIoU, both as ratios."""
    attributes: tuple[AttributeScore, ...]
    """The attributes in the recipe's order."""
    classes: tuple[ClassIou, ...]
    """The classes that occur in the sources' labels."""


class FailedRun(Record):
    """A run that is shown and not ranked."""

    run_id: str
    """The run."""
    submission: SubmissionManifest
    """What the submission says of itself."""
    status: RunStatus
    """How it ended."""
    reason: FailureReason | None
    """Why the submission failed; None where it was not its fault."""
    sample_id: str | None
    """The sample that showed it."""
    detail: str
    """The reason in a sentence."""
    log_tail: str
    """The end of the log."""
    finished_at: datetime
    """When it ended, UTC."""


class Board(Record):
    """Everything a board shows."""

    benchmark: BenchmarkHeader
    """The benchmark, as in its benchmark.json."""
    sources: int
    """Number of sources."""
    edits: int
    """Number of accepted edits."""
    rejected: int
    """Number of rejected edits."""
    resamples: int
    """Number of bootstrap resamples behind the intervals; 0 where there are none."""
    seed: int
    """The bootstrap's seed."""
    ranked: tuple[RankedSubmission, ...]
    """Qualified submissions by rank; with `--by ATTRIBUTE`, by their rank in that attribute."""
    unranked: tuple[RankedSubmission, ...]
    """Completed submissions under the qualifying clean mIoU, best first."""
    failed: tuple[FailedRun, ...]
    """The latest run of each submission that has none completed, or must be run again as those
    lack counts under filtered labels."""


class EvaluationReport(Record):
    """What `harness evaluate` answers."""

    run: RunRecord
    """The run."""
    reused: bool
    """Whether the same key had been run before, so that nothing ran now."""
    scores: RankedSubmission | None
    """The run's row of the board, without intervals; None where the run did not complete."""
