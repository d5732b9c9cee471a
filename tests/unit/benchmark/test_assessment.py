"""Bounds are judged when all is edited: a build asks its models once, and edits nothing twice."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from assessment_fakes import CLIP, NOISE, Embedder, Losses, opening
from benchmark_fakes import build_request, tree, write_recipe

from harness.benchmark.assessing.assessment import Assessors
from harness.benchmark.build import build_benchmark, find_sources
from harness.dataset.benchmark_folder import FILTERED, BenchmarkFolder
from harness.errors import BenchmarkError, WeightsError
from harness.records.acceptance import RejectionReason


def clip_request(tmp_path, embedder, bounds="", **changes):
    loaded = write_recipe(tmp_path / "recipes", text=CLIP + bounds)
    assessors = Assessors(clip=opening(embedder))
    return build_request(tmp_path, loaded=loaded, assessors=assessors, **changes)


def build(request):
    return build_benchmark(request, find_sources(request))


def samples(request):
    return BenchmarkFolder(request.folder).samples()


def test_every_edit_has_clip_scores_rejected_ones_too_and_the_header_names_the_model(tmp_path):
    request = clip_request(tmp_path, Embedder())
    build(request)
    edits = [sample for sample in samples(request) if sample.edit is not None]
    assert any(not edit.accepted for edit in edits)
    assert all(edit.scores.clip_image_image is not None for edit in edits)
    assert all(sample.scores is None for sample in samples(request) if sample.edit is None)
    environment = BenchmarkFolder(request.folder).header().environment
    assert environment.assessment.clip == Embedder.digests


def test_another_bound_edits_nothing_and_asks_no_model_again(tmp_path):
    lenient = clip_request(tmp_path, Embedder())
    first = build(lenient)
    embedder = Embedder()
    strict = build(clip_request(tmp_path, embedder, "min_image_image = 0.99999\n"))

    assert strict.counts.kept_sources == strict.counts.sources
    assert embedder.seen == 0
    assert strict.digest != first.digest
    # Of the two cars, only the larger one changes the mean colour enough.
    by_value = {str(value.edit): value.rejected for value in strict.counts.values}
    assert by_value["color=violet"] == {RejectionReason.UNLIKE_SOURCE: 1}
    # What hardly changed is rejected for that first, however like its source it is.
    assert by_value["color=blue"] == {RejectionReason.UNCHANGED: 2}
    assert build(clip_request(tmp_path, embedder)).digest == first.digest


def test_order_and_processes_do_not_change_what_models_say(tmp_path):
    here = clip_request(tmp_path, Embedder(), folder="here")
    there = clip_request(tmp_path, Embedder(), folder="there", workers=2)
    assert build(here).digest == build(there).digest
    assert tree(here.folder) == tree(there.folder)


@pytest.mark.parametrize(("text", "key"), [(CLIP, "clip"), (NOISE, "noise")])
def test_a_filter_without_its_model_is_a_defect_that_is_told(tmp_path, text, key):
    request = build_request(tmp_path, loaded=write_recipe(tmp_path / "recipes", text=text))
    with pytest.raises(BenchmarkError, match=f"{key} filter"):
        build(request)


def missing(_classes):
    msg = "the CLIP model was not found"
    raise WeightsError(msg, remedy="Fetch it.")


def test_a_model_that_is_missing_is_told_before_any_edit_and_takes_no_benchmark_away(tmp_path):
    request = clip_request(tmp_path, Embedder())
    assessors = Assessors(clip=opening(Embedder()), check=missing)
    with pytest.raises(WeightsError):
        build(replace(request, assessors=assessors))
    assert not request.folder.exists()

    build(request)
    kept = tree(request.folder)
    with pytest.raises(WeightsError):
        build(replace(request, assessors=assessors))
    assert tree(request.folder) == kept


def test_the_classes_that_are_taken_are_what_models_are_checked_for(tmp_path):
    asked = []
    assessors = Assessors(clip=opening(Embedder()), check=asked.append)
    build(replace(clip_request(tmp_path, Embedder()), assessors=assessors))
    assert asked == [("car",)]


def test_a_model_that_fails_after_the_edits_leaves_the_benchmark_that_was_there(tmp_path):
    @contextmanager
    def failing():
        missing(())
        yield

    request = clip_request(tmp_path, Embedder())
    build(request)
    kept = tree(request.folder)
    loaded = write_recipe(tmp_path / "recipes", text=NOISE)
    with pytest.raises(WeightsError):
        build(replace(request, loaded=loaded, assessors=Assessors(losses=failing)))
    assert tree(request.folder) == kept


def test_a_fresh_build_asks_its_models_anew(tmp_path):
    request = clip_request(tmp_path, Embedder())
    build(request)
    embedder = Embedder()
    build(replace(request, assessors=Assessors(clip=opening(embedder)), fresh=True))
    assert embedder.seen > 0


def test_the_noise_filter_writes_labels_beside_the_original(tmp_path):
    losses = Losses()
    loaded = write_recipe(tmp_path / "recipes", text=NOISE)
    assessors = Assessors(losses=opening(losses))
    request = build_request(tmp_path, loaded=loaded, assessors=assessors)
    build(request)
    folder = BenchmarkFolder(request.folder)
    filtered = [s for s in folder.samples() if s.filtered_label_sha256 is not None]
    assert filtered
    for sample in filtered:
        original, scored = folder.original_label(sample), folder.label(sample)
        voided = original != scored
        mask = folder.mask(sample)
        assert voided.any()
        assert mask[voided].all()
        assert (scored[voided] == 11).all()
        share = np.count_nonzero(voided) / np.count_nonzero(mask)
        assert sample.scores.voided_fraction == pytest.approx(share, abs=1e-6)
    kept = tree(request.folder)
    assert {f"{FILTERED}/{sample.id}.png" for sample in filtered} <= set(kept)

    again = Losses()
    build(replace(request, assessors=Assessors(losses=opening(again))))
    assert again.asked == 0
    assert tree(request.folder) == kept


def test_without_the_filter_its_labels_go(tmp_path):
    loaded = write_recipe(tmp_path / "recipes", text=NOISE)
    request = build_request(tmp_path, loaded=loaded, assessors=Assessors(losses=opening(Losses())))
    build(request)
    plain = build_request(tmp_path)
    build(plain)
    assert not any(path.startswith(FILTERED) for path in tree(plain.folder))
    assert all(sample.filtered_label_sha256 is None for sample in samples(plain))
