import pytest

from harness.acceptance.judgement import judge
from harness.benchmark.assessing.thresholds import THRESHOLDS, why_to_build, with_thresholds
from harness.errors import RecipeError
from harness.records.acceptance import (
    AcceptanceRule,
    AcceptanceScores,
    ClipRule,
    NoiseRule,
    RejectionReason,
)
from harness.records.attributes import Scope

NOISE = NoiseRule(kind="transformers", model="tiny")
CLIP = ClipRule(model="tiny", min_directional=0.2)
RULE = AcceptanceRule(clip=CLIP, noise=NOISE)


def test_every_bound_of_the_records_has_its_key():
    tables = (("", AcceptanceRule), ("clip.", ClipRule), ("noise.", NoiseRule))
    bounds = {
        f"{prefix}{name}"
        for prefix, record in tables
        for name in record.model_fields
        if name.startswith(("min_", "max_"))
    }
    assert set(THRESHOLDS) == bounds


def test_bounds_are_set_and_taken_away():
    changed = with_thresholds(
        RULE,
        ["min_object_change=0.05", "clip.min_directional=none", "noise.max_voided_fraction=0.3"],
    )
    assert changed == AcceptanceRule(
        min_object_change=0.05,
        clip=ClipRule(model="tiny"),
        noise=NOISE.model_copy(update={"max_voided_fraction": 0.3}),
    )
    assert with_thresholds(RULE, []) == RULE


@pytest.mark.parametrize(
    ("setting", "table"),
    [("clip.min_image_text=0.2", "clip"), ("noise.max_voided_fraction=0.3", "noise")],
)
def test_a_filter_that_is_not_there_is_not_made_up(setting, table):
    with pytest.raises(RecipeError, match=rf"\[acceptance\.{table}\] is not there"):
        with_thresholds(AcceptanceRule(), [setting])


@pytest.mark.parametrize(
    ("key", "open_bound"),
    [
        ("min_object_change", 0),
        ("min_background_psnr", 0),
        ("min_visible_fraction", 0),
        ("noise.max_voided_fraction", 1),
    ],
)
def test_a_bound_that_none_would_not_loosen_is_told_what_does(key, open_bound):
    with pytest.raises(RecipeError, match=key) as caught:
        with_thresholds(RULE, [f"{key}=none"])
    assert caught.value.remedy == f"{key}={open_bound} rejects nothing."
    with_thresholds(RULE, [f"{key}={open_bound}"])


def test_without_a_psnr_not_one_pixel_may_differ():
    spilt = AcceptanceScores(object_change=0.5, background_psnr=1.0)
    assert judge(spilt, AcceptanceRule(), scope=Scope.LOCAL) is RejectionReason.BACKGROUND_CHANGED
    with pytest.raises(RecipeError, match="not one pixel"):
        with_thresholds(AcceptanceRule(), ["min_background_psnr=none"])
    loose = with_thresholds(AcceptanceRule(), ["min_background_psnr=0"])
    assert judge(spilt, loose, scope=Scope.LOCAL) is None


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("min_change=0.1", "sets no threshold"),
        ("clip.model=tiny", "sets no threshold"),
        ("min_object_change", "sets no threshold"),
        ("min_object_change=much", "'much' is no number"),
        ("min_object_change=1.5", "min_object_change: .*less than or equal to 1"),
        ("min_object_change=none", "min_object_change"),
        ("clip.min_directional=nan", "clip.min_directional"),
    ],
)
def test_what_is_no_threshold_is_refused(setting, said):
    with pytest.raises(RecipeError, match=said):
        with_thresholds(RULE, [setting])


def test_an_unknown_key_is_answered_with_the_known_ones():
    with pytest.raises(RecipeError) as caught:
        with_thresholds(RULE, ["foo=1"])
    assert all(key in caught.value.remedy for key in THRESHOLDS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"min_object_change": 0.5, "min_edge_agreement": 0.1}, None),
        ({"clip": CLIP.model_copy(update={"min_image_text": 0.1})}, None),
        ({"clip": CLIP.model_copy(update={"model": "other"})}, "another model in [acceptance.clip"),
        ({"clip": CLIP.model_copy(update={"revision": "abc"})}, "another revision"),
        ({"clip": CLIP.model_copy(update={"files": {"config.json": "0" * 64}})}, "another files"),
        ({"noise": NOISE.model_copy(update={"max_voided_fraction": 0.1})}, None),
        ({"noise": NOISE.model_copy(update={"margin": 2.0})}, "margin in [acceptance.noise]"),
        ({"noise": NOISE.model_copy(update={"kind": "submission"})}, "another kind"),
        ({"noise": NOISE.model_copy(update={"class_map": {"car": "auto"}})}, "class_map"),
        (
            {"noise": NOISE.model_copy(update={"model": "other", "margin": 2.0})},
            "another model and margin",
        ),
    ],
)
def test_thresholds_are_told_from_what_makes_scores(change, said):
    other = RULE.model_copy(update=change)
    for why in (why_to_build(RULE, other), why_to_build(other, RULE)):
        assert why is None if said is None else said in why


@pytest.mark.parametrize("table", ["clip", "noise"])
def test_a_filter_that_comes_or_goes_needs_a_build(table):
    without = RULE.model_copy(update={table: None})
    assert why_to_build(without, RULE) == f"was built without [acceptance.{table}]"
    assert why_to_build(RULE, without) == (
        f"was built with [acceptance.{table}], and has its scores"
    )
    assert why_to_build(without, without) is None
