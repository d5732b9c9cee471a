"""One source with what its edits share, each part computed when first needed; paints nothing."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.editor import EditSource
from harness.editing.procedural.fields import Mask, Pixels
from harness.editing.procedural.inpainting import fill_hole
from harness.editing.procedural.layout import Layout, Role, role_table
from harness.editing.procedural.shading import ObjectView, view_object
from harness.editing.procedural.textures import Textures


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A source that is being edited."""

    source: EditSource
    """The source, already checked."""
    textures: Textures
    """The editor's tables and tiles."""

    @property
    def image(self) -> Pixels:
        """The source's RGB pixels."""
        return self.source.image

    @cached_property
    def mask(self) -> Mask:
        """The object's pixels; the editor has checked that there are some."""
        if self.source.mask is None:
            return np.zeros(self.source.label.shape, np.bool_)
        return self.source.mask

    @cached_property
    def roles(self) -> NDArray[np.uint8]:
        """A `Role` per pixel."""
        return role_table(self.source.label_space)[self.source.label]

    @cached_property
    def layout(self) -> Layout:
        """Regions and depth."""
        return Layout(roles=self.roles, image=self.image)

    @cached_property
    def view(self) -> ObjectView:
        """The object's light, relief and surface."""
        return view_object(self.image, self.mask, self.textures.lightness)

    @cached_property
    def vacated_label(self) -> NDArray[np.uint8]:
        """The label without the object: each of its pixels takes the nearest class around it.

        Other objects and the ignore label do not spread; the object's ring of ignored pixels goes
        with it. Where nothing else is in the image the label stays.
        """
        label, mask = self.source.label, self.mask
        ring = (self.roles == Role.UNKNOWN) & _grown(mask, 6)
        vacant = mask | ring
        spreads = ~vacant & (self.roles != Role.UNKNOWN) & (self.roles != Role.THING)
        if not spreads.any():
            spreads = ~vacant & (self.roles != Role.UNKNOWN)
        if not spreads.any():
            return label.copy()
        result = label.copy()
        result[vacant] = label[nearest_pixel(spreads)][vacant]
        return result

    @cached_property
    def backdrop(self) -> Pixels:
        """The image without the object."""
        mask = self.mask
        rim = max(3, round(self.view.size * 0.025))
        around = _grown(mask, rim)
        # The contact shadow lies under the object and goes with it.
        for _ in range(2):
            around |= np.roll(around, rim, axis=0) & (np.arange(mask.shape[0])[:, None] >= rim)
        others = (self.roles == Role.THING) & ~mask
        hole = mask | (around & ~others)
        known = ~hole & ~_grown(others, 3)
        if not known.any():
            known = ~hole
        return fill_hole(self.image, hole=hole, known=known, classes=self.vacated_label)


def _grown(mask: Mask, radius: int) -> Mask:
    """Return `mask` with every pixel within `radius` of it."""
    side = 2 * radius + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0


def nearest_pixel(wanted: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each pixel the row and the column of the nearest pixel of `wanted`."""
    _, ids = cv2.distanceTransformWithLabels(
        (~wanted).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(wanted)
    row_of = np.zeros(int(ids.max()) + 1, np.intp)
    column_of = np.zeros(int(ids.max()) + 1, np.intp)
    row_of[ids[rows, columns]] = rows
    column_of[ids[rows, columns]] = columns
    return row_of[ids], column_of[ids]
