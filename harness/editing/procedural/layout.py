"""What lies where in a scene: sky, ground, things that stand, and how far; nothing of weather."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.procedural.fields import (
    Field,
    Mask,
    Pixels,
    f32,
    grid,
    smoothstep,
    soften,
    u8,
    unit,
)
from harness.editing.roles import Role


def _darkest_sky(grey: Pixels, candidate: Mask) -> int:
    """Return the grey level under which a pixel is no sky: well under the image's upper edge.

    Hazy mountains are as smooth and blue as the sky, and darker.
    """
    rows = max(1, grey.shape[0] // 8)
    top = grey[:rows][candidate[:rows]]
    if top.size == 0:
        return 0
    return int(np.partition(top, top.size // 10)[top.size // 10]) - 30


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A scene's regions and depth."""

    roles: NDArray[np.uint8]
    """A `Role` per pixel."""
    image: Pixels
    """The source's pixels."""

    @cached_property
    def sky(self) -> Mask:
        """The sky: as labelled, or else what is bright or blue, smooth and joined to the top."""
        labelled: Mask = np.asarray(self.roles == Role.SKY)
        if labelled.any() or not (self.roles == Role.BACKDROP).any():
            return labelled
        return self._guessed_sky()

    def _guessed_sky(self) -> Mask:
        r, g, b = (self.image[..., c].astype(np.int16) for c in range(3))
        grey = u8(cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY))
        rough = cv2.blur(
            cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), (9, 9)
        )
        pale = (np.minimum(np.minimum(r, g), b) > 150) & (b >= r - 12)
        blue = (b > r + 12) & (b >= g) & (b > 130) & (r + g + b > 250)
        backdrop = self.roles == Role.BACKDROP
        candidate = (pale | blue) & (rough < 26) & backdrop
        candidate &= grey >= _darkest_sky(grey, candidate)
        opened = cv2.morphologyEx(
            candidate.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
        )
        # Seen from above, the sky ends at the first thing behind which there is no more of it;
        # the objects before it don't end it, and a speck of cloud or wire of a few pixels neither.
        blocked = cv2.morphologyEx(
            (backdrop & (opened == 0)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 3), np.uint8)
        )
        reached = (opened > 0) & (np.maximum.accumulate(blocked, axis=0) == 0)
        # A speck that stops a few columns throws no shadow on the sky below it.
        reach = max(2, backdrop.shape[1] // 20)
        padded = np.pad(reached.astype(np.uint8), ((0, 0), (reach, reach)), mode="edge")
        across = np.ones((1, 2 * reach + 1), np.uint8)
        closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, across)[:, reach:-reach]
        sky: Mask = (closed > 0) & backdrop & ((opened > 0) | (rough < 40))
        share = float(np.count_nonzero(sky)) / max(1.0, float(np.count_nonzero(backdrop)))
        if share < 0.75:
            # A pale wall or water low in the image is no sky, unless there is nothing but sky.
            sky[sky.shape[0] * 3 // 5 :] = False
        return sky if share > 0.02 else np.zeros_like(sky)

    @cached_property
    def horizon(self) -> float:
        """The row of the horizon."""
        height = self.roles.shape[0]
        ground = self.roles == Role.GROUND
        rows = np.flatnonzero(np.count_nonzero(ground, axis=1) > ground.shape[1] // 50)
        if rows.size:
            return float(min(max(int(rows[0]) - 2, height // 5), height * 3 // 5))
        if np.count_nonzero(self.sky) > 0.75 * np.count_nonzero(self.roles == Role.BACKDROP):
            return float(height - 1)
        if self.sky.any():
            lowest = np.flatnonzero(np.count_nonzero(self.sky, axis=1) > self.sky.shape[1] // 3)
            row = int(lowest[-1]) if lowest.size else height // 3
            return float(min(max(row + height // 25, height // 5), height * 3 // 5))
        return float(height * 2 // 5)

    @cached_property
    def ground(self) -> Field:
        """How surely a pixel lies on the ground, 0-1."""
        labelled = self.roles == Role.GROUND
        if labelled.any():
            return f32(labelled)
        height, width = self.roles.shape
        _, y = grid(height, width)
        below = smoothstep(y, self.horizon, self.horizon + 0.12 * height)
        return f32(below * ((self.roles == Role.BACKDROP) & ~self.sky))

    @cached_property
    def depth(self) -> Field:
        """Distance, 0 (at the camera) to 1 (far away); things stand as far as their foot."""
        height, width = self.roles.shape
        _, y = grid(height, width)
        span = np.float32(max(1.0, height - self.horizon))
        below = (y - np.float32(self.horizon)) / span
        # Perspective on flat ground: distance goes with one over the row under the horizon.
        flat = np.float32(0.055) / np.maximum(below + np.float32(0.03), np.float32(0.045))
        depth = unit(flat)
        # Without a class that tells, what rises over the horizon is far, but not all equally.
        rising = (self.roles == Role.BACKDROP) & (y < np.float32(self.horizon))
        height_over = (np.float32(self.horizon) - y) * np.float32(1 / max(1.0, self.horizon))
        vague = np.minimum(depth, np.float32(0.72))
        depth = np.where(self.roles == Role.BACKDROP, vague, depth)
        depth = np.where(rising, np.float32(0.72) - height_over * np.float32(0.22), depth)
        if rising.any():
            depth = soften(depth, max(1.0, height / 28))
        self._stand_up(depth)
        soft = soften(depth, max(1.0, height / 120))
        soft[self.sky] = 1.0
        return soft

    def _stand_up(self, depth: Field) -> None:
        """Give upright regions the depth of their foot: objects whole, walls column by column."""
        height = self.roles.shape[0]
        ground_depth = depth[:, 0].copy()
        rows = np.arange(height)[:, None]
        for role in (Role.PLANT, Role.BUILT, Role.THIN):
            region = self.roles == role
            if region.any():
                foot = np.where(region, rows, 0).max(axis=0)
                column = soften(np.tile(ground_depth[foot], (4, 1)), 6.0)[0]
                depth[region] = np.broadcast_to(column, depth.shape)[region]
        things = (self.roles == Role.THING).astype(np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(things)
        feet = np.minimum(stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT], height) - 1
        feet_depth = f32(ground_depth[feet])
        if count > 1:
            standing = parts > 0
            depth[standing] = feet_depth[parts][standing]
