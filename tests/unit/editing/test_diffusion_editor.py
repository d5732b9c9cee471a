import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusion_scenes import (
    color_request,
    cpu_runtime,
    small_editor,
    small_model,
    source,
    weather_request,
)

from harness.editing.diffusion import appearance
from harness.editing.diffusion.batching import BatchLimits
from harness.editing.diffusion.editor import DiffusionEditor
from harness.editing.diffusion.sampling import Sampler
from harness.editing.editor import EditJob, EditRequest, EditResult
from harness.errors import DeviceError, ImageEditError
from harness.records.attributes import Edit
from harness.records.diffusion import DiffusionEditorSpec, MaskGuidance, Preset
from harness.records.editing import UNetPasses

TOLERANCE = 2
"""Grey levels by which an edit may depend on its company (docs/diffusion-editing.md)."""
GUIDED = MaskGuidance(steps=2, max_tries=2, threshold=0.0)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def matched(model):
    return small_editor(model)


def test_a_local_edit_changes_its_object_and_nothing_else(matched):
    scene = source()
    (result,) = matched.edit(scene, (color_request("violet"),))
    assert result.image.shape == scene.image.shape
    assert np.array_equal(result.image[~scene.mask], scene.image[~scene.mask])
    assert not np.array_equal(result.image[scene.mask], scene.image[scene.mask])
    assert np.array_equal(result.label, scene.label)
    assert np.array_equal(result.mask, scene.mask)


def test_outside_random_masks_every_pixel_is_the_source_s(matched):
    random = np.random.Generator(np.random.Philox(9))
    for share in (0.02, 0.3, 0.7, 0.98):
        scene = source()
        mask = random.random(scene.mask.shape) < share
        scene = replace(scene, mask=mask)
        (result,) = matched.edit(scene, (color_request("green"),))
        assert np.array_equal(result.image[~mask], scene.image[~mask])


def test_a_global_edit_may_change_every_pixel_and_needs_no_object(matched):
    scene = replace(source(), mask=None, object_class=None)
    (result,) = matched.edit(scene, (weather_request("snowy"),))
    assert result.mask is None
    assert (result.image != scene.image).any(axis=2).mean() > 0.9
    assert np.array_equal(result.label, scene.label)


def test_the_final_latents_are_those_that_were_decoded(matched, model):
    scene = source(height=64, width=64)
    (result,) = matched.edit(replace(scene, mask=None), (weather_request("rainy"),))
    assert result.final_latents.shape == (1, 4, 8, 8)
    assert result.final_latents.dtype == np.float32
    with torch.no_grad():
        decoded = model.vae.decode(torch.from_numpy(result.final_latents) / 0.18215).sample[0]
    levels = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    assert np.abs(levels - result.image).max() <= 1


def test_the_size_of_the_image_is_kept(matched):
    for height, width in ((16, 16), (40, 100), (333, 200)):
        scene = source(height=height, width=width)
        (result,) = matched.edit(scene, (color_request("violet"),))
        assert result.image.shape == (height, width, 3)


def test_inversion_is_shared_and_passes_are_counted(model):
    rows = []
    handle = model.unet.register_forward_pre_hook(lambda _, given: rows.append(given[0].shape[0]))
    try:
        editor = small_editor(model, mask_guidance=GUIDED, inversion_steps=8)
        results = editor.edit(
            source(), (color_request("violet"), weather_request("snowy"), color_request("red"))
        )
    finally:
        handle.remove()
    passes = [result.passes for result in results]
    assert passes[0] == UNetPasses(inversion=8, sampling=8, guidance=4)
    assert passes[1] == UNetPasses(inversion=0, sampling=8, guidance=0)
    assert passes[2] == UNetPasses(inversion=0, sampling=8, guidance=4)
    total = sum(p.inversion + p.sampling + p.guidance for p in passes)
    assert sum(rows) == total


