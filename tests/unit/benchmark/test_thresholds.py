import pytest

from harness.benchmark.thresholds import THRESHOLDS, differ_in_thresholds_only, with_thresholds
from harness.errors import RecipeError
from harness.records.acceptance import AcceptanceRule, ClipRule, NoiseRule

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


def test_a_clip_filter_is_added_and_a_noise_filter_is_not():
    assert with_thresholds(AcceptanceRule(), ["clip.min_image_text=0.2"]).clip == ClipRule(
        min_image_text=0.2
    )
    with pytest.raises(RecipeError, match=r"\[acceptance\.noise\] is not there"):
        with_thresholds(AcceptanceRule(), ["noise.max_voided_fraction=0.3"])


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
    ("change", "same"),
    [
        ({"min_object_change": 0.5, "min_edge_agreement": 0.1}, True),
        ({"clip": CLIP.model_copy(update={"min_image_text": 0.1})}, True),
        ({"clip": None}, True),
        ({"clip": CLIP.model_copy(update={"model": "other"})}, False),
        ({"clip": CLIP.model_copy(update={"revision": "abc"})}, False),
        ({"clip": CLIP.model_copy(update={"files": {"config.json": "0" * 64}})}, False),
        ({"noise": NOISE.model_copy(update={"max_voided_fraction": 0.1})}, True),
        ({"noise": NOISE.model_copy(update={"margin": 2.0})}, False),
        ({"noise": None}, False),
    ],
)
def test_thresholds_are_told_from_what_makes_scores(change, same):
    other = RULE.model_copy(update=change)
    assert differ_in_thresholds_only(RULE, other) is same
    assert differ_in_thresholds_only(other, RULE) is same
