"""How the two presets differ in size and position edits; docs/diffusion-editing.md has the table.

In both the recipe's value and amount place the object, and label and mask follow by nearest
neighbour to what is valid: the published code draws amounts at random, scales about the box's
middle, and gives the hole class 0, whatever that is. Labels that are wrong would measure nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from harness.editing.diffusion.presets import Paste
from harness.records.diffusion import Preset


class GeometryCanvas(StrEnum):
    """The size at which the hole is painted."""

    OWN = "own"
    """The image's own, cut to multiples of 8, however large."""
    ASPECT = "aspect"
    """Aspect kept, whole image kept, multiples of 8, up to the native area."""


class HoleReach(StrEnum):
    """What is painted anew, before it is dilated by 5 x 5 pixels."""

    OBJECT = "object"
    """The object's old pixels, less its new ones."""
    VACATED = "vacated"
    """Every pixel that loses the object's class, the ring of ignored ones too, with the rim and the
    contact shadow around them; no other thing's."""


class HoleCells(StrEnum):
    """Which latent cells the model is told to paint."""

    NEAREST = "nearest"
    """Those whose first pixel is in the hole: a hole under 8 pixels wide may get lost."""
    ANY_OVERLAP = "any-overlap"
    """Every cell that holds a pixel of the hole, and nothing of such a cell is shown as known."""


class Control(StrEnum):
    """What the ControlNet is shown of the edited picture's label."""

    OBJECT = "object"
    """The object's new mask, in the colour of a building, on black."""
    SCENE = "scene"
    """The whole label in the colours of ADE20K; classes that ADE20K lacks are black."""


class HolePrompt(StrEnum):
    """What the hole is described as."""

    NOTHING = "nothing"
    """The empty prompt."""
    BACKDROP = "backdrop"
    """The classes that the hole becomes, guided away from the object's own."""


@dataclass(frozen=True, kw_only=True)
class GeometryRules:
    """One reading of size and position edits."""

    canvas: GeometryCanvas
    """The size at which the hole is painted."""
    reach: HoleReach
    """What is painted anew."""
    cells: HoleCells
    """Which latent cells the model is told to paint."""
    control: Control
    """What the ControlNet is shown."""
    prompt: HolePrompt
    """What the hole is described as."""
    paste: Paste
    """What of source and object comes back in pixels."""


PUBLISHED_GEOMETRY = GeometryRules(
    canvas=GeometryCanvas.OWN,
    reach=HoleReach.OBJECT,
    cells=HoleCells.NEAREST,
    control=Control.OBJECT,
    prompt=HolePrompt.NOTHING,
    paste=Paste.NOTHING,
)
"""PRIS-CV/Pascal-EA at 49d7cdb, geo_edit, in what it does to pixels."""

MATCHED_GEOMETRY = GeometryRules(
    canvas=GeometryCanvas.ASPECT,
    reach=HoleReach.VACATED,
    cells=HoleCells.ANY_OVERLAP,
    control=Control.SCENE,
    prompt=HolePrompt.BACKDROP,
    paste=Paste.OUTSIDE,
)
"""The method with its defects corrected."""


def geometry_rules_of(preset: Preset) -> GeometryRules:
    """Return the rules of `preset`."""
    match preset:
        case Preset.PUBLISHED:
            return PUBLISHED_GEOMETRY
        case Preset.MATCHED:
            return MATCHED_GEOMETRY
        case _:
            assert_never(preset)
