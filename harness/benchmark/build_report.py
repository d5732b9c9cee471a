"""What a build did, counted; nothing of how it is printed."""

from collections import Counter
from collections.abc import Iterable
from functools import reduce
from operator import add

from harness.benchmark.scan_report import ScanReport
from harness.benchmark.unit import FinishedUnit
from harness.benchmark.unit_record import UnitRecord
from harness.dataset.broken import BrokenReason
from harness.dataset.selection import NoObject
from harness.records.acceptance import RejectionReason
from harness.records.attributes import Edit
from harness.records.base import Record
from harness.records.editing import EditingCost
from harness.records.manifest import Sample, VerificationReport
from harness.records.recipe import Recipe


class ValueCounts(Record):
    """What became of one edit of the recipe over all sources."""

    edit: Edit
    """The edit."""
    accepted: int
    """Number of sources with an accepted edit."""
    rejected: dict[RejectionReason, int]
    """Number of rejected edits, by reason."""
    not_made: dict[NoObject, int]
    """Number of sources that don't qualify for it, by what they lack."""


class BuildCounts(Record):
    """What became of the sources and edits of a recipe."""

    sources: int
    """Number of sources in the benchmark."""
    without_object: dict[NoObject, int]
    """Number of those that have only global edits, by what they lack."""
    left_out: dict[NoObject, int]
    """Number of source images that are not in the benchmark, by what they lack."""
    broken: dict[BrokenReason, int]
    """Number of source images that are not in it because they can't be used, by reason."""
    samples: int
    """Number of samples, sources and rejected edits included."""
    kept_sources: int
    """Number of source images that an earlier build had finished."""
    values: tuple[ValueCounts, ...]
    """The recipe's edits, in its order."""


class BuildReport(Record):
    """What a build did; the JSON of `harness build-benchmark`."""

    benchmark: str
    """The benchmark's name."""
    digest: str
    """Its identity."""
    counts: BuildCounts
    """What became of sources and edits."""
    seconds: float
    """How long it took."""
    cost: EditingCost | None = None
    """What the edits cost, those of an earlier build included; None where no UNet made any."""
    lock: VerificationReport | None
    """How it compares with the lock; None where there is none."""


def count_units(
    recipe: Recipe, units: Iterable[FinishedUnit], samples: Iterable[Sample], scan: ScanReport
) -> BuildCounts:
    """Return what became of the sources and edits of `recipe`.

    Args:
        recipe: The recipe.
        units: The finished units.
        samples: Their samples, judged.
        scan: What became of the data set's images.
    """
    finished = tuple(units)
    judged = tuple(samples)
    records = [unit.record for unit in finished]
    return BuildCounts(
        sources=sum(1 for record in records if record.samples),
        without_object=_counted(record.no_object for record in records),
        left_out=scan.left_out,
        broken=scan.broken,
        samples=len(judged),
        kept_sources=sum(1 for unit in finished if unit.kept),
        values=_all_values(recipe, records, judged),
    )


def editing_cost(units: Iterable[FinishedUnit]) -> EditingCost | None:
    """Return what the edits of `units` cost, or None where no UNet made any."""
    costs = [unit.record.cost for unit in units if unit.record.cost is not None]
    return reduce(add, costs) if costs else None


def _all_values(
    recipe: Recipe, records: list[UnitRecord], samples: tuple[Sample, ...]
) -> tuple[ValueCounts, ...]:
    accepted = Counter(sample.edit for sample in samples if sample.edit and sample.accepted)
    rejected = Counter((s.edit, s.rejection) for s in samples if s.rejection is not None)
    not_made = Counter((n.edit, n.reason) for record in records for n in record.not_made)
    return tuple(
        ValueCounts(
            edit=edit,
            accepted=accepted[edit],
            rejected={r: rejected[edit, r] for r in RejectionReason if rejected[edit, r]},
            not_made={r: not_made[edit, r] for r in NoObject if not_made[edit, r]},
        )
        for edit in recipe.all_edits()
    )


def _counted(reasons: Iterable[NoObject | None]) -> dict[NoObject, int]:
    return dict(sorted(Counter(reason for reason in reasons if reason is not None).items()))
