"""Which device a model computes on and in which number format; nothing of memory."""

from collections.abc import Sequence
from typing import Literal

import torch

from harness.errors import DeviceError

PrecisionName = Literal["float32", "float16", "bfloat16"]
_DTYPES: dict[PrecisionName, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
_CPU = "Give `--device cpu`, or leave `--device` out."


def visible_gpus() -> tuple[str, ...]:
    """Return the names of the CUDA devices, by index."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return tuple(torch.cuda.get_device_name(index) for index in range(count))


def choose_torch_device(
    asked: str | None, *, gpus: Sequence[str] | None = None, remedy: str = _CPU
) -> torch.device:
    """Return the device that was asked for.

    Args:
        asked: `cpu`, `cuda` or `cuda:N`; None is the first GPU, or the CPU where there is none.
        gpus: The names of the CUDA devices; None looks.
        remedy: What the user can do where the device is not there, as a sentence.

    Raises:
        DeviceError: It is unknown or not there.
    """
    gpus = visible_gpus() if gpus is None else gpus
    if asked is None:
        return torch.device("cuda", 0) if gpus else torch.device("cpu")
    kind, _, index = asked.partition(":")
    if kind == "cpu" and ":" not in asked:
        return torch.device("cpu")
    if kind != "cuda" or (":" in asked and not index.isdecimal()):
        msg = f"{asked!r} is no device the harness knows: cpu, cuda or cuda:N"
        raise DeviceError(msg, remedy="Give `--device cpu` or `--device cuda`.")
    number = int(index or 0)
    if number >= len(gpus):
        there = ", ".join(gpus) or "no CUDA GPU"
        msg = f"there is no device {asked}: torch {torch.__version__} sees {there}"
        raise DeviceError(msg, remedy=remedy)
    return torch.device("cuda", number)


def choose_dtype(asked: PrecisionName | None, device: torch.device) -> torch.dtype:
    """Return the number format of a model on `device`: float32 on a CPU, float16 on a GPU.

    Args:
        asked: The format that a recipe names; None chooses.
        device: Where the model computes.

    Raises:
        DeviceError: The device does not compute in the format.
    """
    if asked is None:
        return torch.float32 if device.type == "cpu" else torch.float16
    if device.type == "cpu" and asked == "float16":
        msg = "a CPU computes float16 slowly and inexactly, so the harness does not"
        raise DeviceError(msg, remedy="Use float32, or bfloat16 where memory is short.")
    if device.type == "cuda" and asked == "bfloat16" and not _has_bfloat16(device):
        msg = f"the {torch.cuda.get_device_name(device)} has no bfloat16"
        raise DeviceError(msg, remedy="Use float16 or float32.")
    return _DTYPES[asked]


def _has_bfloat16(device: torch.device) -> bool:
    """Return whether the GPU computes in bfloat16 itself, not by way of float32."""
    return torch.cuda.get_device_capability(device) >= (8, 0) or torch.version.hip is not None