def test_the_published_preset_runs_its_source_branch_again(model):
    rows = []
    handle = model.unet.register_forward_pre_hook(lambda _, given: rows.append(given[0].shape[0]))
    try:
        editor = small_editor(model, preset="published", inversion_steps=10, steps=5)
        results = editor.edit(source(), (color_request("violet"), color_request("red")))
    finally:
        handle.remove()
    assert [r.passes.inversion for r in results] == [10, 0]
    assert [r.passes.sampling for r in results] == [15, 10]  # one source branch for both
    assert sum(rows) == 35


def test_the_published_inversion_has_999_steps(model):
    assert small_editor(model, preset="published").inversion_steps == 999
    assert small_editor(model, preset="published", inversion_steps=8).inversion_steps == 8
    assert small_editor(model).inversion_steps == 4


def telling_editor(model, *, deterministic=False, geometry=None):
    told = []
    spec = DiffusionEditorSpec(
        model="tiny", steps=3, inversion_steps=9, mask_guidance=MaskGuidance(steps=0)
    )
    runtime = cpu_runtime(deterministic=deterministic)
    editor = DiffusionEditor(model, spec, runtime=runtime, geometry=geometry, on_step=told.append)
    return editor, told


def edits_of(requests):
    return tuple(request.edit for request in requests)


@pytest.mark.parametrize("rows", [64, 2])
@pytest.mark.parametrize("deterministic", [False, True])
def test_every_step_is_told_whatever_the_batches(model, monkeypatch, rows, deterministic):
    limits = BatchLimits(rows=rows, guided_rows=rows, sources=rows, alone=deterministic)
    monkeypatch.setattr(appearance, "find_limits", lambda *_, **__: limits)
    editor, told = telling_editor(model, deterministic=deterministic)
    requests = (weather_request("snowy"), color_request("violet"), color_request("red"))
    editor.edit(source(), requests)
    assert sum(told) == editor.steps_of(edits_of(requests)) == 9 + 3 * 3
    in_one = rows == 64 and not deterministic
    assert told == [1] * 9 + ([3] * 3 if in_one else [1] * 9)


def test_steps_that_are_taken_again_are_taken_back(model, monkeypatch):
    run = Sampler.run

    def scarce(self, groups):
        made = run(self, groups)
        if sum(len(group.edits) for group in groups) > 1:
            raise torch.OutOfMemoryError
        return made

    monkeypatch.setattr(Sampler, "run", scarce)
    monkeypatch.setattr(appearance.torch.cuda, "empty_cache", lambda: None)
    editor, told = telling_editor(model)
    requests = (weather_request("snowy"), weather_request("rainy"))
    editor.edit(source(), requests)
    assert sum(told) == editor.steps_of(edits_of(requests)) == 9 + 2 * 3
    assert -(9 + 2 * 3) in told


def test_a_geometry_edit_counts_as_if_it_were_sampled(model):
    editor, told = telling_editor(model, geometry=_Mover())
    moved = EditRequest(edit=Edit(attribute="size", value="larger"), seed=1, target_prompt="a")
    requests = (moved, weather_request("snowy"))
    editor.edit(source(), requests)
    assert sum(told) == editor.steps_of(edits_of(requests)) == 3 + 9 + 3
    assert editor.steps_of((moved.edit,)) == 3


@pytest.mark.parametrize("preset", list(Preset))
def test_results_hardly_depend_on_the_company(model, preset):
    editor = small_editor(model, preset=preset, inversion_steps=4, mask_guidance=GUIDED)
    jobs = (
        EditJob(source=source(), requests=(color_request("violet"), weather_request("snowy"))),
        EditJob(source=source(seed=4), requests=(color_request("green"),)),
        EditJob(source=source(height=64, width=48, seed=2), requests=(color_request("red"),)),
    )
    together = editor.edit_many(jobs)
    for job, results in zip(jobs, together, strict=True):
        for request, result in zip(job.requests, results, strict=True):
            (alone,) = editor.edit(job.source, (request,))
            difference = np.abs(alone.image.astype(int) - result.image.astype(int))
            assert difference.max() <= TOLERANCE


