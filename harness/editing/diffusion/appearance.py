"""Computes the appearance edits of sources of one size: batches, inversion, sampling, decoding."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch

from harness.editing.diffusion.batching import (
    BatchLimits,
    Room,
    Share,
    batches,
    find_limits,
    recorded_bytes,
)
from harness.editing.diffusion.canvas import Canvas, to_levels
from harness.editing.diffusion.compositing import composite
from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.exhaustion import too_little_memory
from harness.editing.diffusion.guidance import MaskGuide
from harness.editing.diffusion.inversion import Inversion, SourceTrack, check_finite
from harness.editing.diffusion.memory import free_memory, usable
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.preparation import PreparedJob, encode
from harness.editing.diffusion.presets import Paste, SourceBranch, rules_of
from harness.editing.diffusion.sampling import Sampler, SourceGroup
from harness.editing.diffusion.schedule import DdimSchedule
from harness.editing.diffusion.tape import Tape, Wanted
from harness.editing.diffusion.taps import Taps
from harness.editing.diffusion.text import embed
from harness.editing.editor import EditRequest, EditResult, EditSource
from harness.records.attributes import Scope
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.editing import UNetPasses

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Sampled:
    """One sampled edit before it is decoded."""

    latents: torch.Tensor
    passes: UNetPasses


class AppearanceEdits:
    """Edits prepared jobs with one model, as many at a time as memory allows."""

    def __init__(
        self,
        model: DiffusionModel,
        spec: DiffusionEditorSpec,
        *,
        runtime: Runtime,
        schedule: DdimSchedule,
        on_step: Callable[[int], None],
    ) -> None:
        """Prepare to edit.

        Args:
            model: The loaded model.
            spec: Everything that determines its pixels.
            runtime: Where it computes and within how much memory.
            schedule: The walk.
            on_step: As of `DiffusionEditor`.

        Raises:
            WeightsError: The UNet can't be tapped where its profile says.
        """
        self._model, self._spec, self._runtime = model, spec, runtime
        self._schedule, self._on_step = schedule, on_step
        self._rules = rules_of(spec.preset)
        self._wanted = _wanted(schedule.sampling_timesteps, spec)
        self._taps = Taps(model.unet, model.profile.taps)
        self._empty = embed(model, ("",))
        self._told = self._halvings = 0

    @property
    def _recorded(self) -> bool:
        return self._rules.source_branch is SourceBranch.RECORDED

    def run(self, canvas: Canvas, jobs: list[PreparedJob]) -> list[tuple[EditResult, ...]]:
        """Return the results of each job; all are made at the size of `canvas`.

        Raises:
            ImageEditError: The networks gave what is no number.
            DeviceError: Memory does not suffice for one edit.
        """
        done: list[tuple[EditResult, ...]] = []
        while len(done) < len(jobs):
            limits = self._limits(canvas)
            size = 1 if limits.alone else limits.sources
            done += self._tried(jobs[len(done) : len(done) + size], limits)
        return done

    def _limits(self, canvas: Canvas) -> BatchLimits:
        wanted = self._wanted.values() if self._recorded else ()
        limits = find_limits(
            self._model,
            canvas,
            room=Room(device=self._runtime.working_bytes, main=usable(free_memory() or 0)),
            recorded_bytes=recorded_bytes(
                self._model,
                canvas,
                attention_steps=sum(w.attention for w in wanted),
                feature_steps=sum(w.features for w in wanted),
            ),
            alone=self._runtime.deterministic,
        )
        return limits.halved(self._halvings)

    def _tried(self, jobs: list[PreparedJob], limits: BatchLimits) -> list[tuple[EditResult, ...]]:
        """Return the results of `jobs`; none where memory ran out and less is tried from now on."""
        self._told = 0
        try:
            with self._taps.connected() as tape:
                return self._computed(jobs, limits, tape)
        except torch.OutOfMemoryError as error:
            if limits.least:
                raise too_little_memory(self._runtime, "one edit", error) from error
        self._on_step(-self._told)
        torch.cuda.empty_cache()
        self._halvings += 1
        less = limits.halved().rows
        logger.warning("memory ran out; going on with %d images at a time", less)
        return []

    def _computed(
        self, jobs: list[PreparedJob], limits: BatchLimits, tape: Tape
    ) -> list[tuple[EditResult, ...]]:
        tracks = self._inverted(jobs, limits, tape)
        sampled = self._sampled(jobs, tracks, limits, tape)
        return [
            tuple(
                self._decoded(job.source, request, edit)
                for request, edit in zip(job.requests, edits, strict=True)
            )
            for job, edits in zip(jobs, sampled, strict=True)
        ]

    def _sampled(
        self,
        jobs: list[PreparedJob],
        tracks: tuple[SourceTrack, ...],
        limits: BatchLimits,
        tape: Tape,
    ) -> list[list[_Sampled]]:
        for guided in (edit.guided for job in jobs for edit in job.edits):
            if guided is not None:
                guided.start_again()
        sampler = self._sampler(tape, limits)
        counts = tuple(len(job.edits) for job in jobs)
        sampled: list[list[_Sampled]] = [[] for _ in jobs]
        for batch in batches(counts, sources_branch=int(not self._recorded), limits=limits):
            groups = tuple(_group(jobs, tracks, share) for share in batch)
            latents = iter(torch.split(sampler.run(groups), 1))
            for share, group in zip(batch, groups, strict=True):
                for number, edit in zip(share.edits, group.edits, strict=True):
                    tries = 0 if edit.guided is None else edit.guided.tries
                    passes = self._passes(share, number, tries=tries)
                    sampled[share.source].append(_Sampled(latents=next(latents), passes=passes))
        return sampled

    def _passes(self, share: Share, number: int, *, tries: int) -> UNetPasses:
        """Return the passes of an edit; what edits share counts with the first of them."""
        branch = int(not self._recorded and number == share.edits[0])
        return UNetPasses(
            inversion=(len(self._schedule.inversion) - 1) * (number == 0),
            sampling=(len(self._schedule.sampling) - 1) * (2 + branch),
            guidance=tries,
        )

    def _tell(self, count: int) -> None:
        self._told += count
        self._on_step(count)

    def _inverted(
        self, jobs: list[PreparedJob], limits: BatchLimits, tape: Tape
    ) -> tuple[SourceTrack, ...]:
        inversion = Inversion(
            model=self._model,
            schedule=self._schedule,
            tape=tape,
            wanted=self._wanted if self._recorded else {},
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

    def _decoded(self, source: EditSource, request: EditRequest, edit: _Sampled) -> EditResult:
        vae, latents = self._model.vae, edit.latents
        scaled = (latents / float(vae.config["scaling_factor"])).to(self._model.dtype)
        decoded = vae.decode(scaled, return_dict=False)[0]
        check_finite(decoded, "decoding")
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
