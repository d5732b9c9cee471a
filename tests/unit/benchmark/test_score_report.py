from dataclasses import replace

import numpy as np
import pytest
from benchmark_fakes import RECIPE, write_recipe

from harness.benchmark.assessing.score_report import BINS, ReportRequest, report_scores
from harness.errors import BenchmarkError
from harness.records.acceptance import AcceptanceRule, ClipRule, RejectionReason
from harness.records.attributes import Attribute
from tests.scored_samples import SNOWY, VIOLET, make_sample, write_scored_benchmark

CHANGES = [0.01, 0.02, 0.1, 0.2, 0.6]
SAMPLES = (
    make_sample("source"),
    *(make_sample(f"violet {c}", VIOLET, object_change=c, edge_agreement=c) for c in CHANGES),
    make_sample("snowy", SNOWY, object_change=0.3, voided_fraction=0.1),
    make_sample("snowy 2", SNOWY, object_change=0.3, voided_fraction=0.4),
)


@pytest.fixture
def folder(tmp_path):
    return write_scored_benchmark(tmp_path / "tiny", write_recipe(tmp_path / "recipes"), SAMPLES)


def spread_of(value, name):
    return next(spread for spread in value.scores if spread.score == name)


def test_edits_are_counted(folder):
    report = report_scores(folder, ReportRequest())
    assert (report.benchmark, report.digest) == ("tiny", folder.header().digest)
    assert (report.edits, report.accepted) == (7, 5)
    assert report.rejected == {RejectionReason.UNCHANGED: 2}
    violet, snowy = report.values
    assert (violet.edit, violet.edits, violet.accepted) == (VIOLET, 5, 3)
    assert (snowy.edit, snowy.edits, snowy.accepted, snowy.rejected) == (SNOWY, 2, 2, {})
    assert (report.rule, report.would_accept, violet.would_accept) == (None, None, None)
    assert (report.worst_by, report.worst, report.applied) == (None, (), None)


def test_percentiles_are_numpys(folder):
    spread = spread_of(report_scores(folder, ReportRequest()).values[0], "object_change")
    assert spread.edits == 5
    assert (spread.minimum, spread.p25, spread.median, spread.p75, spread.maximum) == (
        *(0.01, 0.02, 0.1, 0.2, 0.6),
    )
    assert spread.p5 == pytest.approx(np.percentile(CHANGES, 5)) == pytest.approx(0.012)
    assert spread.p95 == pytest.approx(0.52)


def test_bars_share_the_range_of_all_edits(folder):
    report = report_scores(folder, ReportRequest())
    # 0.01 to 0.6 in twelfths of 0.59: 0.1 is in the second bar, 0.2 in the fourth.
    violet = spread_of(report.values[0], "object_change").histogram
    assert violet == (2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)
    snowy = spread_of(report.values[1], "object_change").histogram
    assert snowy == (0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0)
    (overall,) = (s for s in report.scores if s.score == "object_change")
    assert overall.histogram == tuple(map(sum, zip(violet, snowy, strict=True)))
    assert len(violet) == BINS


def test_a_score_that_never_varies_is_one_bar(folder):
    report = report_scores(folder, ReportRequest(attributes=frozenset({Attribute.WEATHER})))
    spread = spread_of(report.values[0], "object_change")
    assert spread.histogram == (2, *(0,) * 11)
    assert spread.minimum == spread.maximum == 0.3


def test_scores_that_do_not_apply_are_left_out(folder):
    report = report_scores(folder, ReportRequest())
    names = [[spread.score for spread in value.scores] for value in report.values]
    assert names == [["object_change", "edge_agreement"], ["object_change", "voided_fraction"]]
    assert {s.score for s in report.scores} == {
        *("object_change", "edge_agreement", "voided_fraction"),
    }


def test_one_attribute_is_looked_at_alone(folder):
    report = report_scores(folder, ReportRequest(attributes=frozenset({Attribute.COLOR})))
    assert [value.edit for value in report.values] == [VIOLET]
    assert (report.edits, report.accepted) == (5, 3)


