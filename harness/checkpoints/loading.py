"""Whatever transformers raises while it loads a checkpoint, told as one error."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from harness.errors import DeviceError, WeightsError

_FAULTS = (
    AttributeError,
    ImportError,
    KeyError,
    OSError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
    TypeError,
    ValueError,
)
"""What transformers raises over files that are not of the kind that is asked for."""


@contextmanager
def telling_of_weights(title: str, *, remedy: str) -> Iterator[None]:
    """Turn what a `from_pretrained` raises within into WeightsError or, of memory, DeviceError.

    Args:
        title: What the model is called in messages.
        remedy: What the user can do, as a sentence.

    Raises:
        WeightsError: The files are no model of the kind.
        DeviceError: The device has too little memory.
    """
    try:
        yield
    except _FAULTS as error:
        said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        if "out of memory" in said.lower():
            msg = f"there is too little memory for {title}: {said}"
            help_ = "Set its precision to bfloat16 or float16, or take another device."
            raise DeviceError(msg, remedy=help_) from error
        msg = f"{title} can't be loaded: {said}"
        raise WeightsError(msg, remedy=remedy) from error
