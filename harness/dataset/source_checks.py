"""Whether what is said of an image fits it and its label space; nothing of how it is read."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.image_io import read_stored_size
from harness.dataset.label_format import strange_values
from harness.dataset.label_space import strange_counts
from harness.records.label_space import LabelSpace


def require_shape(
    found: tuple[int, ...], expected: tuple[int, int], *, name: str, image: Path
) -> None:
    """Prove that a label, mask or map of instances has the size of its image.

    Args:
        found: Its height and width.
        expected: The image's, upright.
        name: What errors call it; what begins with `the` is of many.
        image: The image's file, asked for its size as stored where the two differ.

    Raises:
        BrokenSourceError: It hasn't.
    """
    if found == expected:
        return
    verb, they, fit = ("are", "they", "fit") if name.startswith("the ") else ("is", "it", "fits")
    msg = f"{name} {verb} {found[1]}x{found[0]}, its image {expected[1]}x{expected[0]}"
    remedy = "Bring both to one size, the label without interpolation."
    if (found[1], found[0]) == read_stored_size(image):
        msg += f": {they} {fit} the picture as stored, before its EXIF orientation turns it upright"
        remedy = (
            "Turn it as the orientation turns the picture, or remove the orientation from the "
            "image's EXIF data."
        )
    raise BrokenSourceError(msg, remedy=remedy, reason=BrokenReason.OTHER_SIZE)


def require_classes(label: NDArray[np.uint8], label_space: LabelSpace, *, name: str) -> None:
    """Prove that a label [H, W] holds classes and the ignore id only.

    Raises:
        BrokenSourceError: It holds others, which the message names.
    """
    counts = strange_counts(label, label_space)
    if counts.any():
        msg = f"{name} holds {strange_values(counts)}, no class of {label_space.name}"
        raise BrokenSourceError(
            msg,
            remedy="Name the right label space in the recipe, or correct the label.",
            reason=BrokenReason.STRANGE_ID,
        )


def require_class_under_mask(
    inside: NDArray[np.uint8], class_name: str | None, label_space: LabelSpace, *, name: str
) -> None:
    """Prove that the object which the data set points out is of a class, and of the one it says.

    Args:
        inside: The label's values within the object's mask.
        class_name: The class that the data set says; None where it says none.
        label_space: The label's.
        name: What errors call the mask.

    Raises:
        BrokenSourceError: It is not.
    """
    if class_name is None:
        fits, kind = bool((inside != label_space.ignore_id).any()), "labelled pixels"
    else:
        found = label_space.by_name(class_name)
        fits = found is not None and inside.size > 0 and not bool((inside != found.id).any())
        kind = class_name
    if not fits:
        msg = f"{name} is not a part of the label's {kind}"
        raise BrokenSourceError(
            msg,
            remedy="The mask of an object lies within the label's pixels of its class.",
            reason=BrokenReason.ODD_MASK,
        )
