"""What no edit can be made of, known before a model is loaded; nothing of tokens or pixels."""

from harness.editing.diffusion.canvas import MIN_SOURCE_SIDE, fit_canvas
from harness.editing.diffusion.geometry_inputs import painted_size
from harness.editing.diffusion.geometry_rules import geometry_rules_of
from harness.editing.diffusion.loading import find_inpainting_profile, find_profile
from harness.editing.diffusion.preparation import guiding_phrase
from harness.editing.diffusion.presets import rules_of
from harness.editing.diffusion.text import phrase_span
from harness.editing.editor import EditJob
from harness.editing.geometry.placement import object_of
from harness.editing.source_check import check_object, check_source
from harness.errors import ImageEditError
from harness.records.attributes import Edit, Scope
from harness.records.diffusion import DiffusionEditorSpec, GeometryMethod


class Preflight:
    """Checks jobs of one editor without its models: only how long prompts are needs a tokenizer."""

    def __init__(self, spec: DiffusionEditorSpec, edits: tuple[Edit, ...]) -> None:
        """Prepare to check jobs of `spec` that ask for some of `edits`.

        Raises:
            WeightsError: A model's name or folder is none.
        """
        self._spec, self._rules = spec, rules_of(spec.preset)
        scopes = {edit.scope for edit in edits}
        self._side = find_profile(spec.model).native_side if scopes - {Scope.GEOMETRY} else None
        paints = Scope.GEOMETRY in scopes and spec.geometry is GeometryMethod.INPAINTING
        profile = find_inpainting_profile(spec.geometry_model) if paints else None
        self._hole_side = None if profile is None else profile.native_side

    def fits(self, height: int, width: int) -> bool:
        """Return whether an image of `height` x `width` pixels can have any of the edits."""
        try:
            self._check_appearance_size(height, width)
            self._check_hole_size(height, width)
        except ImageEditError:
            return False
        return True

    def check(self, job: EditJob) -> None:
        """Raise where an edit of `job` is known to be impossible.

        Raises:
            ImageEditError: The source, its size, its object or a phrase does not do.
        """
        source, (height, width) = job.source, job.source.image.shape[:2]
        check_source(source, min_side=MIN_SOURCE_SIDE)
        for request in job.requests:
            check_object(source, request)
            if request.edit.scope is Scope.GEOMETRY:
                object_of(source, request)
                self._check_hole_size(height, width)
                continue
            self._check_appearance_size(height, width)
            if request.edit.scope is Scope.LOCAL and self._spec.mask_guidance.steps > 0:
                phrase_span(request.target_prompt, guiding_phrase(request))

    def _check_appearance_size(self, height: int, width: int) -> None:
        if self._side is not None:
            fit_canvas(height, width, native_side=self._side, rule=self._rules.canvas)

    def _check_hole_size(self, height: int, width: int) -> None:
        if self._hole_side is not None:
            rule = geometry_rules_of(self._spec.preset).canvas
            painted_size(height, width, native_side=self._hole_side, rule=rule)
