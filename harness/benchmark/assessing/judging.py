"""Samples accepted or rejected by their scores alone; nothing of how scores are found."""

from harness.acceptance.judgement import has_clip_scores, judge
from harness.records.acceptance import AcceptanceRule
from harness.records.attributes import Scope
from harness.records.manifest import Sample


def judge_samples(samples: tuple[Sample, ...], rule: AcceptanceRule) -> tuple[Sample, ...]:
    """Return `samples` with what `rule` says of each edit; sources are always accepted.

    Raises:
        BenchmarkError: `rule` has a bound on a CLIP score that was never computed.
    """
    return tuple(_judged(sample, rule) for sample in samples)


def scores_that_lack(samples: tuple[Sample, ...], rule: AcceptanceRule) -> tuple[str, ...]:
    """Return the bounds of `rule`, by key, on scores that `samples` don't have.

    A score that does not apply to one edit is there nevertheless if others have it. A filter's
    scores must be there even where it has no bound on them: `clip` stands for them then.
    """
    edits = [sample for sample in samples if sample.edit is not None and sample.scores is not None]
    lacking = []
    if rule.min_background_ssim is not None and any(map(_lacks_ssim, edits)):
        lacking.append("min_background_ssim")
    if rule.min_edge_agreement is not None and _lack_outlines(edits):
        lacking.append("min_edge_agreement")
    if rule.clip is not None and any(s.scores and not has_clip_scores(s.scores) for s in edits):
        keys = ("min_image_image", "min_image_text", "min_directional")
        bounds = [f"clip.{key}" for key in keys if getattr(rule.clip, key) is not None]
        lacking += bounds or ["clip"]
    if rule.noise is not None and _lack_losses(edits):
        lacking.append("noise.max_voided_fraction")
    return tuple(lacking)


def _judged(sample: Sample, rule: AcceptanceRule) -> Sample:
    if sample.edit is None or sample.scores is None:
        return sample
    reason = judge(sample.scores, rule, scope=sample.edit.scope)
    if reason is sample.rejection and sample.accepted is (reason is None):
        return sample
    return sample.model_copy(update={"accepted": reason is None, "rejection": reason})


def _lacks_ssim(sample: Sample) -> bool:
    scores = sample.scores
    return (
        scores is not None and scores.background_psnr is not None and scores.background_ssim is None
    )


def _lack_outlines(edits: list[Sample]) -> bool:
    """Return whether there are edits that leave objects in place, and no outline was looked at."""
    scores = [
        sample.scores
        for sample in edits
        if sample.mask_sha256 is not None
        and sample.edit is not None
        and sample.edit.scope is not Scope.GEOMETRY
    ]
    return bool(scores) and all(s is None or s.edge_agreement is None for s in scores)


def _lack_losses(edits: list[Sample]) -> bool:
    """Return whether there are edits with objects, and the noise filter looked at none of them."""
    scores = [s.scores for s in edits if s.object_class is not None and s.mask_sha256 is not None]
    return bool(scores) and all(s is None or s.voided_fraction is None for s in scores)
