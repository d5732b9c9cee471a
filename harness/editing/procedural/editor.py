"""Checks sources and requests and hands each edit to the module that paints it."""

import numpy as np

from harness.editing.editor import EditRequest, EditResult, EditSource
from harness.editing.procedural.color import paint_color
from harness.editing.procedural.fields import Field, Pixels, f32, levels, mix
from harness.editing.procedural.geometry import move
from harness.editing.procedural.material import paint_material
from harness.editing.procedural.pattern import paint_pattern
from harness.editing.procedural.scene import Scene
from harness.editing.procedural.style import render_style
from harness.editing.procedural.textures import Textures
from harness.editing.procedural.values import ALGORITHM, VALUES
from harness.editing.procedural.weather import render_weather
from harness.editing.source_check import check_object, check_source
from harness.errors import ImageEditError
from harness.records.attributes import Attribute, Scope
from harness.records.recipe import ProceduralEditorSpec

MIN_SIDE = 16
"""The least height and width of an image, in pixels."""


class ProceduralEditor:
    """Edits images by procedural painting, on a CPU: same input, same pixels."""

    def __init__(self, spec: ProceduralEditorSpec) -> None:
        """Make an editor.

        Args:
            spec: The algorithm's version and the strength of its edits.

        Raises:
            ImageEditError: The algorithm is not the one this version of the harness has.
        """
        if spec.algorithm != ALGORITHM:
            msg = f"this harness paints with procedural algorithm {ALGORITHM}, not {spec.algorithm}"
            raise ImageEditError(
                msg, remedy=f"Set editor.algorithm = {ALGORITHM}, or use the release that has it."
            )
        self._strength = spec.strength
        self._textures = Textures()

    def edit(self, source: EditSource, requests: tuple[EditRequest, ...]) -> tuple[EditResult, ...]:
        """Return one result per request, in order; same input, same pixels.

        Raises:
            ImageEditError: The source is malformed, a value is unknown, or an edit of an object is
                asked of a source that has none.
        """
        check_source(source, min_side=MIN_SIDE)
        for request in requests:
            _check_value(request)
            check_object(source, request)
        scene = Scene(source=source, textures=self._textures)
        return tuple(self._edited(scene, request) for request in requests)

    def _edited(self, scene: Scene, request: EditRequest) -> EditResult:
        match request.edit.scope:
            case Scope.LOCAL:
                painted = _object_paint(scene, request)
                image = scene.view.composite(scene.image, painted, self._strength)
                return _with_image(scene, image)
            case Scope.GLOBAL:
                rendered = _rendering(scene, request)
                return _with_image(scene, _blended(scene.image, rendered, self._strength))
            case Scope.GEOMETRY:
                return move(scene, request, self._strength)


def _object_paint(scene: Scene, request: EditRequest) -> Field:
    value, seed = request.edit.value, request.seed
    if request.edit.attribute is Attribute.COLOR:
        return paint_color(scene.view, value, seed, scene.textures)
    if request.edit.attribute is Attribute.PATTERN:
        return paint_pattern(scene.view, value, seed, scene.textures)
    return paint_material(
        scene.view, value, seed=seed, textures=scene.textures, backdrop=lambda: scene.backdrop
    )


def _rendering(scene: Scene, request: EditRequest) -> Pixels:
    if request.edit.attribute is Attribute.STYLE:
        return render_style(scene.image, request.edit.value, request.seed, scene.textures)
    return render_weather(scene, request.edit.value, request.seed)


def _with_image(scene: Scene, image: Pixels) -> EditResult:
    source = scene.source
    mask = None if source.mask is None else source.mask.copy()
    return EditResult(image=image, label=source.label.copy(), mask=mask)


def _blended(image: Pixels, rendered: Pixels, strength: float) -> Pixels:
    if strength >= 1:
        return rendered
    share = np.full(image.shape[:2], strength, np.float32)
    return levels(mix(f32(image), f32(rendered), share))


def _check_value(request: EditRequest) -> None:
    edit = request.edit
    if edit.value not in VALUES[edit.attribute]:
        known = ", ".join(VALUES[edit.attribute])
        msg = f"{edit.attribute.value} has no value '{edit.value}'"
        raise ImageEditError(msg, remedy=f"Use one of: {known}.")
