"""Which models a process loads for its edits, where, and what is recorded of them."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.cli import diffusion_opening
from harness.cli.diffusion_opening import DiffusionSeat, open_diffusion
from harness.dataset.label_space import load_label_space
from harness.editing.diffusion.device import GIB
from harness.editing.diffusion.profiles import TINY
from harness.editing.editor import EditJob, EditRequest, EditSource
from harness.errors import ImageEditError
from harness.records.attributes import Edit
from harness.records.diffusion import DiffusionEditorSpec, GeometryMethod, Precision

MOVED, PAINTED = Edit(attribute="position", value="left"), Edit(attribute="color", value="teal")
SPEC = DiffusionEditorSpec(model="tiny", geometry_model="tiny", steps=2)
PROCEDURAL = SPEC.model_copy(update={"geometry": GeometryMethod.PROCEDURAL})


@pytest.fixture
def seat(tmp_path) -> DiffusionSeat:
    return DiffusionSeat(spec=SPEC, edits=(MOVED, PAINTED), device="cpu", cache=tmp_path)


@pytest.fixture
def loaded(monkeypatch) -> dict[str, dict]:
    """Give both models digests, and return what each was loaded with."""
    calls: dict[str, dict] = {}
    for name, file in (("load_diffusion_model", "unet/a"), ("load_inpainting_model", "vae/b")):
        load = getattr(diffusion_opening, name)

        def spy(model, *, load=load, name=name, file=file, **given):
            calls[name] = given
            return replace(load(model, **given), digests={file: file[-1] * 64})

        monkeypatch.setattr(diffusion_opening, name, spy)
    return calls


def test_the_weights_of_both_models_are_recorded(seat, loaded):
    opened = open_diffusion(seat)
    assert opened.editor.device.weights == {"unet/a": "a" * 64, "geometry/vae/b": "b" * 64}
    assert set(loaded) == {"load_diffusion_model", "load_inpainting_model"}


def test_a_model_that_no_edit_needs_is_not_loaded(seat, loaded):
    painted = open_diffusion(replace(seat, edits=(PAINTED,)))
    assert painted.editor.device.weights == {"unet/a": "a" * 64}
    open_diffusion(replace(seat, spec=PROCEDURAL))
    assert set(loaded) == {"load_diffusion_model"}
    loaded.clear()
    unmoved = open_diffusion(replace(seat, spec=PROCEDURAL, edits=(MOVED,)))
    assert (unmoved.editor.device, unmoved.meaningless, loaded) == (None, False, {})
    moved = open_diffusion(replace(seat, edits=(MOVED,)))
    assert moved.editor.device.weights == {"geometry/vae/b": "b" * 64}
    assert set(loaded) == {"load_inpainting_model"}
    assert (moved.title, moved.meaningless, moved.steps) == (None, True, None)


def test_the_number_formats_of_both_models_are_recorded(seat, monkeypatch):
    describe = diffusion_opening.describe_runtime

    def on_gpu(runtime, **given):  # what a GPU's profiles differ in, and no CPU's
        return describe(runtime, **given).model_copy(update={"precision": Precision.FLOAT16})

    monkeypatch.setattr(diffusion_opening, "describe_runtime", on_gpu)

    def formats(**changes):
        device = open_diffusion(replace(seat, **changes)).editor.device
        return device.precision, device.geometry_precision

    assert formats() == ("float32", "float16")
    assert formats(edits=(PAINTED,)) == ("float32", None)
    assert formats(edits=(MOVED,)) == ("float16", "float16")


def test_the_model_that_fills_holes_is_never_compiled(seat):
    moved = open_diffusion(replace(seat, edits=(MOVED,), compile_unet=True))
    assert not moved.editor.device.compiled


def test_geometry_alone_checks_its_sources(seat):
    editor = open_diffusion(replace(seat, spec=PROCEDURAL, edits=(MOVED,))).editor
    request = EditRequest(edit=MOVED, seed=1, target_prompt="a photo of a chair")
    broken = EditSource(
        image=np.zeros((4, 4), np.uint8),
        label=np.zeros((4, 4), np.uint8),
        mask=np.ones((4, 4), np.bool_),
        object_class="car",
        label_space=load_label_space("camvid"),
        caption="a photo of a car",
    )
    with pytest.raises(ImageEditError, match="not uint8"):
        editor.edit_many((EditJob(source=broken, requests=(request,)),))


def test_weights_are_looked_for_in_the_folders_that_were_named(seat, loaded, tmp_path):
    open_diffusion(replace(seat, folder=Path("here"), geometry_folder=Path("there")))
    places = {name: given["place"] for name, given in loaded.items()}
    assert str(places["load_diffusion_model"].folder) == "here"
    assert str(places["load_inpainting_model"].folder) == "there"
    assert {place.digests for place in places.values()} == {tmp_path / "digests.json"}


def test_memory_that_was_asked_for_is_shared_by_both_models(seat, loaded):
    open_diffusion(replace(seat, memory_gib=2.0))
    first = loaded["load_inpainting_model"]["runtime"]
    second = loaded["load_diffusion_model"]["runtime"]
    assert first.memory_bytes == 2 * GIB
    assert second.memory_bytes == pytest.approx(2 * GIB - first.weights_bytes, abs=1)


def test_what_is_said_of_an_editor(seat):
    opened = open_diffusion(seat)
    assert (opened.title, opened.meaningless) == (TINY.title, True)
    assert opened.steps == 2 + 2 * 2  # one inversion, two edits


def test_what_a_process_needs_can_be_sent_to_it(seat):
    assert pickle.loads(pickle.dumps(seat)) == seat  # noqa: S301 - our own bytes
