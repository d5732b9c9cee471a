"""The label of a user's own picture: read, or made of the mask; nothing of data sets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.dataset.image_io import decode_label
from harness.dataset.label_space import strange_id
from harness.dataset.object_mask import ObjectMask
from harness.dataset.picture_file import read_file_bytes
from harness.errors import ImageEditError
from harness.records.base import sha256_hex
from harness.records.label_space import LabelClass, LabelSpace


@dataclass(frozen=True, kw_only=True)
class ObjectLabel:
    """The label of a picture, valid for its object."""

    label: NDArray[np.uint8]
    """Class ids, [H, W]."""
    label_space: LabelSpace
    """What they mean."""
    path: Path | None = None
    """Its file; None where it was made of the mask."""
    sha256: str | None = None
    """The sha256 of the file; None where there is none."""


_BACKGROUND = "background"
_OBJECT_ID = 1


def label_of_mask(mask: NDArray[np.bool_], object_class: str) -> ObjectLabel:
    """Return the label that says no more than `mask`: the object, and what is around it.

    Raises:
        ImageEditError: The object is called as what is around it.
    """
    if object_class == _BACKGROUND:
        msg = f"the edited object is called {_BACKGROUND!r}, which is what is around it"
        raise ImageEditError(msg, remedy="Say --class with the object's own name.")
    space = LabelSpace(
        name="mask",
        ignore_id=255,
        classes=(
            LabelClass(id=0, name=_BACKGROUND, color=(0, 0, 0)),
            LabelClass(id=_OBJECT_ID, name=object_class, color=(255, 255, 255)),
        ),
    )
    return ObjectLabel(label=mask.astype(np.uint8) * np.uint8(_OBJECT_ID), label_space=space)


def read_object_label(
    path: Path, label_space: LabelSpace, *, object_class: str, mask: ObjectMask
) -> ObjectLabel:
    """Return the label in a PNG whose pixels under `mask` are the object's.

    Raises:
        SourceDataError: There is no such file, or it is no one-channel 8-bit PNG.
        ImageEditError: The label space has no such class, the label is of another size, holds an
            id that is no class, or says another class under the mask.
    """
    wanted = label_space.by_name(object_class)
    if wanted is None:
        msg = f"{label_space.name} has no class {object_class!r}"
        known = ", ".join(c.name for c in label_space.classes)
        raise ImageEditError(msg, remedy=f"Say --class with one of: {known}.")
    data = read_file_bytes(path)
    label = decode_label(data, name=str(path))
    if label.shape != mask.mask.shape:
        size, other = label.shape[::-1], mask.mask.shape[::-1]
        msg = f"the label {path} is {size[0]}x{size[1]}, its picture {other[0]}x{other[1]}"
        raise ImageEditError(msg, remedy="Bring both to one size, the label without interpolation.")
    odd = strange_id(label, label_space)
    if odd is not None:
        msg = f"the label {path} holds id {odd}, which is no class of {label_space.name}"
        raise ImageEditError(msg, remedy="Name its own --label-space, or correct the label.")
    strays = int(np.count_nonzero(label[mask.mask] != wanted.id))
    if strays:
        msg = f"{strays} pixels of the mask {mask.path} are not {object_class} in the label {path}"
        raise ImageEditError(msg, remedy="The mask lies within the label's pixels of its class.")
    return ObjectLabel(label=label, label_space=label_space, path=path, sha256=sha256_hex(data))