def test_a_rule_is_tried_and_changes_nothing(folder):
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    rule = AcceptanceRule(min_object_change=0.02, min_edge_agreement=0.15)
    report = report_scores(folder, ReportRequest(rule=rule))
    assert report.rule == rule
    assert (report.would_accept, report.accepted) == (4, 5)
    assert [value.would_accept for value in report.values] == [2, 2]
    assert {path: path.read_bytes() for path in folder.path.iterdir()} == before


def test_a_rule_on_scores_that_nobody_computed_is_refused(folder):
    rule = AcceptanceRule(clip=ClipRule(min_image_text=0.1))
    with pytest.raises(BenchmarkError, match=r"tiny was built without \[acceptance\.clip\]"):
        report_scores(folder, ReportRequest(rule=rule))
    outline = AcceptanceRule(min_background_ssim=0.5)
    assert report_scores(folder, ReportRequest(rule=outline)).would_accept == 5


@pytest.mark.parametrize(
    "change", [{"model": "other"}, {"margin": 2.0}, {"class_map": {"car": "auto"}}]
)
def test_a_rule_whose_labels_would_be_others_is_refused(tmp_path, change):
    acceptance = '\n[acceptance.noise]\nkind = "transformers"\nmodel = "tiny"\n'
    loaded = write_recipe(tmp_path / "recipes", text=RECIPE + acceptance)
    folder = write_scored_benchmark(tmp_path / "tiny", loaded, SAMPLES)
    rule = loaded.recipe.acceptance
    noise = rule.noise.model_copy(update=change)
    (key,) = change
    with pytest.raises(BenchmarkError, match=rf"another {key} in \[acceptance\.noise\]") as caught:
        report_scores(folder, ReportRequest(rule=rule.model_copy(update={"noise": noise})))
    assert "harness build-benchmark tiny" in caught.value.remedy
    bound = noise.model_copy(update={"max_voided_fraction": 0.3, key: getattr(rule.noise, key)})
    tried = rule.model_copy(update={"noise": bound})
    assert report_scores(folder, ReportRequest(rule=tried)).would_accept == 4


def test_the_worst_of_a_score_that_no_edit_has_is_refused(folder):
    request = ReportRequest(worst=3, worst_by="clip_directional")
    with pytest.raises(BenchmarkError, match="tiny has the score clip_directional") as caught:
        report_scores(folder, request)
    assert "object_change, edge_agreement, voided_fraction" in caught.value.remedy
    weather = replace(request, worst_by="edge_agreement", attributes=frozenset({Attribute.WEATHER}))
    with pytest.raises(BenchmarkError, match="edge_agreement"):
        report_scores(folder, weather)


def test_bounds_are_suggested_for_the_edits_that_are_shown(folder):
    assert report_scores(folder, ReportRequest()).suggestions == ()
    whole = report_scores(folder, ReportRequest(suggest=0.2)).suggestions
    assert [s.key for s in whole] == [
        *("min_object_change", "min_edge_agreement", "noise.max_voided_fraction"),
    ]
    assert whole[0].by_value == {"color=violet": 1, "weather=snowy": 0}
    color = ReportRequest(suggest=0.2, attributes=frozenset({Attribute.COLOR}))
    assert report_scores(folder, color).suggestions[0].by_value == {"color=violet": 1}


def test_the_worst_edits_are_named_with_their_pictures(folder):
    report = report_scores(folder, ReportRequest(worst=2))
    assert report.worst_by == "object_change"
    assert [edit.score for edit in report.worst] == [0.01, 0.02]
    first = report.worst[0]
    sample = next(s for s in folder.samples() if s.id == first.sample_id)
    assert sample.scores.object_change == 0.01
    assert first.image == str(folder.image_path(sample.id))
    assert first.source_image == str(folder.image_path(sample.source_id))
    assert (first.accepted, first.rejection) == (False, RejectionReason.UNCHANGED)


def test_the_worst_of_what_should_be_small_are_the_greatest(folder):
    report = report_scores(folder, ReportRequest(worst=5, worst_by="voided_fraction"))
    assert [edit.score for edit in report.worst] == [0.4, 0.1]
