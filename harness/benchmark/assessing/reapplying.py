"""A recipe's thresholds applied to a built benchmark's scores; nothing is edited again."""

from pathlib import Path

from harness.benchmark.assessing.judging import judge_samples, scores_that_lack
from harness.benchmark.assessing.thresholds import why_to_build
from harness.benchmark.build_lock import build_lock
from harness.benchmark.index import write_index
from harness.benchmark.unit import SCRATCH, STATE
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.records.acceptance import AcceptanceRule
from harness.records.base import Record
from harness.records.manifest import BenchmarkHeader, Sample, manifest_digest
from harness.records.recipe import Recipe


class AppliedThresholds(Record):
    """What applying a recipe's thresholds has changed."""

    former_digest: str
    """The benchmark's identity before."""
    digest: str
    """Its identity now; the same where no edit was judged otherwise."""
    newly_accepted: int
    """Number of edits that were rejected and are accepted now."""
    newly_rejected: int
    """Number of edits that were accepted and are rejected now."""
    other_reason: int
    """Number of edits that stay rejected for another reason."""


def reapply_thresholds(path: Path, recipe: Recipe) -> AppliedThresholds:
    """Judge the benchmark in the folder `path` by the thresholds that `recipe` has now.

    Manifest, header and Croissant metadata become those that a build of `recipe` with the same
    software would write; scores, images and labels stay. Each file is replaced whole, the header
    last: where that is cut off, the same call completes it.

    Raises:
        BenchmarkError: More than thresholds differs from what the benchmark was built of, a score
            that a threshold needs was never computed, its manifest is not its header's, or another
            process is at work in the folder.
        OSError: A file can't be written.
    """
    folder = BenchmarkFolder(path)
    header = folder.header()
    with build_lock(path):
        (path / STATE / SCRATCH).mkdir(exist_ok=True)
        samples = folder.samples()
        former = _former_rule(header, recipe)
        check_rule(recipe.acceptance, header.name, built_by=former, samples=samples)
        before = _as_promised(header, samples, former)
        judged = judge_samples(samples, recipe.acceptance)
        now = header.model_copy(
            update={
                "digest": manifest_digest(judged),
                "recipe_digest": recipe.content_digest(),
                "acceptance": recipe.acceptance,
            }
        )
        if judged != samples or now != header:
            write_index(path, now, judged, scratch=path / STATE / SCRATCH)
    return _applied(header.digest, now.digest, before, judged)


def _former_rule(header: BenchmarkHeader, recipe: Recipe) -> AcceptanceRule:
    """Return the rule that the benchmark was built by: with it, `recipe` is what it was built of.

    Raises:
        BenchmarkError: It is not, as more than [acceptance] has changed.
    """
    former = header.acceptance or recipe.acceptance
    built_of = recipe.model_copy(update={"acceptance": former})
    if built_of.content_digest() != header.recipe_digest:
        if header.acceptance is None:
            why = "was built before its acceptance rule was recorded"
        else:
            why = "was built of a recipe that differs in more than [acceptance]"
        raise _refusal(header.name, why)
    return former


def check_rule(
    rule: AcceptanceRule, name: str, *, built_by: AcceptanceRule, samples: tuple[Sample, ...]
) -> None:
    """Return if the scores of the benchmark `name` are those that `rule` judges by.

    Args:
        rule: The rule.
        name: The benchmark's name.
        built_by: The rule that its scores were made for.
        samples: The benchmark's.

    Raises:
        BenchmarkError: They are of another model or another noise filter, or were never computed.
    """
    if why := why_to_build(built_by, rule):
        raise _refusal(name, why)
    if lacking := scores_that_lack(samples, rule):
        raise _lacks_scores(name, lacking)


def _as_promised(
    header: BenchmarkHeader, samples: tuple[Sample, ...], former: AcceptanceRule
) -> tuple[Sample, ...]:
    """Return the samples that the header names: those of the manifest, or those by `former`.

    A call that was cut off may have left the manifest of the new thresholds under the old header.

    Raises:
        BenchmarkError: They are neither.
    """
    if manifest_digest(samples) == header.digest:
        return samples
    judged = judge_samples(samples, former)
    if manifest_digest(judged) == header.digest:
        return judged
    msg = f"the manifest of {header.name} is not the one that its header names"
    remedy = f"`harness verify {header.name}` says what differs."
    raise BenchmarkError(msg, remedy=remedy)


def _lacks_scores(name: str, lacking: tuple[str, ...]) -> BenchmarkError:
    """Return what to raise where the thresholds `lacking` are on scores that nobody computed."""
    msg = f"{name} has no scores for {', '.join(lacking)}"
    remedy = (
        f"Write the threshold into the recipe's [acceptance] and run `harness build-benchmark "
        f"{name}`: it computes them, and finished edits are kept."
    )
    return BenchmarkError(msg, remedy=remedy)


def _refusal(name: str, why: str) -> BenchmarkError:
    remedy = f"Run `harness build-benchmark {name}`: finished edits are kept."
    return BenchmarkError(f"{name} {why}", remedy=remedy)


def _applied(
    former_digest: str, digest: str, before: tuple[Sample, ...], after: tuple[Sample, ...]
) -> AppliedThresholds:
    pairs = list(zip(before, after, strict=True))
    return AppliedThresholds(
        former_digest=former_digest,
        digest=digest,
        newly_accepted=sum(1 for old, new in pairs if new.accepted and not old.accepted),
        newly_rejected=sum(1 for old, new in pairs if old.accepted and not new.accepted),
        other_reason=sum(
            1
            for old, new in pairs
            if not (old.accepted or new.accepted) and old.rejection is not new.rejection
        ),
    )
