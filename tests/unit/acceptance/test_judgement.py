import pytest

from harness.acceptance.judgement import judge
from harness.errors import BenchmarkError
from harness.records.acceptance import (
    AcceptanceRule,
    AcceptanceScores,
    ClipRule,
    NoiseRule,
    RejectionReason,
)
from harness.records.attributes import Scope

RULE = AcceptanceRule(min_object_change=0.05, min_background_psnr=40, min_visible_fraction=0.5)


def scores(change=0.1, psnr=None, visible=None):
    return AcceptanceScores(object_change=change, background_psnr=psnr, visible_fraction=visible)


@pytest.mark.parametrize(
    ("found", "scope", "reason"),
    [
        (scores(), Scope.LOCAL, None),
        (scores(change=0.05), Scope.LOCAL, None),
        (scores(change=0.049), Scope.LOCAL, RejectionReason.UNCHANGED),
        (scores(change=0.049), Scope.GLOBAL, RejectionReason.UNCHANGED),
        (scores(psnr=40.0), Scope.LOCAL, None),
        (scores(psnr=39.9), Scope.LOCAL, RejectionReason.BACKGROUND_CHANGED),
        (scores(psnr=39.9), Scope.GEOMETRY, None),
        (scores(visible=0.5), Scope.GEOMETRY, None),
        (scores(visible=0.49), Scope.GEOMETRY, RejectionReason.OUT_OF_FRAME),
        (scores(change=0.0, visible=0.1), Scope.GEOMETRY, RejectionReason.OUT_OF_FRAME),
    ],
)
def test_the_rule_decides(found, scope, reason):
    assert judge(found, RULE, scope=scope) is reason


BOUNDS = ClipRule(min_image_image=0.7, min_image_text=0.2, min_directional=0.1)
FULL = AcceptanceRule(
    min_background_psnr=40,
    min_background_ssim=0.9,
    min_edge_agreement=0.5,
    clip=BOUNDS,
    noise=NoiseRule(kind="transformers", model="tiny", max_voided_fraction=0.4),
)
GOOD = AcceptanceScores(
    object_change=0.2,
    background_psnr=50.0,
    visible_fraction=0.9,
    background_ssim=0.9,
    edge_agreement=0.5,
    clip_image_image=0.7,
    clip_image_text=0.2,
    clip_directional=0.1,
    voided_fraction=0.4,
)
BAD = {
    "visible_fraction": 0.1,
    "object_change": 0.0,
    "background_ssim": 0.89,
    "edge_agreement": 0.49,
    "clip_image_image": 0.69,
    "clip_image_text": 0.19,
    "clip_directional": 0.09,
    "voided_fraction": 0.41,
}
LOCAL = [
    ("object_change", RejectionReason.UNCHANGED),
    ("background_ssim", RejectionReason.BACKGROUND_CHANGED),
    ("edge_agreement", RejectionReason.OUTLINE_LOST),
    ("clip_image_image", RejectionReason.UNLIKE_SOURCE),
    ("clip_image_text", RejectionReason.UNLIKE_PROMPT),
    ("clip_directional", RejectionReason.WRONG_DIRECTION),
    ("voided_fraction", RejectionReason.LABEL_VOIDED),
]


@pytest.mark.parametrize("scope", Scope)
def test_scores_at_their_bounds_are_kept(scope):
    assert judge(GOOD, FULL, scope=scope) is None


@pytest.mark.parametrize(("score", "reason"), LOCAL)
def test_each_score_has_its_reason(score, reason):
    found = GOOD.model_copy(update={score: BAD[score]})
    assert judge(found, FULL, scope=Scope.LOCAL) is reason


def test_the_first_reason_in_order_is_told():
    found = GOOD.model_copy(update=BAD)
    assert judge(found, FULL, scope=Scope.GEOMETRY) is RejectionReason.OUT_OF_FRAME
    for score, reason in LOCAL:
        assert judge(found, FULL, scope=Scope.LOCAL) is reason
        found = found.model_copy(update={score: getattr(GOOD, score)})


def test_the_background_and_the_outline_are_those_of_objects_that_stay():
    found = GOOD.model_copy(update={"background_ssim": 0.1, "edge_agreement": 0.1})
    assert judge(found, FULL, scope=Scope.GEOMETRY) is None
    assert judge(found, FULL, scope=Scope.GLOBAL) is RejectionReason.OUTLINE_LOST


@pytest.mark.parametrize(
    "name",
    ["background_psnr", "background_ssim", "edge_agreement", "clip_directional", "voided_fraction"],
)
def test_a_score_that_does_not_apply_rejects_nothing(name):
    assert judge(GOOD.model_copy(update={name: None}), FULL, scope=Scope.LOCAL) is None


def test_a_score_without_a_bound_rejects_nothing():
    found = GOOD.model_copy(update={k: v for k, v in BAD.items() if k != "object_change"})
    rule = AcceptanceRule(min_background_psnr=40, clip=ClipRule())
    assert judge(found, rule, scope=Scope.LOCAL) is None


@pytest.mark.parametrize("name", ["clip_image_image", "clip_image_text"])
@pytest.mark.parametrize("bound", ["min_image_image", "min_image_text", "min_directional"])
def test_a_bound_on_a_clip_score_that_nobody_computed_is_our_error(name, bound):
    rule = AcceptanceRule(min_background_psnr=40, clip=ClipRule(**{bound: 0.0}))
    with pytest.raises(BenchmarkError, match="no CLIP scores"):
        judge(GOOD.model_copy(update={name: None}), rule, scope=Scope.LOCAL)


def test_without_bounds_on_it_nothing_is_asked_of_clip():
    bare = AcceptanceScores(object_change=0.2, background_psnr=None)
    assert judge(bare, AcceptanceRule(clip=ClipRule()), scope=Scope.LOCAL) is None
