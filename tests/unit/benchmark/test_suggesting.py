from hypothesis import given
from hypothesis import strategies as st

from harness.benchmark.assessing.judging import judge_samples
from harness.benchmark.assessing.suggesting import suggest_bounds
from harness.benchmark.assessing.thresholds import THRESHOLDS, with_thresholds
from harness.records.acceptance import AcceptanceRule, ClipRule, NoiseRule
from harness.records.attributes import Attribute, Edit
from tests.scored_samples import SNOWY, VIOLET, make_sample

LEFT = Edit(attribute=Attribute.POSITION, value="left")
OPEN = AcceptanceRule(
    min_object_change=0,
    min_background_psnr=0,
    min_visible_fraction=0,
    clip=ClipRule(model="tiny"),
    noise=NoiseRule(kind="transformers", model="tiny"),
)
"""Rejects nothing."""


def edits(values, name="object_change", edit=VIOLET):
    return [make_sample(f"{edit} {n}", edit, **{name: v}) for n, v in enumerate(values)]


def suggested(samples, share, key="min_object_change"):
    return next(s for s in suggest_bounds(samples, share=share) if s.key == key)


def test_the_bound_rejects_the_lowest_share():
    found = suggested(edits([0.5, 0.1, 0.3, 0.2, 0.4]), 0.4)
    assert (found.bound, found.edits, found.rejected) == (0.3, 5, 2)
    assert found.by_value == {"color=violet": 2}


def test_the_share_is_of_all_edits_and_counted_by_value():
    samples = [*edits([0.11, 0.12, 0.5]), *edits([0.13, 0.6, 0.7, 0.8], edit=SNOWY)]
    found = suggested(samples, 0.5)
    assert (found.edits, found.rejected) == (7, 3)
    assert found.by_value == {"color=violet": 2, "weather=snowy": 1}


def test_a_bound_is_written_short():
    assert suggested(edits([0.123456, 0.345678]), 0.5).bound == 0.34
    assert suggested(edits([0.123456, 0.124678]), 0.5).bound == 0.124
    assert suggested(edits([0.1234561, 0.1234562]), 0.5).bound == 0.1234562
    found = suggested(edits([-0.4, -0.314, 0.2], "clip_directional"), 0.34, "clip.min_directional")
    assert (found.bound, found.rejected) == (-0.32, 1)


def test_equal_scores_are_not_torn_apart():
    found = suggested(edits([0.1, 0.2, 0.2, 0.2, 0.9]), 0.6)
    assert (found.bound, found.rejected) == (0.2, 1)
    found = suggested(edits([0.2, 0.2, 0.2]), 0.5)
    assert (found.bound, found.rejected, found.by_value) == (0.2, 0, {"color=violet": 0})


def test_a_share_of_less_than_one_edit_rejects_none():
    found = suggested(edits([0.25, 0.5, 0.75]), 0.3)
    assert (found.rejected, found.bound) == (0, 0.25)


def test_what_should_be_small_is_bound_from_above():
    key = "noise.max_voided_fraction"
    found = suggested(edits([0.0, 0.1, 0.314, 0.9], "voided_fraction"), 0.25, key)
    assert (found.bound, found.rejected) == (0.32, 1)
    assert str(suggested(edits([0.0, 0.0], "voided_fraction"), 0.5, key).bound) == "0.0"


def test_who_is_not_judged_by_a_bound_is_not_counted():
    scores = {"background_psnr": 30.0, "edge_agreement": 0.5, "visible_fraction": 0.9}
    samples = [make_sample(str(edit), edit, **scores) for edit in (VIOLET, SNOWY, LEFT)]
    found = {s.key: list(s.by_value) for s in suggest_bounds(samples, share=0.5)}
    assert found == {
        "min_object_change": ["color=violet", "position=left", "weather=snowy"],
        "min_background_psnr": ["color=violet"],
        "min_visible_fraction": ["position=left"],
        "min_edge_agreement": ["color=violet", "weather=snowy"],
    }


def test_nothing_is_suggested_of_nothing():
    assert suggest_bounds([], share=0.1) == ()


SCORES = st.fixed_dictionaries(
    {
        "object_change": st.floats(0, 1),
        "background_psnr": st.none() | st.floats(0, 80),
        "visible_fraction": st.floats(0, 1),
        "background_ssim": st.none() | st.floats(-1, 1),
        "edge_agreement": st.none() | st.floats(0, 1),
        "clip_image_image": st.integers(-10000, 10000).map(lambda n: n / 10000),
        "clip_image_text": st.floats(-1, 1),
        "clip_directional": st.none() | st.floats(-1, 1),
        "voided_fraction": st.integers(0, 20).map(lambda n: n / 20),
    }
)


@given(
    scores=st.lists(st.tuples(st.sampled_from([VIOLET, SNOWY, LEFT]), SCORES), min_size=1),
    share=st.floats(0, 1, exclude_min=True, exclude_max=True),
)
def test_the_judge_rejects_as_many_as_was_said(scores, share):
    samples = tuple(make_sample(str(n), edit, **own) for n, (edit, own) in enumerate(scores))
    assert all(sample.accepted for sample in judge_samples(samples, OPEN))
    for found in suggest_bounds(samples, share=share):
        rule = with_thresholds(OPEN, [f"{found.key}={found.bound}"])
        rejected = [s for s in judge_samples(samples, rule) if not s.accepted]
        assert len(rejected) == found.rejected <= share * found.edits + 1e-6
        counted = {edit: sum(str(s.edit) == edit for s in rejected) for edit in found.by_value}
        assert counted == found.by_value


def test_every_bound_can_be_suggested():
    every = {
        "background_psnr": 30.0,
        "background_ssim": 0.9,
        "edge_agreement": 0.5,
        "visible_fraction": 0.9,
        "clip_image_image": 0.9,
        "clip_image_text": 0.2,
        "clip_directional": 0.1,
        "voided_fraction": 0.1,
    }
    samples = [make_sample(str(edit), edit, **every) for edit in (VIOLET, LEFT)]
    assert tuple(s.key for s in suggest_bounds(samples, share=0.1)) == THRESHOLDS
