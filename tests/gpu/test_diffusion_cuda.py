"""The diffusion editor on a CUDA device, with small random weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusion_scenes import color_request, source, weather_request

from harness.editing.diffusion.device import choose_runtime
from harness.editing.diffusion.editor import DiffusionEditor
from harness.editing.diffusion.profiles import TINY
from harness.editing.diffusion.tiny import make_tiny_model
from harness.editing.editor import EditJob
from harness.records.diffusion import DiffusionEditorSpec, MaskGuidance, Precision, Preset

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda_device")]

GUIDED = MaskGuidance(steps=2, max_tries=2, threshold=0.0)
JOBS = (
    EditJob(source=source(), requests=(color_request("violet"), weather_request("snowy"))),
    EditJob(source=source(seed=4), requests=(color_request("green"),)),
)


def _editor(device, precision, *, preset=Preset.MATCHED, **choices):
    runtime = choose_runtime(device=device, precision=precision, profile=TINY, **choices)
    model = make_tiny_model(runtime)
    model = replace(model, profile=replace(model.profile, native_side=64))
    spec = DiffusionEditorSpec(
        model="tiny", preset=preset, steps=4, inversion_steps=4, mask_guidance=GUIDED
    )
    return DiffusionEditor(model, spec, runtime=runtime)


def _images(editor):
    return [result.image for results in editor.edit_many(JOBS) for result in results]


@pytest.mark.parametrize("preset", list(Preset))
def test_a_gpu_gives_what_the_cpu_gives(preset):
    torch.backends.cudnn.allow_tf32 = False
    on_cpu = _images(_editor("cpu", Precision.FLOAT32, preset=preset))
    on_gpu = _images(_editor("cuda", Precision.FLOAT32, preset=preset))
    for one, other in zip(on_cpu, on_gpu, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 8


@pytest.mark.parametrize("precision", [Precision.FLOAT16, Precision.BFLOAT16])
@pytest.mark.parametrize("preset", list(Preset))
def test_half_precision_edits_the_object_only(precision, preset):
    scene = source()
    violet = _editor("cuda", precision, preset=preset).edit(scene, (color_request("violet"),))[0]
    assert violet.passes.guidance == 4
    assert (violet.image[scene.mask] != scene.image[scene.mask]).any()
    if preset is Preset.MATCHED:
        assert np.array_equal(violet.image[~scene.mask], scene.image[~scene.mask])


@pytest.mark.parametrize("precision", list(Precision))
def test_deterministic_results_are_bit_equal_in_any_company(precision):
    together = _editor("cuda", precision, deterministic=True).edit_many(JOBS)
    again = _editor("cuda", precision, deterministic=True)
    for job, results in zip(JOBS, together, strict=True):
        for request, result in zip(job.requests, results, strict=True):
            (alone,) = again.edit(job.source, (request,))
            assert np.array_equal(alone.image, result.image)


def test_a_compiled_unet_gives_the_same_edit():
    plain = _images(_editor("cuda", Precision.FLOAT32))
    compiled = _images(_editor("cuda", Precision.FLOAT32, compile=True))
    for one, other in zip(plain, compiled, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 8


def test_recordings_that_do_not_fit_wait_in_main_memory():
    roomy = _images(_editor("cuda", Precision.FLOAT32))
    tight = _images(_editor("cuda", Precision.FLOAT32, memory_gib=0.02))
    for one, other in zip(roomy, tight, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 8
