"""Scales or moves the object with its label and mask, and fills where it stood."""

import numpy as np

from harness.editing.editor import EditRequest, EditResult, EditSource
from harness.editing.geometry.moved import MovedObject, move_object
from harness.editing.geometry.placement import amount_of, object_of
from harness.editing.procedural.fields import (
    Field,
    f32,
    levels,
    mix,
    smoothstep,
    soften,
)
from harness.editing.procedural.scene import Scene
from harness.editing.procedural.textures import Textures

_AIRBORNE = ("bird", "aeroplane", "airplane", "kite")
"""Classes that may hang in the air and throw no shadow at their foot."""


class ProceduralGeometry:
    """Makes size and position edits alone, for an editor that paints all else another way."""

    def __init__(self) -> None:
        self._textures = Textures()

    def edit(self, source: EditSource, request: EditRequest) -> EditResult:
        """Return the source with its object scaled or moved, label and mask with it.

        Args:
            source: The source, already checked.
            request: A size or position edit.

        Raises:
            ImageEditError: It is none, the amount is no share, or there is no object.
        """
        object_of(source, request)
        return move(Scene(source=source, textures=self._textures), request, 1.0)


def move(scene: Scene, request: EditRequest, strength: float) -> EditResult:
    """Return the scene with its object scaled or moved; label and mask go with it.

    Args:
        scene: The source.
        request: A size or position edit.
        strength: Share of its amount that is applied.
    """
    movable = scene.movable
    moved = move_object(movable, request.edit.value, amount_of(request) * strength)
    covered = moved.covered
    backdrop = f32(scene.backdrop)
    backdrop = backdrop * (np.float32(1) - _shadow(scene, moved))[..., None]
    # Other things get no shadow and stay as they are.
    others = movable.others
    backdrop[others] = scene.image[others]
    alpha = smoothstep(soften(covered.astype(np.float32), 0.8), 0.15, 0.8) * covered
    blended = mix(backdrop, f32(moved.layer.pixels), alpha)
    return EditResult(
        image=levels(blended),
        label=moved.label,
        mask=covered,
        visible_fraction=moved.layer.visible,
    )


def _shadow(scene: Scene, moved: MovedObject) -> Field:
    """Return how much the object darkens the ground at its foot, 0-1."""
    to, mask = moved.placement, moved.covered
    if scene.source.object_class in _AIRBORNE or not mask.any():
        return np.zeros(mask.shape, np.float32)
    foot = np.zeros(mask.shape, np.float32)
    start = max(0, to.top + to.height - max(4, to.height // 7))
    foot[start:] = mask[start:]
    drop = max(1, to.height // 40)
    foot = np.roll(foot, drop, axis=0)
    foot[:drop] = 0
    return soften(foot, max(1.0, to.height / 30)) * np.float32(0.5)
