"""Light, relief and surface coordinates of the edited object; nothing of what is painted on it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.editing.procedural.fields import (
    Field,
    Mask,
    Pixels,
    distance_inside,
    edge_preserving,
    f32,
    gradient,
    grid,
    levels,
    mix,
    smoothstep,
    soften,
)
from harness.editing.procedural.oklab import Lightness

_MARGIN = 8
"""Pixels around the object's bounding box that its filters may look at."""


@dataclass(frozen=True, kw_only=True)
class ObjectView:
    """The object cut out with a margin; every field has the cut-out's size."""

    window: tuple[slice, slice]
    """The rows and columns of the image that are cut out."""
    pixels: Pixels
    """The source's pixels in the window."""
    mask: Mask
    """The object's pixels in the window."""
    lightness: Field
    """OKLab lightness, 0-1."""
    exposure: float
    """Light factor of the scene, under 1 in a dark one; new surfaces must not glow there."""

    @cached_property
    def distance(self) -> Field:
        """Pixels to the object's outline."""
        return distance_inside(self.mask)

    @cached_property
    def size(self) -> float:
        """The object's typical side in pixels."""
        return float(np.sqrt(np.float64(np.count_nonzero(self.mask))))

    @cached_property
    def scale(self) -> float:
        """How large textures are drawn; 1 for an object of about 160 pixels."""
        return min(1.7, max(0.4, self.size / 160.0))

    @cached_property
    def tones(self) -> tuple[float, float, float]:
        """The 3rd, 50th and 97th percentile of the object's lightness."""
        values = self.lightness[self.mask]
        ranks = [min(values.size - 1, values.size * p // 100) for p in (3, 50, 97)]
        ordered = np.partition(values, sorted(set(ranks)))
        return float(ordered[ranks[0]]), float(ordered[ranks[1]]), float(ordered[ranks[2]])

    @cached_property
    def base(self) -> Field:
        """Lightness without fine texture: the object's shading."""
        radius = max(2, round(self.size * 0.03))
        return edge_preserving(self.lightness, self.mask, radius, 0.08)

    @cached_property
    def detail(self) -> Field:
        """Fine texture, the lightness that `base` leaves out, about 0."""
        return self.lightness - self.base

    @cached_property
    def shade(self) -> Field:
        """Light factor of the object's own shading: 1 at its median, both sides compressed.

        The range is normalised, so that a black and a white object show their new surface alike.
        """
        low, middle, high = self.tones
        down = max(middle - low, 0.12)
        up = max(high - middle, 0.12)
        offset = self.base - np.float32(middle)
        dark = np.maximum(np.float32(-1.3), offset * np.float32(1 / down))
        bright = np.minimum(np.float32(1.5), offset * np.float32(1 / up))
        factor = np.where(offset < 0, dark * np.float32(0.5), bright * np.float32(0.3))
        return f32(np.float32(1) + factor)

    @cached_property
    def bulge(self) -> Field:
        """Height of the object inflated from its outline, in pixels."""
        radius = np.float32(self.radius)
        inward = np.minimum(self.distance / radius, np.float32(1))
        height = np.sqrt(inward * (np.float32(2) - inward))
        return soften(height, max(1.0, self.radius * 0.12)) * radius

    @cached_property
    def radius(self) -> float:
        """Width in pixels of the rim over which the surface turns away."""
        return float(min(60.0, max(3.0, 0.5 * float(self.distance.max()))))

    @cached_property
    def outline_normal(self) -> tuple[Field, Field]:
        """Horizontal and vertical part of the unit normal of the inflated outline alone."""
        return _tilt(*gradient(self.bulge))

    @cached_property
    def normal(self) -> tuple[Field, Field]:
        """Horizontal and vertical part of the surface's unit normal: outline plus own relief."""
        slope_x, slope_y = gradient(self.bulge)
        relief_x, relief_y = gradient(soften(self.base, max(1.5, 0.014 * self.size)))
        gain = np.float32(0.35 * self.radius)
        return _tilt(slope_x - relief_x * gain, slope_y - relief_y * gain)

    @cached_property
    def form(self) -> Field:
        """Light factor, around 1, of a lamp up left on the inflated surface."""
        nx, ny = self.normal
        lamp = np.float32(1) + (np.float32(-0.10) * nx - np.float32(0.20) * ny)
        return lamp * np.float32(self.exposure)

    @cached_property
    def gleam(self) -> Field:
        """Where the source shows highlights, 0-1."""
        _, middle, high = self.tones
        start = max(high, middle + 0.10)
        return smoothstep(self.lightness, start, start + 0.14)

    def surface(self, angle_cos: float, angle_sin: float) -> tuple[Field, Field]:
        """Return texture coordinates, in texture pixels, that wrap around the object.

        Near the outline the surface turns away and the coordinates run faster; the object's own
        relief shifts them a little, so that a pattern bends where the object does.
        """
        x, y = grid(*self.mask.shape)
        nx, ny = self.outline_normal
        turn = np.float32(0.75 * self.radius)
        calm = soften(self.base, max(1.5, 0.03 * self.size))
        relief = (calm - np.float32(self.tones[1])) * np.float32(11 * self.scale)
        x = x + nx * turn + relief
        y = y + ny * turn + relief
        inverse = np.float32(1 / self.scale)
        return (
            (x * np.float32(angle_cos) + y * np.float32(angle_sin)) * inverse,
            (y * np.float32(angle_cos) - x * np.float32(angle_sin)) * inverse,
        )

    def coverage(self, strength: float) -> Field:
        """Return how far new paint covers each pixel: inside only, a little thinner at the rim."""
        rim = np.minimum(np.float32(1), np.float32(0.35) + self.distance * np.float32(0.4))
        return f32(rim * np.float32(strength))

    def composite(self, image: Pixels, painted: Field, strength: float) -> Pixels:
        """Return `image` with the painted (0-255) object in it; nothing else changes."""
        own = f32(self.pixels)
        blended = mix(own, painted, self.coverage(strength))
        fresh = levels(blended)
        result = image.copy()
        result[self.window][self.mask] = fresh[self.mask]
        return result


def _tilt(slope_x: Field, slope_y: Field) -> tuple[Field, Field]:
    """Return the horizontal and the vertical part of the unit normal of a sloping surface."""
    length = np.sqrt(slope_x * slope_x + slope_y * slope_y + np.float32(1))
    return f32(-slope_x / length), f32(-slope_y / length)


def view_object(image: Pixels, mask: Mask, lightness: Lightness) -> ObjectView:
    """Return the view of a non-empty `mask`."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    window = (
        slice(max(0, int(rows[0]) - _MARGIN), int(rows[-1]) + 1 + _MARGIN),
        slice(max(0, int(columns[0]) - _MARGIN), int(columns[-1]) + 1 + _MARGIN),
    )
    cut = np.ascontiguousarray(image[window])
    return ObjectView(
        window=window,
        pixels=cut,
        mask=np.ascontiguousarray(mask[window]),
        lightness=lightness.of(cut),
        exposure=_exposure(image, mask, lightness),
    )


def _exposure(image: Pixels, mask: Mask, lightness: Lightness) -> float:
    """Return the light factor of the scene around the object, 0.55-1, from a coarse sample."""
    around = ~mask[::4, ::4]
    if not around.any():
        return 1.0
    values = lightness.of(np.ascontiguousarray(image[::4, ::4]))[around]
    rank = values.size * 6 // 10
    typical = float(np.partition(values, rank)[rank])
    return min(1.0, max(0.55, 0.45 + typical))
