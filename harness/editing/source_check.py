"""Whether a source and a request are what their types say; every editor asks first."""

import numpy as np

from harness.editing.editor import EditRequest, EditSource
from harness.errors import ImageEditError
from harness.records.attributes import Scope


def check_source(source: EditSource, *, min_side: int) -> None:
    """Raise where a source is not what its type says, or smaller than `min_side` pixels a side.

    Raises:
        ImageEditError: It is.
    """
    image, label, mask = source.image, source.label, source.mask
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        _refuse(f"the image is {image.dtype} {list(image.shape)}, not uint8 [H, W, 3]")
    if min(image.shape[:2]) < min_side:
        _refuse(f"the image is {image.shape[1]} x {image.shape[0]}, under {min_side} pixels a side")
    if label.dtype != np.uint8 or label.shape != image.shape[:2]:
        _refuse(
            f"the label is {label.dtype} {list(label.shape)}, not uint8 {list(image.shape[:2])}"
        )
    if mask is not None and (mask.dtype != np.bool_ or mask.shape != image.shape[:2]):
        _refuse(f"the mask is {mask.dtype} {list(mask.shape)}, not bool {list(image.shape[:2])}")


def check_object(source: EditSource, request: EditRequest) -> None:
    """Raise where `request` is of an object and `source` has none, or its amount is none.

    Raises:
        ImageEditError: It is.
    """
    if request.edit.scope is Scope.GLOBAL:
        return
    if source.mask is None:
        _refuse(f"{request.edit} needs an object, and the source has no object mask")
    elif not source.mask.any():
        _refuse(f"{request.edit} needs an object, and the source's object mask is empty")
    if request.amount is not None and not 0 < request.amount <= 1:
        _refuse(f"{request.edit} needs an amount over 0 and up to 1, not {request.amount}")


def _refuse(reason: str) -> None:
    raise ImageEditError(reason, remedy="Check the image, its label and its object mask.")
