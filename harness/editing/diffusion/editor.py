"""Edits sources by diffusion: puts inversion, sampling, decoding and compositing together."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from harness.editing.diffusion.batching import BatchLimits, Share, batches, find_limits
from harness.editing.diffusion.canvas import Canvas, to_levels
from harness.editing.diffusion.compositing import composite
from harness.editing.diffusion.determinism import computing
from harness.editing.diffusion.device import Runtime, describe_runtime
from harness.editing.diffusion.geometry_method import GeometryEditor
from harness.editing.diffusion.guidance import MaskGuide
from harness.editing.diffusion.inversion import Inversion, SourceTrack
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.preparation import (
    PreparedJob,
    check_request,
    check_source,
    encode,
    prepare,
)
from harness.editing.diffusion.presets import Paste, SourceBranch, rules_of
from harness.editing.diffusion.sampling import Sampler, SourceGroup
from harness.editing.diffusion.schedule import make_schedule
from harness.editing.diffusion.tape import Tape, Wanted
from harness.editing.diffusion.taps import Taps
from harness.editing.diffusion.text import embed
from harness.editing.editor import EditJob, EditRequest, EditResult, EditSource
from harness.errors import DeviceError, ImageEditError
from harness.records.attributes import Edit, Scope
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.editing import DeviceEnvironment, UNetPasses

logger = logging.getLogger(__name__)


def _quietly(_count: int) -> None:
    """Do nothing after a step."""


@dataclass(frozen=True, kw_only=True)
class _Finished:
    """One sampled edit before it is decoded."""

    latents: torch.Tensor
    passes: UNetPasses


class DiffusionEditor:
    """Edits images by Stable Diffusion so that only the named attribute changes (CVPR 2024)."""

    def __init__(
        self,
        model: DiffusionModel,
        spec: DiffusionEditorSpec,
        *,
        runtime: Runtime,
        geometry: GeometryEditor | None = None,
        on_step: Callable[[int], None] = _quietly,
    ) -> None:
        """Make an editor.

        Args:
            model: The loaded model.
            spec: Everything that determines its pixels.
            runtime: Where it computes and within how much memory.
            geometry: What makes size and position edits; None refuses them.
            on_step: Told after each step how many sources or edits took it, so that the sum does
                not depend on batches; less than 0 where memory ran out and steps are taken again.

        Raises:
            ImageEditError: The inversion misses a sampling timestep.
            WeightsError: The UNet can't be tapped where its profile says.
        """
        self._model, self._spec, self._runtime = model, spec, runtime
        self._geometry, self._on_step = geometry, on_step
        self._told = 0
        self._rules = rules_of(spec.preset)
        self._schedule = make_schedule(
            model.scheduler, steps=spec.steps, inversion_steps=self.inversion_steps
        )
        self._wanted = _wanted(self._schedule.sampling_timesteps, spec)
        self._taps = Taps(model.unet, model.profile.taps)
        with torch.no_grad():
            self._empty = embed(model, ("",))

    @property
    def inversion_steps(self) -> int:
        """DDIM inversion steps a source."""
        return self._spec.inversion_steps or self._rules.inversion_steps or self._spec.steps

    @property
    def device(self) -> DeviceEnvironment:
        """What the networks compute on."""
        return describe_runtime(self._runtime, weights=self._model.digests)

    def steps_of(self, edits: tuple[Edit, ...]) -> int:
        """Return the sum of what `on_step` is told while one source gets `edits`.

        A source's inversion counts once, an edit's sampling for each edit, and an edit of geometry
        as if it were sampled.
        """
        inverts = any(edit.scope is not Scope.GEOMETRY for edit in edits)
        inversion = len(self._schedule.inversion) - 1
        return inversion * inverts + (len(self._schedule.sampling) - 1) * len(edits)

    def edit(self, source: EditSource, requests: tuple[EditRequest, ...]) -> tuple[EditResult, ...]:
        """Return one result per request, in order; same input, same pixels.

        Raises:
            ImageEditError: An edit can't be made of this source.
            DeviceError: Memory does not suffice for one edit.
        """
        return self.edit_many((EditJob(source=source, requests=requests),))[0]

    def edit_many(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        """Return one result per request of each job, in order; same jobs, same pixels.

        Raises:
            ImageEditError: An edit can't be made of one of the sources.
            DeviceError: Memory does not suffice for one edit.
        """
        for job in jobs:
            check_source(job.source)
            for request in job.requests:
                check_request(job.source, request)
        with torch.no_grad(), computing(self._runtime):
            appearance = self._appearance(tuple(map(_without_geometry, jobs)))
        return tuple(self._in_order(job, made) for job, made in zip(jobs, appearance, strict=True))

    def _in_order(self, job: EditJob, appearance: tuple[EditResult, ...]) -> tuple[EditResult, ...]:
        made = iter(appearance)
        return tuple(
            self._move(job.source, request) if request.edit.scope is Scope.GEOMETRY else next(made)
            for request in job.requests
        )

    def _move(self, source: EditSource, request: EditRequest) -> EditResult:
        if self._geometry is None:
            msg = f"{request.edit} needs an inpainting model, and none is loaded"
            raise ImageEditError(msg, remedy="Name one, or leave size and position edits out.")
        result = self._geometry.edit(source, request)
        self._on_step(len(self._schedule.sampling) - 1)
        return result

    def _appearance(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        prepared = [
            prepare(self._model, job, rules=self._rules, guidance=self._spec.mask_guidance)
            for job in jobs
        ]
        results: dict[int, tuple[EditResult, ...]] = dict.fromkeys(range(len(jobs)), ())
        busy = [n for n, job in enumerate(prepared) if job.requests]
        for canvas in dict.fromkeys(prepared[n].canvas for n in busy):
            numbers = [n for n in busy if prepared[n].canvas == canvas]
            made = self._of_one_size(canvas, [prepared[n] for n in numbers])
            results.update(zip(numbers, made, strict=True))
        return tuple(results[n] for n in range(len(jobs)))

    def _of_one_size(
        self, canvas: Canvas, jobs: list[PreparedJob]
    ) -> Iterator[tuple[EditResult, ...]]:
        limits = find_limits(
            self._model,
            canvas,
            working_bytes=self._runtime.working_bytes,
            deterministic=self._runtime.deterministic,
        )
        size = 1 if limits.alone else limits.rows
        for first in range(0, len(jobs), size):
            part = jobs[first : first + size]
            for job, finished in zip(part, self._compute(part, limits), strict=True):
                yield tuple(
                    self._result(job.source, request, edit)
                    for request, edit in zip(job.requests, finished, strict=True)
                )

    def _compute(self, jobs: list[PreparedJob], limits: BatchLimits) -> list[list[_Finished]]:
        """Return the sampled edits of each job; with less at a time where memory runs out."""
        while True:
            self._told = 0
            try:
                with self._taps.connected() as tape:
                    return self._attempt(jobs, limits, tape)
            except torch.OutOfMemoryError as error:
                if limits.rows == 1 and limits.guided_rows == 1:
                    msg = f"{self._runtime.device} has too little memory for one edit: {error}"
                    remedy = "Close what else uses it, or use precision float16."
                    raise DeviceError(msg, remedy=remedy) from error
            self._on_step(-self._told)
            torch.cuda.empty_cache()
            limits = limits.halved()
            logger.warning("memory ran out; going on with %d images at a time", limits.rows)

    def _attempt(
        self, jobs: list[PreparedJob], limits: BatchLimits, tape: Tape
    ) -> list[list[_Finished]]:
        tracks = self._inverted(jobs, limits, tape)
        sampler = self._sampler(tape, limits)
        counts = tuple(len(job.edits) for job in jobs)
        finished: list[list[_Finished]] = [[] for _ in jobs]
        own = int(self._rules.source_branch is SourceBranch.RUN_AGAIN)
        for job in jobs:
            for edit in job.edits:
                if edit.guided is not None:
                    edit.guided.start_again()
        for batch in batches(counts, sources_branch=own, limits=limits):
            groups = tuple(_group(jobs, tracks, share) for share in batch)
            latents = iter(torch.split(sampler.run(groups), 1))
            for share, group in zip(batch, groups, strict=True):
                for number, edit in zip(share.edits, group.edits, strict=True):
                    steps = len(self._schedule.sampling) - 1
                    leads = number == share.edits[0]
                    passes = UNetPasses(
                        inversion=(len(self._schedule.inversion) - 1) * (number == 0),
                        sampling=steps * (2 + own * leads),
                        guidance=0 if edit.guided is None else edit.guided.tries,
                    )
                    finished[share.source].append(_Finished(latents=next(latents), passes=passes))
        return finished

    def _tell(self, count: int) -> None:
        self._told += count
        self._on_step(count)

    def _inverted(
        self, jobs: list[PreparedJob], limits: BatchLimits, tape: Tape
    ) -> tuple[SourceTrack, ...]:
        recorded = self._rules.source_branch is SourceBranch.RECORDED
        inversion = Inversion(
            model=self._model,
            schedule=self._schedule,
            tape=tape,
            wanted=self._wanted if recorded else {},
            room_bytes=self._runtime.working_bytes // 3,
            on_step=self._tell,
        )
        tracks: list[SourceTrack] = []
        size = 1 if limits.alone else limits.rows
        for first in range(0, len(jobs), size):
            part = jobs[first : first + size]
            clean = torch.cat([encode(self._model, job) for job in part])
            tracks += inversion.run(clean, torch.cat([job.caption for job in part]))
        return tuple(tracks)

    def _sampler(self, tape: Tape, limits: BatchLimits) -> Sampler:
        spec, rules = self._spec, self._rules
        guide = MaskGuide(
            model=self._model,
            tape=tape,
            last_map=self._taps.last_map,
            settings=spec.mask_guidance,
            descent=rules.descent,
            map_mask=rules.map_mask,
            most_rows=1 if limits.alone else limits.guided_rows,
        )
        return Sampler(
            model=self._model,
            schedule=self._schedule,
            tape=tape,
            empty=self._empty,
            wanted=self._wanted,
            guidance_scale=spec.guidance_scale,
            source_branch=rules.source_branch,
            blend_latent=rules.blend_latent,
            guide=guide,
            guided_steps=spec.mask_guidance.steps,
            on_step=self._tell,
        )

    def _result(self, source: EditSource, request: EditRequest, edit: _Finished) -> EditResult:
        vae, latents = self._model.vae, edit.latents
        scaled = (latents / float(vae.config["scaling_factor"])).to(self._model.dtype)
        decoded = vae.decode(scaled, return_dict=False)[0]
        height, width = source.image.shape[:2]
        image = to_levels(decoded[0], height=height, width=width, rule=self._rules.rounding)
        local = request.edit.scope is Scope.LOCAL and source.mask is not None
        if local and source.mask is not None and self._rules.paste is Paste.OUTSIDE:
            image = composite(source.image, image, source.mask)
        return EditResult(
            image=image,
            label=source.label.copy(),
            mask=None if source.mask is None else source.mask.copy(),
            passes=edit.passes,
            final_latents=latents.cpu().numpy(),
        )


def _without_geometry(job: EditJob) -> EditJob:
    kept = tuple(r for r in job.requests if r.edit.scope is not Scope.GEOMETRY)
    return EditJob(source=job.source, requests=kept)


def _wanted(timesteps: tuple[int, ...], spec: DiffusionEditorSpec) -> dict[int, Wanted]:
    """Return what is injected at each of the first sampling steps."""
    attention = int(len(timesteps) * spec.attention_injection)
    features = int(len(timesteps) * spec.feature_injection)
    return {
        timestep: Wanted(attention=step < attention, features=step < features)
        for step, timestep in enumerate(timesteps[: max(attention, features)])
    }


def _group(jobs: list[PreparedJob], tracks: tuple[SourceTrack, ...], share: Share) -> SourceGroup:
    edits = jobs[share.source].edits
    return SourceGroup(
        track=tracks[share.source], edits=tuple(edits[number] for number in share.edits)
    )
