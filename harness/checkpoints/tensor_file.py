"""What the header of a safetensors file says: that it is whole, and how much it holds."""

import math
from pathlib import Path

from safetensors import SafetensorError, safe_open

from harness.errors import WeightsError


def count_numbers(path: Path) -> int:
    """Return how many numbers the tensors of `path` hold, having seen that the file is whole.

    Raises:
        WeightsError: It is cut short or no safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as tensors:
            return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        msg = f"{path} is no whole safetensors file: {error}"
        raise WeightsError(msg, remedy="Fetch the file again.") from error
