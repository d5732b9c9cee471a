import pytest

from harness.benchmark.assessing.judging import judge_samples, scores_that_lack
from harness.errors import BenchmarkError
from harness.records.acceptance import (
    AcceptanceRule,
    AcceptanceScores,
    ClipRule,
    NoiseRule,
    RejectionReason,
)
from harness.records.attributes import Attribute, Edit
from tests.scored_samples import VIOLET, make_sample

LEFT = Edit(attribute=Attribute.POSITION, value="left")


def test_samples_are_judged_by_their_scores_alone():
    source = make_sample("source")
    weak = make_sample("weak", VIOLET, object_change=0.01)
    strong = make_sample("strong", VIOLET, object_change=0.2)
    was_rejected = strong.model_copy(
        update={"accepted": False, "rejection": RejectionReason.OUTLINE_LOST}
    )
    judged = judge_samples((source, weak, was_rejected), AcceptanceRule())
    assert judged[0] is source
    assert (judged[1].accepted, judged[1].rejection) == (False, RejectionReason.UNCHANGED)
    assert judged[2] == strong
    assert judge_samples(judged, AcceptanceRule(min_object_change=0.005))[1] == weak


def test_the_scope_is_the_edits():
    spilt = make_sample("local", VIOLET, background_psnr=30.0)
    moved = make_sample("moved", LEFT, background_psnr=30.0)
    reasons = [s.rejection for s in judge_samples((spilt, moved), AcceptanceRule())]
    assert reasons == [RejectionReason.BACKGROUND_CHANGED, None]


def test_a_clip_score_that_was_never_computed_is_not_taken_for_a_good_one():
    rule = AcceptanceRule(clip=ClipRule(min_directional=0.1))
    with pytest.raises(BenchmarkError, match="CLIP"):
        judge_samples((make_sample("edit", VIOLET),), rule)


def lacking(rule, *scores):
    return scores_that_lack(
        (make_sample("source"), *(make_sample(f"edit {s}", VIOLET, **s) for s in scores)), rule
    )


def test_what_is_lacking_is_named():
    ssim = AcceptanceRule(min_background_ssim=0.9)
    assert lacking(ssim, {}) == ()
    assert lacking(ssim, {"background_psnr": 30.0}) == ("min_background_ssim",)
    assert lacking(ssim, {"background_psnr": 30.0, "background_ssim": 0.9}) == ()
    outline = AcceptanceRule(min_edge_agreement=0.5)
    assert lacking(outline, {}, {}) == ("min_edge_agreement",)
    assert lacking(outline, {}, {"edge_agreement": 0.4}) == ()
    clip = AcceptanceRule(clip=ClipRule(min_image_text=0.2, min_directional=0.1))
    seen = {"clip_image_image": 0.9, "clip_image_text": 0.2}
    assert lacking(clip, seen) == ()
    assert lacking(clip, seen, {}) == ("clip.min_image_text", "clip.min_directional")
    assert lacking(AcceptanceRule(clip=ClipRule()), {}) == ("clip",)
    noise = AcceptanceRule(noise=NoiseRule(kind="transformers", model="tiny"))
    assert lacking(noise, {}, {}) == ("noise.max_voided_fraction",)
    assert lacking(noise, {}, {"voided_fraction": 0.0}) == ()
    assert lacking(AcceptanceRule(), {}) == ()


def test_a_benchmark_without_objects_lacks_nothing_of_objects():
    noise = NoiseRule(kind="transformers", model="tiny")
    rule = AcceptanceRule(min_edge_agreement=0.5, noise=noise)
    moved = make_sample("moved", LEFT, voided_fraction=0.1)
    nothing = make_sample("edit", VIOLET).model_copy(update={"mask_sha256": None})
    assert scores_that_lack((moved, nothing), rule) == ()
    assert scores_that_lack((nothing,), rule) == ()


def test_scores_are_kept():
    sample = make_sample("edit", VIOLET, object_change=0.01)
    (judged,) = judge_samples((sample,), AcceptanceRule())
    assert judged.scores == AcceptanceScores(object_change=0.01, background_psnr=None)