def test_deterministic_results_are_bit_equal_in_any_company(model):
    editor = small_editor(model, deterministic=True, mask_guidance=GUIDED)
    jobs = (
        EditJob(source=source(), requests=(color_request("violet"), weather_request("snowy"))),
        EditJob(source=source(seed=4), requests=(color_request("green"),)),
    )
    together = editor.edit_many(jobs)
    again = small_editor(small_model(), deterministic=True, mask_guidance=GUIDED)
    for job, results in zip(jobs, together, strict=True):
        for request, result in zip(job.requests, results, strict=True):
            (alone,) = again.edit(job.source, (request,))
            assert np.array_equal(alone.image, result.image)
            assert np.array_equal(alone.final_latents, result.final_latents)


def test_guidance_changes_the_object(model):
    (plain,) = small_editor(model).edit(source(), (color_request("violet"),))
    (guided,) = small_editor(model, mask_guidance=GUIDED).edit(source(), (color_request("violet"),))
    assert guided.passes.guidance == 4
    assert not np.array_equal(plain.image, guided.image)


def test_without_injection_the_source_s_structure_is_lost(model):
    scene = replace(source(), mask=None)
    (kept,) = small_editor(model).edit(scene, (weather_request("snowy"),))
    (lost,) = small_editor(model, attention_injection=0, feature_injection=0).edit(
        scene, (weather_request("snowy"),)
    )
    assert not np.array_equal(kept.image, lost.image)


class _Mover:
    def __init__(self):
        self.asked = []

    def edit(self, source, request):
        self.asked.append(request)
        return EditResult(image=source.image, label=source.label, mask=source.mask)


def test_geometry_edits_go_to_their_own_editor_in_order(model):
    mover = _Mover()
    spec = DiffusionEditorSpec.model_validate(
        {"model": "tiny", "steps": 2, "mask_guidance": MaskGuidance(steps=0)}
    )
    editor = DiffusionEditor(model, spec, runtime=cpu_runtime(), geometry=mover)
    larger = EditRequest(
        edit=Edit(attribute="size", value="larger"), seed=1, target_prompt="", amount=0.2
    )
    results = editor.edit(source(), (larger, color_request("violet"), larger))
    assert mover.asked == [larger, larger]
    assert [r.passes is None for r in results] == [True, False, True]


def test_geometry_without_its_model_is_refused(matched):
    larger = EditRequest(edit=Edit(attribute="size", value="larger"), seed=1, target_prompt="")
    with pytest.raises(ImageEditError, match="size=larger needs an inpainting model"):
        matched.edit(source(), (larger,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": None}, "needs an object, and the source has no object mask"),
        ({"mask": np.zeros((48, 64), np.bool_)}, "object mask is empty"),
        ({"mask": np.ones((64, 48), np.bool_)}, r"mask is bool \[64, 48\]"),
        ({"mask": np.ones((48, 64), np.uint8)}, "mask is uint8"),
        ({"image": np.zeros((48, 64), np.uint8)}, r"image is uint8 \[48, 64\]"),
        ({"image": np.zeros((48, 64, 3), np.float32)}, "image is float32"),
        ({"label": np.zeros((48, 63), np.uint8)}, r"label is uint8 \[48, 63\]"),
        ({"caption": "a chair " * 90}, "the text encoder takes 75"),
    ],
)
def test_a_malformed_source_is_refused(matched, change, message):
    with pytest.raises(ImageEditError, match=message):
        matched.edit(replace(source(), **change), (color_request("violet"),))


def test_a_tiny_image_is_refused(matched):
    scene = source()
    scene = replace(
        scene,
        image=np.zeros((1, 1, 3), np.uint8),
        label=np.zeros((1, 1), np.uint8),
        mask=np.ones((1, 1), np.bool_),
    )
    with pytest.raises(ImageEditError, match="1 x 1, under 16 pixels"):
        matched.edit(scene, (color_request("violet"),))


def test_a_phrase_that_the_prompt_lacks_is_refused(model):
    editor = small_editor(model, mask_guidance=GUIDED)
    with pytest.raises(ImageEditError, match="'sofa' does not occur in the prompt"):
        editor.edit(source(), (color_request("violet", phrase="sofa"),))
    with pytest.raises(ImageEditError, match="no phrase names them"):
        editor.edit(source(), (color_request("violet", phrase=None),))


