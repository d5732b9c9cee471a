"""A small diffusion model and small sources for the tests of the diffusion editor."""

from dataclasses import replace

import numpy as np
import torch

from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.editor import DiffusionEditor
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.tiny import make_tiny_model
from harness.editing.editor import EditRequest, EditSource
from harness.records.attributes import Edit
from harness.records.diffusion import DiffusionEditorSpec, MaskGuidance
from harness.records.label_space import LabelClass, LabelSpace

SPACE = LabelSpace(
    name="room",
    ignore_id=255,
    classes=(
        LabelClass(id=0, name="background", color=(0, 0, 0)),
        LabelClass(id=9, name="chair", color=(192, 0, 0)),
    ),
)
UNGUIDED = MaskGuidance(steps=0)


def cpu_runtime(*, deterministic: bool = False) -> Runtime:
    return Runtime(
        device=torch.device("cpu"),
        dtype=torch.float32,
        memory_bytes=2 * 2**30,
        deterministic=deterministic,
    )


def small_model(*, native_side: int = 64) -> DiffusionModel:
    """The tiny model as if it had been trained on small squares: a pass takes milliseconds."""
    model = make_tiny_model(cpu_runtime())
    return replace(model, profile=replace(model.profile, native_side=native_side))


def source(*, height: int = 48, width: int = 64, seed: int = 0) -> EditSource:
    random = np.random.Generator(np.random.Philox(seed))
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), np.bool_)
    mask[height // 3 : height // 3 * 2, width // 4 : width // 2] = True
    return EditSource(
        image=image,
        label=np.where(mask, 9, 0).astype(np.uint8),
        mask=mask,
        object_class="chair",
        label_space=SPACE,
        caption="a photo of a chair",
    )


def color_request(value: str, *, phrase: str | None = "chair") -> EditRequest:
    return EditRequest(
        edit=Edit(attribute="color", value=value),
        seed=1,
        target_prompt=f"a photo of a {value} chair",
        phrase=phrase,
    )


def weather_request(value: str) -> EditRequest:
    return EditRequest(
        edit=Edit(attribute="weather", value=value),
        seed=1,
        target_prompt=f"a photo of a chair on a {value} day",
    )


def small_editor(
    model: DiffusionModel, *, deterministic: bool = False, **settings: object
) -> DiffusionEditor:
    values = {"model": "tiny", "steps": 4, "mask_guidance": UNGUIDED, **settings}
    spec = DiffusionEditorSpec.model_validate(values)
    return DiffusionEditor(model, spec, runtime=cpu_runtime(deterministic=deterministic))
