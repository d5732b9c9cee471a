"""What is said where a GPU's memory runs out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from harness.editing.diffusion.device import Runtime
from harness.errors import DeviceError


def too_little_memory(runtime: Runtime, what: str, error: torch.OutOfMemoryError) -> DeviceError:
    """Return the error of `runtime`'s device, whose memory does not suffice for `what`."""
    first_line = str(error).strip().partition("\n")[0]
    remedy = "Close what else uses the device, edit a smaller picture, or use --device cpu."
    if runtime.dtype is torch.float32:
        remedy = "Use half precision (--precision bfloat16), or close what else uses the device."
    return DeviceError(
        f"{runtime.device} has too little memory for {what}: {first_line}", remedy=remedy
    )


@contextmanager
def telling_of_memory(runtime: Runtime, what: str) -> Iterator[None]:
    """Turn torch's error into ours where memory runs out inside.

    Raises:
        DeviceError: It ran out.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise too_little_memory(runtime, what, error) from error
