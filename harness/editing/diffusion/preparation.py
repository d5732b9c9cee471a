"""A source and its requests in the form that inversion and sampling take; checks them first."""

from dataclasses import dataclass

import torch

from harness.editing.diffusion.canvas import Canvas, fit_canvas, to_latent_mask, to_tensor
from harness.editing.diffusion.guidance import GuidedEdit
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.presets import PresetRules
from harness.editing.diffusion.sampling import SampledEdit
from harness.editing.diffusion.text import embed, token_places
from harness.editing.editor import EditJob, EditRequest, EditSource
from harness.errors import ImageEditError
from harness.records.attributes import Scope
from harness.records.diffusion import MaskGuidance


@dataclass(frozen=True, kw_only=True)
class PreparedJob:
    """The appearance edits of one source, ready to be computed."""

    source: EditSource
    """The source."""
    requests: tuple[EditRequest, ...]
    """The edits."""
    canvas: Canvas
    """The size at which they are made."""
    caption: torch.Tensor
    """The embedded caption, [1, tokens, width]."""
    edits: tuple[SampledEdit, ...]
    """The edits as sampling takes them."""


def prepare(
    model: DiffusionModel, job: EditJob, *, rules: PresetRules, guidance: MaskGuidance
) -> PreparedJob:
    """Return `job` in the form that the computation takes.

    Raises:
        ImageEditError: The source or a request can't be edited.
    """
    source = job.source
    canvas = fit_canvas(
        *source.image.shape[:2], native_side=model.profile.native_side, rule=rules.canvas
    )
    return PreparedJob(
        source=source,
        requests=job.requests,
        canvas=canvas,
        caption=embed(model, (source.caption,)),
        edits=tuple(
            _prepared(model, source, request, canvas, rules=rules, guidance=guidance)
            for request in job.requests
        ),
    )


def guiding_phrase(request: EditRequest) -> str:
    """Return the words of the target prompt that mask guidance looks after.

    Raises:
        ImageEditError: The request names none.
    """
    if request.phrase is None:
        msg = f"{request.edit} is guided by the object's words, and no phrase names them"
        raise ImageEditError(msg, remedy="Name the phrase, or turn guidance off.")
    return request.phrase


def encode(model: DiffusionModel, job: PreparedJob) -> torch.Tensor:
    """Return the source's clean latents, float32 [1, C, h, w]: the posterior's mean, scaled."""
    pixels = to_tensor(job.source.image, job.canvas).to(model.device, model.dtype)
    mean: torch.Tensor = model.vae.encode(pixels).latent_dist.mean
    return mean.float() * float(model.vae.config["scaling_factor"])


def _prepared(
    model: DiffusionModel,
    source: EditSource,
    request: EditRequest,
    canvas: Canvas,
    *,
    rules: PresetRules,
    guidance: MaskGuidance,
) -> SampledEdit:
    embedding = embed(model, (request.target_prompt,))
    if request.edit.scope is Scope.GLOBAL or source.mask is None:
        # The mask is the image: the loss is 0 everywhere, and blending keeps nothing back.
        return SampledEdit(embedding=embedding, latent_mask=None, guided=None)
    cells = to_latent_mask(source.mask, canvas.latent_shape, rule=rules.latent_mask)
    cells = cells.to(model.device)
    guided = None
    if guidance.steps > 0:
        phrase = guiding_phrase(request)
        guided = GuidedEdit(
            mask=source.mask,
            latent_mask=cells,
            places=token_places(model, request.target_prompt, phrase, rule=rules.token_places),
            embedding=embedding,
        )
    return SampledEdit(embedding=embedding, latent_mask=cells, guided=guided)
