"""Scales or moves an object and has the hole painted by Stable-Diffusion inpainting."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from numpy.typing import NDArray

from harness.editing.diffusion.canvas import to_levels
from harness.editing.diffusion.geometry_hole import Hole, hole_of, put_together
from harness.editing.diffusion.geometry_inputs import PipelineInputs, pipeline_inputs
from harness.editing.diffusion.geometry_prompt import HoleText, hole_text
from harness.editing.diffusion.geometry_rules import geometry_rules_of
from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.diffusion.inpainting_pipeline import StableDiffusionControlNetInpaintPipeline
from harness.editing.diffusion.inversion import check_finite
from harness.editing.diffusion.presets import Paste, Rounding
from harness.editing.editor import EditRequest, EditResult, EditSource
from harness.editing.geometry.moved import MovedObject, ObjectScene, move_object
from harness.editing.geometry.placement import amount_of, object_of
from harness.editing.geometry.vacancy import vacate
from harness.editing.roles import role_table
from harness.errors import ImageEditError
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.editing import UNetPasses

CONTROL_SCALE = 0.5
"""The weight of the ControlNet: what the pipeline takes, and the published code with it, untold."""


@dataclass(frozen=True, kw_only=True)
class _Painted:
    """What the model made."""

    image: NDArray[np.uint8]
    """RGB, [H, W, 3], of the source's size."""
    latents: NDArray[np.float32] | None
    """The latents before decoding, [1, C, h, w]; None where nothing was to be painted."""
    passes: UNetPasses
    """What it cost."""


class InpaintingGeometry:
    """Makes size and position edits; the hole is painted under a segmentation ControlNet."""

    def __init__(self, model: InpaintingModel, spec: DiffusionEditorSpec) -> None:
        """Make an editor of size and position.

        Args:
            model: The inpainting model and its ControlNet.
            spec: Its `preset`, `steps` and `guidance_scale` are used.
        """
        self._model, self._spec = model, spec
        self._rules = geometry_rules_of(spec.preset)
        self._pipeline = StableDiffusionControlNetInpaintPipeline(
            vae=model.vae,
            text_encoder=model.text_encoder,
            tokenizer=model.tokenizer,
            unet=model.unet,
            controlnet=model.controlnet,
            # Its own: a pipeline steps its scheduler.
            scheduler=DDIMScheduler.from_config(model.scheduler.config),
            safety_checker=None,  # type: ignore[arg-type] # optional, says the pipeline's __init__
            feature_extractor=None,
            requires_safety_checker=False,
        )
        self._pipeline.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call] # diffusers

    def edit(self, source: EditSource, request: EditRequest) -> EditResult:
        """Return the source with its object scaled or moved, label and mask with it.

        Args:
            source: The source, already checked.
            request: A size or position edit; its target prompt, which names the object, is unused.

        Raises:
            ImageEditError: It is no size or position edit, the amount is not one, there is no
                object or nothing but the object, the image is too small or too narrow, or the
                networks gave what is no number.
        """
        scene = _scene(source, request)
        moved = move_object(scene, request.edit.value, amount_of(request))
        hole = hole_of(scene, moved, self._rules.reach)
        match self._rules.paste:
            case Paste.NOTHING:
                painted = self._paint(scene, moved, hole, seed=request.seed)
                return _result(moved, painted.image, painted)
            case Paste.OUTSIDE:
                painted = _untouched(source.image)
                # A larger object may cover all that it leaves: there is nothing to paint.
                if hole.pixels.any():
                    painted = self._paint(scene, moved, hole, seed=request.seed)
                image = put_together(source.image, painted.image, hole=hole, moved=moved)
                return _result(moved, image, painted)
            case _:
                assert_never(self._rules.paste)

    def _paint(self, scene: ObjectScene, moved: MovedObject, hole: Hole, *, seed: int) -> _Painted:
        source, rules = scene.source, self._rules
        inputs = pipeline_inputs(
            source, moved, hole, native_side=self._model.profile.native_side, rules=rules
        )
        text = hole_text(source, scene.vacancy.label[hole.core], rules.prompt)
        latents = self._run(inputs, text, seed=seed)
        check_finite(latents, "inpainting")
        decoded = self._decode(latents)
        check_finite(decoded, "decoding")
        height, width = source.label.shape
        branches = 2 if self._pipeline.do_classifier_free_guidance else 1
        return _Painted(
            image=to_levels(decoded[0], height=height, width=width, rule=Rounding.NEAREST),
            latents=latents.float().cpu().numpy(),
            passes=UNetPasses(sampling=branches * self._pipeline.num_timesteps),
        )

    def _run(self, inputs: PipelineInputs, text: HoleText, *, seed: int) -> torch.Tensor:
        """Return the final latents, [1, C, h, w]."""
        made = self._pipeline(
            prompt=text.prompt,
            negative_prompt=text.negative,
            image=inputs.image,
            mask_image=inputs.mask,
            control_image=inputs.control,
            num_inference_steps=self._spec.steps,
            guidance_scale=self._spec.guidance_scale,
            controlnet_conditioning_scale=CONTROL_SCALE,
            # Drawn on the CPU, the same noise starts an edit on every machine.
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="latent",
        ).images
        assert isinstance(made, torch.Tensor)  # noqa: S101 - what the pipeline documents
        return made

    @torch.no_grad()
    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the decoded image in -1 to 1, [1, 3, h, w]."""
        vae = self._model.vae
        decoded = vae.decode(latents / vae.config["scaling_factor"], return_dict=False)[0]
        assert isinstance(decoded, torch.Tensor)  # noqa: S101 - what diffusers documents
        return decoded


def _scene(source: EditSource, request: EditRequest) -> ObjectScene:
    mask = object_of(source, request)
    roles = role_table(source.label_space)[source.label]
    vacancy = vacate(source.label, mask, roles)
    if not vacancy.known:
        msg = f"{request.edit} leaves a hole, and nothing but the object says what it becomes"
        raise ImageEditError(msg, remedy="Use a source whose object doesn't fill the image.")
    return ObjectScene(source=source, mask=mask, roles=roles, vacancy=vacancy)


def _untouched(image: NDArray[np.uint8]) -> _Painted:
    return _Painted(image=image, latents=None, passes=UNetPasses())


def _result(moved: MovedObject, image: NDArray[np.uint8], painted: _Painted) -> EditResult:
    return EditResult(
        image=image,
        label=moved.label,
        mask=moved.covered,
        visible_fraction=moved.layer.visible,
        passes=painted.passes,
        final_latents=painted.latents,
    )
