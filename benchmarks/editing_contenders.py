"""The three ways to make the same edits that `editing` compares, each on the same networks."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.editing_clock import NetworkClock, Pass, Walk
from benchmarks.editing_loop import LoopSettings, PlainLoop
from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.editor import DiffusionEditor
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.editor import EditRequest, EditSource
from harness.records.attributes import Attribute, Edit
from harness.records.diffusion import DiffusionEditorSpec, MaskGuidance, Preset
from harness.records.label_space import LabelClass, LabelSpace

PHRASE = "car"
COLORS = ("violet", "yellow", "tan", "green", "blue", "pink", "orange", "multi")
SPACE = LabelSpace(
    name="street",
    ignore_id=255,
    classes=(
        LabelClass(id=0, name="road", color=(90, 90, 90)),
        LabelClass(id=1, name=PHRASE, color=(20, 40, 200)),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run over the edits of a source."""

    passes: tuple[Pass, ...]
    """What it consisted of."""
    latents: tuple[NDArray[np.float32], ...]
    """The final latents of each edit, [1, C, h, w]."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to make edits."""

    name: str
    """What the table calls it."""
    run: Callable[[int, Walk], Run]
    """Makes so many edits of the source by that walk."""
    walk: Walk
    """Its whole walk."""
    repeats_itself: bool = False
    """Whether K edits are K times one edit after the inversion, so that one tells of all."""


def synthetic_source(side: int, *, seed: int = 1) -> EditSource:
    """Return a square scene of coarse noise with an ellipse for an object."""
    random = np.random.Generator(np.random.Philox(seed))
    coarse = random.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    label = np.zeros((side, side), np.uint8)
    center, axes = (side // 2, side * 3 // 5), (side * 3 // 10, side // 5)
    cv2.ellipse(label, center, axes, 0, 0, 360, 1, -1)
    image = cv2.resize(coarse, (side, side)) // 2 + label[..., None] * np.uint8(90)
    return EditSource(
        image=image.astype(np.uint8),
        label=label,
        mask=label > 0,
        object_class=PHRASE,
        label_space=SPACE,
        caption=f"a photo of a {PHRASE} on a road",
    )


def color_requests(count: int) -> tuple[EditRequest, ...]:
    """Return `count` edits of the object's color."""
    return tuple(
        EditRequest(
            edit=Edit(attribute=Attribute.COLOR, value=color),
            seed=0,
            target_prompt=f"a photo of a {color} {PHRASE} on a road",
            phrase=PHRASE,
        )
        for color in (COLORS * -(-count // len(COLORS)))[:count]
    )


def with_side(model: DiffusionModel, side: int) -> DiffusionModel:
    """Return `model` as one whose pictures are `side` pixels wide."""
    return replace(model, profile=replace(model.profile, native_side=side))


def contenders(
    model: DiffusionModel,
    runtime: Runtime,
    *,
    whole: Walk,
    loss_scale: float = 1.0,
    threshold: float = 0.0,
) -> tuple[Contender, ...]:
    """Return the plain loop, which all are compared with, and the two presets.

    Args:
        model: The model that all use.
        runtime: Where it computes.
        whole: The walk of the published procedure.
        loss_scale: What the guidance loss is multiplied by.
        threshold: The loss at which guidance is over; 0 makes every pass that is allowed.
    """
    guidance = MaskGuidance(loss_scale=loss_scale, threshold=threshold)
    source = synthetic_source(model.profile.native_side)

    def loop(count: int, walk: Walk) -> Run:
        return _run_loop(model, source, count, walk, guidance=guidance)

    def preset(name: Preset) -> Callable[[int, Walk], Run]:
        def run(count: int, walk: Walk) -> Run:
            spec = _spec(name, walk, guidance=guidance)
            editor = DiffusionEditor(model, spec, runtime=runtime)
            clock = NetworkClock(walk=walk)
            with clock.watching(model):
                results = editor.edit(source, color_requests(count))
            latents = tuple(r.final_latents for r in results if r.final_latents is not None)
            return Run(passes=clock.passes(), latents=latents)

        return run

    matched = replace(whole, inversion_steps=whole.steps, recorded=True)
    return (
        Contender(name="loop", run=loop, walk=whole, repeats_itself=True),
        Contender(name=Preset.PUBLISHED.value, run=preset(Preset.PUBLISHED), walk=whole),
        Contender(name=Preset.MATCHED.value, run=preset(Preset.MATCHED), walk=matched),
    )


def relative_difference(found: Run, expected: Run) -> float:
    """Return the greatest |a - b| / |b| over the edits, of their final latents."""
    pairs = zip(found.latents, expected.latents, strict=True)
    return max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs)


def _run_loop(
    model: DiffusionModel, source: EditSource, count: int, walk: Walk, *, guidance: MaskGuidance
) -> Run:
    loop = PlainLoop(
        model=model,
        settings=LoopSettings(
            steps=walk.steps,
            inversion_steps=walk.inversion_steps,
            guided_steps=walk.guided_steps,
            max_tries=max(1, walk.tries),
            threshold=guidance.threshold,
            loss_scale=guidance.loss_scale,
        ),
    )
    if source.mask is None:
        msg = "the source has no object"
        raise ValueError(msg)
    clock = NetworkClock(walk=walk)
    with torch.no_grad(), clock.watching(model):
        edits = loop.edit(
            source.image,
            source.mask,
            caption=source.caption,
            targets=tuple(request.target_prompt for request in color_requests(count)),
            phrase=PHRASE,
        )
    return Run(passes=clock.passes(), latents=tuple(edit.latents.numpy() for edit in edits))


def _spec(preset: Preset, walk: Walk, *, guidance: MaskGuidance) -> DiffusionEditorSpec:
    return DiffusionEditorSpec(
        preset=preset,
        steps=walk.steps,
        inversion_steps=walk.inversion_steps,
        mask_guidance=guidance.model_copy(
            update={"steps": walk.guided_steps, "max_tries": max(1, walk.tries)}
        ),
    )
