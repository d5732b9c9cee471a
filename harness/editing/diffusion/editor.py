"""Edits sources by diffusion: checks them, hands appearance and geometry to what makes them."""

from collections.abc import Callable
from dataclasses import replace

import torch

from harness.editing.diffusion.appearance import AppearanceEdits
from harness.editing.diffusion.canvas import MIN_SOURCE_SIDE
from harness.editing.diffusion.determinism import computing, fix_workspace
from harness.editing.diffusion.device import Runtime, describe_runtime
from harness.editing.diffusion.exhaustion import telling_of_memory
from harness.editing.diffusion.geometry_method import GeometryEditor
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.preparation import prepare
from harness.editing.diffusion.presets import inversion_steps_of, rules_of
from harness.editing.diffusion.schedule import make_schedule
from harness.editing.editor import EditJob, EditRequest, EditResult, EditSource
from harness.editing.source_check import check_object, check_source
from harness.errors import ImageEditError
from harness.records.attributes import Edit, Scope
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.editing import DeviceEnvironment


def _quietly(_count: int) -> None:
    """Do nothing after a step."""


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
        if runtime.device.type == "cuda":
            fix_workspace()
        self._model, self._spec = model, spec
        alone = spec.deterministic or runtime.deterministic
        self._runtime = replace(runtime, deterministic=alone)
        self._geometry, self._on_step = geometry, on_step
        self._rules = rules_of(spec.preset)
        self._schedule = make_schedule(
            model.scheduler, steps=spec.steps, inversion_steps=self.inversion_steps
        )
        with torch.no_grad(), computing(self._runtime):
            self._appearance = AppearanceEdits(
                model, spec, runtime=self._runtime, schedule=self._schedule, on_step=on_step
            )

    @property
    def inversion_steps(self) -> int:
        """DDIM inversion steps a source."""
        return inversion_steps_of(self._spec)

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
            check_source(job.source, min_side=MIN_SOURCE_SIDE)
            for request in job.requests:
                check_object(job.source, request)
                self._check_geometry(request)
        with torch.no_grad(), computing(self._runtime):
            appearance = self._by_size(tuple(map(_without_geometry, jobs)))
            return tuple(
                self._in_order(job, made) for job, made in zip(jobs, appearance, strict=True)
            )

    def _check_geometry(self, request: EditRequest) -> None:
        if request.edit.scope is Scope.GEOMETRY and self._geometry is None:
            msg = f"{request.edit} needs an inpainting model, and none is loaded"
            raise ImageEditError(msg, remedy="Name one, or leave size and position edits out.")

    def _in_order(self, job: EditJob, appearance: tuple[EditResult, ...]) -> tuple[EditResult, ...]:
        made = iter(appearance)
        return tuple(
            self._move(job.source, request) if request.edit.scope is Scope.GEOMETRY else next(made)
            for request in job.requests
        )

    def _move(self, source: EditSource, request: EditRequest) -> EditResult:
        assert self._geometry is not None  # noqa: S101 - every request was checked
        with telling_of_memory(self._runtime, str(request.edit)):
            result = self._geometry.edit(source, request)
        self._on_step(len(self._schedule.sampling) - 1)
        return result

    def _by_size(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        prepared = [
            prepare(self._model, job, rules=self._rules, guidance=self._spec.mask_guidance)
            for job in jobs
        ]
        results: dict[int, tuple[EditResult, ...]] = dict.fromkeys(range(len(jobs)), ())
        busy = [n for n, job in enumerate(prepared) if job.requests]
        for canvas in dict.fromkeys(prepared[n].canvas for n in busy):
            numbers = [n for n in busy if prepared[n].canvas == canvas]
            made = self._appearance.run(canvas, [prepared[n] for n in numbers])
            results.update(zip(numbers, made, strict=True))
        return tuple(results[n] for n in range(len(jobs)))


def _without_geometry(job: EditJob) -> EditJob:
    kept = tuple(r for r in job.requests if r.edit.scope is not Scope.GEOMETRY)
    return EditJob(source=job.source, requests=kept)
