"""One source with what its edits share, each part computed when first needed; paints nothing."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.editing.editor import EditSource
from harness.editing.geometry.moved import ObjectScene
from harness.editing.geometry.nearest import grown
from harness.editing.geometry.vacancy import Vacancy, rim_of, vacate, with_traces
from harness.editing.procedural.fields import Mask, Pixels
from harness.editing.procedural.inpainting import fill_hole
from harness.editing.procedural.layout import Layout
from harness.editing.procedural.shading import ObjectView, view_object
from harness.editing.procedural.textures import Textures
from harness.editing.roles import Role, role_table


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
    def vacancy(self) -> Vacancy:
        """The label without the object."""
        return vacate(self.source.label, self.mask, self.roles)

    @property
    def movable(self) -> ObjectScene:
        """The source as one whose object is moved."""
        return ObjectScene(
            source=self.source, mask=self.mask, roles=self.roles, vacancy=self.vacancy
        )

    @cached_property
    def backdrop(self) -> Pixels:
        """The image without the object."""
        mask = self.mask
        around = with_traces(mask, rim_of(mask))
        others = (self.roles == Role.THING) & ~mask
        hole = mask | (around & ~others)
        known = ~hole & ~grown(others, 3)
        if not known.any():
            known = ~hole
        return fill_hole(self.image, hole=hole, known=known, classes=self.vacancy.label)
