"""Which edits are kept, from their scores alone; nothing of how scores are found."""

from collections.abc import Iterator

from harness.errors import BenchmarkError
from harness.records.acceptance import AcceptanceRule, AcceptanceScores, ClipRule, RejectionReason
from harness.records.attributes import Scope


def judge(
    scores: AcceptanceScores, rule: AcceptanceRule, *, scope: Scope
) -> RejectionReason | None:
    """Return why the edit is rejected, or None where it is kept.

    The first reason that holds is told, in the order of RejectionReason but for one: an object out
    of the frame comes before what it changed. What is seen in pixels goes before what models say,
    as it is surer and needs none. A bound on a score that does not apply rejects nothing: an
    outline that the source does not show, or a direction where nothing changed that CLIP can see.

    Raises:
        BenchmarkError: A bound of the CLIP filter stands on a score that was never computed.
    """
    return next(_reasons(scores, rule, scope=scope), None)


def _reasons(
    scores: AcceptanceScores, rule: AcceptanceRule, *, scope: Scope
) -> Iterator[RejectionReason]:
    """Yield every reason that holds, the first one first."""
    if scope is Scope.GEOMETRY and _under(scores.visible_fraction, rule.min_visible_fraction):
        yield RejectionReason.OUT_OF_FRAME
    if scores.object_change < rule.min_object_change:
        yield RejectionReason.UNCHANGED
    if scope is Scope.LOCAL and _background_changed(scores, rule):
        yield RejectionReason.BACKGROUND_CHANGED
    if scope is not Scope.GEOMETRY and _under(scores.edge_agreement, rule.min_edge_agreement):
        yield RejectionReason.OUTLINE_LOST
    if rule.clip is not None:
        yield from _clip_reasons(scores, rule.clip)
    voided = scores.voided_fraction
    if rule.noise is not None and voided is not None and voided > rule.noise.max_voided_fraction:
        yield RejectionReason.LABEL_VOIDED


def _background_changed(scores: AcceptanceScores, rule: AcceptanceRule) -> bool:
    least, psnr = rule.min_background_psnr, scores.background_psnr
    spilt = psnr is not None and (least is None or psnr < least)
    return spilt or _under(scores.background_ssim, rule.min_background_ssim)


def _clip_reasons(scores: AcceptanceScores, rule: ClipRule) -> Iterator[RejectionReason]:
    bounds = (rule.min_image_image, rule.min_image_text, rule.min_directional)
    if any(bound is not None for bound in bounds) and not has_clip_scores(scores):
        msg = "an edit has no CLIP scores, and [acceptance.clip] has bounds on them"
        raise BenchmarkError(
            msg, remedy="Build the benchmark again; edits that are finished are kept."
        )
    if _under(scores.clip_image_image, rule.min_image_image):
        yield RejectionReason.UNLIKE_SOURCE
    if _under(scores.clip_image_text, rule.min_image_text):
        yield RejectionReason.UNLIKE_PROMPT
    if _under(scores.clip_directional, rule.min_directional):
        yield RejectionReason.WRONG_DIRECTION


def has_clip_scores(scores: AcceptanceScores) -> bool:
    """Return whether CLIP has looked at the edit; the directional score may not apply even so."""
    return scores.clip_image_image is not None and scores.clip_image_text is not None


def _under(value: float | None, least: float | None) -> bool:
    return value is not None and least is not None and value < least
