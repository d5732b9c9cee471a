"""A build against its lock: identical, equivalent or different; nothing of files."""

from typing import NamedTuple

from harness.acceptance.void_signature import void_difference
from harness.dataset.image_io import signature_psnr
from harness.records.manifest import (
    BenchmarkHeader,
    Lock,
    LockedSample,
    Sample,
    SampleVerdict,
    Verdict,
    VerificationReport,
)
from harness.records.recipe import LockRule

BUILT_OF_ANOTHER_RECIPE = SampleVerdict(
    subject="recipe",
    verdict=Verdict.DIFFERENT,
    detail="the recipe has changed since the benchmark was built from it",
)
LOCK_OF_ANOTHER_RECIPE = SampleVerdict(
    subject="recipe",
    verdict=Verdict.DIFFERENT,
    detail="the recipe has changed since the lock was made from it",
)


def make_lock(header: BenchmarkHeader, samples: tuple[Sample, ...]) -> Lock:
    """Return the lock of a benchmark."""
    ordered = sorted(samples, key=lambda sample: sample.id)
    return Lock(
        benchmark=header.name,
        digest=header.digest,
        recipe_digest=header.recipe_digest,
        samples=tuple(
            LockedSample(
                id=sample.id,
                accepted=sample.accepted,
                pixel_sha256=sample.pixel_sha256,
                label_pixel_sha256=sample.label_pixel_sha256,
                signature=sample.signature,
                object_signature=sample.object_signature,
                filtered_label_pixel_sha256=sample.filtered_label_pixel_sha256,
                filtered_label_signature=sample.filtered_label_signature,
                voided_fraction=sample.scores and sample.scores.voided_fraction,
            )
            for sample in ordered
        ),
    )


def compare_with_lock(
    samples: tuple[Sample, ...], lock: Lock, rule: LockRule
) -> tuple[SampleVerdict, ...]:
    """Return a verdict on every sample that is there or promised, by id."""
    there = {sample.id: sample for sample in samples}
    promised = {sample.id: sample for sample in lock.samples}
    verdicts = []
    for sample_id in sorted(there.keys() | promised.keys()):
        sample, locked = there.get(sample_id), promised.get(sample_id)
        if sample is None:
            verdict, detail = Verdict.MISSING, "the lock has this sample, the benchmark has not"
        elif locked is None:
            verdict, detail = Verdict.EXTRA, "the benchmark has this sample, the lock has not"
        else:
            verdict, detail = _compare(sample, locked, rule)
        verdicts.append(SampleVerdict(subject=sample_id, verdict=verdict, detail=detail))
    return tuple(verdicts)


def lock_report(
    header: BenchmarkHeader, samples: tuple[Sample, ...], lock: Lock, rule: LockRule
) -> VerificationReport:
    """Return how a benchmark compares with its lock."""
    verdicts = compare_with_lock(samples, lock, rule)
    findings = [v for v in verdicts if not v.verdict.agrees]
    if header.recipe_digest != lock.recipe_digest:
        findings.insert(0, LOCK_OF_ANOTHER_RECIPE)
    return VerificationReport(
        benchmark=header.name,
        digest=header.digest,
        locked=True,
        samples=len(samples),
        identical=sum(1 for v in verdicts if v.verdict is Verdict.IDENTICAL),
        equivalent=sum(1 for v in verdicts if v.verdict is Verdict.EQUIVALENT),
        findings=tuple(findings),
    )


def _compare(sample: Sample, locked: LockedSample, rule: LockRule) -> tuple[Verdict, str]:
    what = describe(sample)
    if sample.accepted != locked.accepted:
        was = "accepted" if locked.accepted else "rejected"
        return Verdict.DIFFERENT, f"{what}: the lock has it as {was}"
    if sample.label_pixel_sha256 != locked.label_pixel_sha256:
        return Verdict.DIFFERENT, f"{what}: its label differs from the lock's"
    same_filter = sample.filtered_label_pixel_sha256 == locked.filtered_label_pixel_sha256
    if sample.pixel_sha256 == locked.pixel_sha256 and same_filter:
        return Verdict.IDENTICAL, f"{what}: the same pixels"
    if not same_filter:
        near, said = _compare_voided(sample, locked, rule)
        if not near or sample.pixel_sha256 == locked.pixel_sha256:
            verdict = Verdict.EQUIVALENT if near else Verdict.DIFFERENT
            return verdict, f"{what}: {said}"
    views = [_View("signature", sample.signature, locked.signature, rule.min_signature_psnr)]
    if rule.min_object_psnr is not None:
        ours, theirs = sample.object_signature, locked.object_signature
        views.append(_View("object signature", ours, theirs, rule.min_object_psnr))
    found = [_compare_view(view) for view in views]
    near = all(agrees for agrees, _ in found)
    verdict = Verdict.EQUIVALENT if near else Verdict.DIFFERENT
    return verdict, f"{what}: other pixels, {', '.join(said for _, said in found)}"


def _compare_voided(sample: Sample, locked: LockedSample, rule: LockRule) -> tuple[bool, str]:
    """Return whether the noise filter took about the same pixels of the object, and how nearly.

    Another kind of device computes the losses otherwise by a hair, which flips the pixels at the
    bound and no others: as much voided elsewhere is another filter's work.
    """
    if any(
        s.filtered_label_pixel_sha256 and not s.filtered_label_signature for s in (sample, locked)
    ):
        return False, "another filtered label, and no signature of it to compare"
    if sample.scores is None or None in {sample.scores.voided_fraction, locked.voided_fraction}:
        return False, "only one of the two labels was filtered"
    apart = void_difference(sample.filtered_label_signature, locked.filtered_label_signature)
    bound = rule.max_voided_difference
    said = f"{apart:.1%} of the object voided in one of the two only, the bound is {bound:.1%}"
    return apart <= bound, said


class _View(NamedTuple):
    """One way of looking at both samples."""

    name: str
    ours: str | None
    theirs: str | None
    bound: float


def _compare_view(view: _View) -> tuple[bool, str]:
    """Return whether the two agree within the bound, and how near they are in words."""
    if view.ours is None or view.theirs is None:
        return view.ours is view.theirs, f"no {view.name} to compare"
    psnr = signature_psnr(view.ours, view.theirs)
    if psnr is None:
        return True, f"the same {view.name}"
    detail = f"{view.name} at {psnr:.1f} dB, the bound is {view.bound:.1f} dB"
    return psnr >= view.bound, detail


def describe(sample: Sample) -> str:
    """Return what a sample is, in words: its source and its edit."""
    return f"{sample.source_name} {'source' if sample.edit is None else sample.edit}"
