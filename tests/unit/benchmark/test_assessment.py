"""Bounds are judged when all is edited: a build asks its models once, and edits nothing twice."""

from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from benchmark_fakes import RECIPE, build_request, tree, write_recipe

from harness.acceptance.loss_reader import LossMap
from harness.benchmark.assessment import Assessors
from harness.benchmark.build import build_benchmark, find_sources
from harness.dataset.benchmark_folder import FILTERED, BenchmarkFolder
from harness.dataset.image_io import decode_rgb
from harness.errors import BenchmarkError
from harness.records.acceptance import RejectionReason

CLIP = RECIPE + '\n[acceptance.clip]\nmodel = "fake"\n'
NOISE = RECIPE + '\n[acceptance.noise]\nkind = "transformers"\nmodel = "fake"\n'


class Embedder:
    """Embeds an image by its mean colour and a text by its length."""

    digests: ClassVar = {"model.safetensors": "c" * 64}

    def __init__(self) -> None:
        self.seen = 0

    def images(self, images):
        self.seen += len(images)
        return _unit(np.array([image.reshape(-1, 3).mean(axis=0) + 1 for image in images]))

    def texts(self, texts):
        return _unit(np.array([[len(text), 1, 0] for text in texts], float))


class Losses:
    """Finds every pixel of an image with a violet tint a hundred times as hard."""

    digests: ClassVar = {"model.safetensors": "d" * 64}
    identity = "fake"

    def __init__(self) -> None:
        self.asked = 0

    def check_classes(self, class_names):
        assert list(class_names) == ["car"]

    def read(self, requests, *, on_loss):
        for request in requests:
            self.asked += 1
            pixels = decode_rgb(request.png, name=request.id).astype(int)
            losses = np.where(pixels.min(axis=2) >= 40, 5000, 50).astype(np.uint16)
            on_loss(LossMap(id=request.id, losses=losses))


def _unit(vectors):
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype(np.float32)


def opening(model):
    @contextmanager
    def opened():
        yield model

    return opened


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
