"""What a hole is described as; nothing of how text is embedded."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from harness.editing.diffusion.geometry_rules import HolePrompt
from harness.editing.editor import EditSource
from harness.editing.roles import Role, role_table

_MOST_NAMES = 3
_LEAST_SHARE = 0.05
"""A class with less of the hole than this is not named."""


@dataclass(frozen=True, kw_only=True)
class HoleText:
    """What the model is told of the hole."""

    prompt: str
    """What it shows."""
    negative: str
    """What classifier-free guidance leads away from."""


def hole_text(source: EditSource, vacated: NDArray[np.uint8], rule: HolePrompt) -> HoleText:
    """Return what the model is told of a hole.

    The caption and the target prompt name the object, and would have it painted back; so neither
    is used.

    Args:
        source: The source.
        vacated: The class ids that the hole becomes, [N].
        rule: How it is described.
    """
    match rule:
        case HolePrompt.NOTHING:
            return HoleText(prompt="", negative="")
        case HolePrompt.BACKDROP:
            return _backdrop(source, vacated)
        case _:
            assert_never(rule)


def _backdrop(source: EditSource, vacated: NDArray[np.uint8]) -> HoleText:
    space = source.label_space
    roles = role_table(space)
    counts = np.bincount(vacated, minlength=256)
    named = [c for c in space.classes if c.id < 256 and counts[c.id] > _LEAST_SHARE * vacated.size]
    words = [
        entry.noun or entry.name
        for entry in sorted(named, key=lambda c: -counts[c.id])
        if roles[entry.id] not in (Role.BACKDROP, Role.UNKNOWN)
    ]
    # A building moved off a building leaves a building.
    stays = any(entry.name == source.object_class for entry in named)
    return HoleText(
        prompt=f"a photo of {_listed(words[:_MOST_NAMES])}" if words else "",
        negative="" if stays else _object_word(source),
    )


def _object_word(source: EditSource) -> str:
    name = source.object_class or ""
    entry = source.label_space.by_name(name)
    return name if entry is None else entry.noun or entry.name


def _listed(words: list[str]) -> str:
    """Return the words as English lists them."""
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"
