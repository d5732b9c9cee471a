"""Whether the packages of the diffusion editor are installed; imports none of them."""

import importlib.util

from harness.errors import DeviceError

PACKAGES = ("torch", "diffusers", "transformers", "safetensors")


def require_packages() -> None:
    """Raise where a package is missing that the diffusion editor needs.

    Raises:
        DeviceError: Names them.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        msg = f"the diffusion editor needs what is not installed: {', '.join(missing)}"
        raise DeviceError(
            msg,
            remedy="Run `make diffusion`, or pip install 'segmentation-attribute-harness"
            "[diffusion]'; the procedural editor needs nothing more.",
        )
