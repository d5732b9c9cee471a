"""The label spaces that come with the harness, and whether a label keeps to one."""

import functools
import tomllib
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from harness.errors import RecipeError
from harness.records.label_space import LabelSpace

_FOLDER = "label_spaces"


def label_space_names() -> tuple[str, ...]:
    """Return the names of all label spaces, sorted."""
    folder = resources.files("harness.dataset") / _FOLDER
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


@functools.cache
def load_label_space(name: str) -> LabelSpace:
    """Return the label space called `name`.

    Raises:
        RecipeError: There is none of this name; the message lists those there are.
    """
    if name not in label_space_names():
        msg = f"there is no label space {name!r}"
        raise RecipeError(
            msg,
            remedy=f"Choose one of: {', '.join(label_space_names())}.",
        )
    text = (resources.files("harness.dataset") / _FOLDER / f"{name}.toml").read_text("utf-8")
    return LabelSpace.model_validate(tomllib.loads(text))


def strange_counts(label: NDArray[np.uint8], label_space: LabelSpace) -> NDArray[np.int64]:
    """Return how many pixels hold each id that is neither a class nor the ignore id, [256]."""
    counts = np.bincount(label.reshape(-1), minlength=256)
    counts[[c.id for c in label_space.classes if c.id < len(counts)]] = 0
    if label_space.ignore_id < len(counts):
        counts[label_space.ignore_id] = 0
    return counts


def strange_id(label: NDArray[np.uint8], label_space: LabelSpace) -> int | None:
    """Return the least id in `label` that is neither a class nor the ignore id, or None."""
    counts = strange_counts(label, label_space)
    return int(np.flatnonzero(counts)[0]) if counts.any() else None
