"""What is refused of a job before any model is loaded."""

from dataclasses import replace

import numpy as np
import pytest
from diffusion_scenes import UNGUIDED, color_request, source, weather_request

from harness.editing.diffusion.preflight import Preflight
from harness.editing.editor import EditJob, EditRequest
from harness.errors import ImageEditError, WeightsError
from harness.records.attributes import Edit
from harness.records.diffusion import DiffusionEditorSpec, GeometryMethod, Preset

SNOWY = weather_request("snowy")
VIOLET = color_request("violet")
LEFT = EditRequest(edit=Edit(attribute="position", value="left"), seed=1, target_prompt="a chair")


def preflight(*edits, **settings):
    spec = DiffusionEditorSpec.model_validate({"geometry_model": "tiny", **settings})
    return Preflight(spec, edits)


def check(scene, *requests, **settings):
    job = EditJob(source=scene, requests=requests)
    preflight(*(request.edit for request in requests), **settings).check(job)


def test_what_can_be_edited_passes():
    check(source(), VIOLET, SNOWY, LEFT)
    check(source(), VIOLET, SNOWY, LEFT, preset=Preset.PUBLISHED)
    check(replace(source(), mask=None), SNOWY)


@pytest.mark.parametrize(
    ("scene", "request_", "words"),
    [
        (source(height=15, width=60), SNOWY, "60 x 15, under 16 pixels a side"),
        (source(height=16, width=8000), VIOLET, "the image is 8000 x 16: with its aspect kept"),
        (source(height=16, width=8000), LEFT, "the image is 8000 x 16: with its aspect kept"),
        (replace(source(), mask=None), VIOLET, "the source has no object mask"),
        (replace(source(), mask=np.zeros((48, 64), np.bool_)), LEFT, "object mask is empty"),
        (replace(source(), mask=np.ones((4, 4), np.bool_)), SNOWY, "the mask is bool"),
        (source(), color_request("red", phrase="sofa"), "'sofa' does not occur in the prompt"),
        (source(), color_request("red", phrase=None), "no phrase names them"),
        (source(), replace(LEFT, amount=2.0), "not 2.0"),
        (source(), replace(LEFT, edit=Edit(attribute="size", value="huge")), "neither scales nor"),
    ],
)
def test_what_can_not_says_why(scene, request_, words):
    with pytest.raises(ImageEditError, match=words):
        check(scene, request_)


def test_without_guidance_no_phrase_is_needed():
    check(source(), color_request("red", phrase=None), mask_guidance=UNGUIDED)


def test_a_square_canvas_takes_a_narrow_image():
    check(source(height=16, width=8000), VIOLET, preset=Preset.PUBLISHED)


def test_sizes_are_those_that_the_edits_need():
    assert not preflight(SNOWY.edit).fits(16, 8000)
    assert preflight(SNOWY.edit).fits(480, 360)
    assert preflight(SNOWY.edit, preset=Preset.PUBLISHED).fits(16, 8000)
    assert not preflight(LEFT.edit).fits(16, 8000)
    assert preflight(LEFT.edit, geometry=GeometryMethod.PROCEDURAL).fits(16, 8000)


def test_a_model_that_no_edit_needs_is_not_asked_for():
    assert preflight(LEFT.edit, model="nowhere").fits(64, 64)
    assert preflight(SNOWY.edit, geometry_model="nowhere").fits(64, 64)
    with pytest.raises(WeightsError, match="'nowhere' is neither"):
        preflight(SNOWY.edit, model="nowhere")