def test_weights_that_give_no_numbers_are_refused():
    broken = small_model()
    with torch.no_grad():
        broken.unet.conv_out.bias.fill_(float("nan"))
    with pytest.raises(ImageEditError, match="NaN or infinite latents"):
        small_editor(broken).edit(source(), (weather_request("snowy"),))


def test_an_autoencoder_that_gives_no_numbers_is_refused():
    broken = small_model()
    with torch.no_grad():
        broken.vae.decoder.conv_out.bias.fill_(float("nan"))
    with pytest.raises(ImageEditError, match="decoding left the range of numbers"):
        small_editor(broken).edit(source(), (color_request("violet"),))


def test_geometry_s_memory_is_told_as_well(model):
    class Greedy:
        def edit(self, *_):
            raise torch.OutOfMemoryError

    spec = DiffusionEditorSpec(model="tiny", steps=2, mask_guidance=MaskGuidance(steps=0))
    editor = DiffusionEditor(model, spec, runtime=cpu_runtime(), geometry=Greedy())
    larger = EditRequest(edit=Edit(attribute="size", value="larger"), seed=1, target_prompt="")
    with pytest.raises(DeviceError, match="too little memory for size=larger"):
        editor.edit(source(), (larger,))


def test_what_ran_out_once_is_not_tried_again(model, monkeypatch):
    run, tried = Sampler.run, []

    def scarce(self, groups):
        edits = sum(len(group.edits) for group in groups)
        tried.append(edits)
        if edits > 1:
            raise torch.OutOfMemoryError
        return run(self, groups)

    monkeypatch.setattr(Sampler, "run", scarce)
    monkeypatch.setattr(appearance.torch.cuda, "empty_cache", lambda: None)
    editor = small_editor(model)
    requests = (color_request("violet"), color_request("red"))
    editor.edit(source(), requests)
    tried.clear()
    editor.edit(source(seed=3), requests)
    assert tried == [1, 1]


def test_a_walk_that_misses_timesteps_is_refused_at_once(model):
    with pytest.raises(ImageEditError, match="30 inversion steps don't pass through"):
        small_editor(model, steps=50, inversion_steps=30)


def test_where_memory_runs_out_less_is_done_at_a_time(model, monkeypatch, caplog):
    run = Sampler.run

    def scarce(self, groups):
        if sum(len(group.edits) for group in groups) > 1:
            raise torch.OutOfMemoryError
        return run(self, groups)

    monkeypatch.setattr(Sampler, "run", scarce)
    monkeypatch.setattr(appearance.torch.cuda, "empty_cache", lambda: None)
    requests = (color_request("violet"), color_request("red"), weather_request("snowy"))
    with caplog.at_level(logging.WARNING):
        results = small_editor(model, mask_guidance=GUIDED).edit(source(), requests)
    assert "memory ran out; going on with" in caplog.text
    assert [r.passes.guidance for r in results] == [4, 4, 0]  # what failed is not counted
    monkeypatch.setattr(Sampler, "run", run)
    whole = small_editor(model, mask_guidance=GUIDED).edit(source(), requests)
    for one, other in zip(results, whole, strict=True):
        assert np.abs(one.image.astype(int) - other.image.astype(int)).max() <= TOLERANCE


def test_too_little_memory_for_one_edit_says_what_helps(model, monkeypatch):
    def never(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Sampler, "run", never)
    monkeypatch.setattr(appearance.torch.cuda, "empty_cache", lambda: None)
    with pytest.raises(DeviceError, match="too little memory for one edit") as caught:
        small_editor(model).edit(source(), (weather_request("snowy"),))
    assert "half precision" in caught.value.remedy


def test_the_device_is_described(matched):
    assert matched.device.device == "cpu"
    assert matched.device.torch == torch.__version__


def test_no_requests_no_work(matched, model):
    rows = []
    handle = model.unet.register_forward_pre_hook(lambda *_: rows.append(1))
    assert matched.edit(source(), ()) == ()
    handle.remove()
    assert rows == []
