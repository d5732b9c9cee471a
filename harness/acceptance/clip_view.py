"""How an image is brought to CLIP's input: the square, the scaling, the statistics; no network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.errors import WeightsError

PREPROCESSOR = "preprocessor_config.json"
_BICUBIC = 3
"""Pillow's number of the filter that every CLIP was trained with."""
_REMEDY = f"Give the model's own {PREPROCESSOR}, as it is published with its weights."


@dataclass(frozen=True, kw_only=True)
class ClipView:
    """The square of pixels that a CLIP model sees, and their statistics."""

    shortest_edge: int = 224
    """The length that the shorter side is scaled to, pixels."""
    size: int = 224
    """The side of the square that is cut from the middle, pixels."""
    # The statistics of its training images (Radford et al., 2021, their published code).
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    """Mean of each channel of pixels in 0-1."""
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    """Standard deviation of each."""

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the network is given of an RGB image [H, W, 3]: [3, size, size].

        The shorter side is scaled by Pillow's antialiased bicubic filter in 8 bits, as in CLIP's
        own code, the middle is cut out, and the pixels, brought to 0-1, are standardized.
        """
        height, width = image.shape[:2]
        short = min(height, width)
        scaled = tuple(int(self.shortest_edge * side / short) for side in (width, height))
        picture = Image.fromarray(image).resize(scaled, Image.Resampling.BICUBIC)  # type: ignore[arg-type]  # two
        left, top = ((side - self.size) // 2 for side in scaled)
        square = picture.crop((left, top, left + self.size, top + self.size))
        values = np.asarray(square, dtype=np.float32) / np.float32(255)
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return np.ascontiguousarray(((values - mean) / std).transpose(2, 0, 1))


def read_view(folder: Path, *, image_size: int) -> ClipView:
    """Return the view that the checkpoint in `folder` was trained with.

    Args:
        folder: The checkpoint.
        image_size: The side of its input, by its config.json; taken where it says no more.

    Raises:
        WeightsError: It wants another preparation than CLIP's.
    """
    path = folder / PREPROCESSOR
    if not path.is_file():
        return ClipView(shortest_edge=image_size, size=image_size)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        view = _view_of(told, image_size=image_size)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"{path} describes no preparation of CLIP's: {error}"
        raise WeightsError(msg, remedy=_REMEDY) from error
    if view.size != image_size:
        msg = f"{path} cuts out {view.size} pixels, and the network takes {image_size}"
        raise WeightsError(msg, remedy=_REMEDY)
    return view


def _view_of(told: dict[str, Any], *, image_size: int) -> ClipView:
    steps = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")
    skipped = [step for step in steps if not told.get(step, True)]
    if skipped or told.get("resample", _BICUBIC) != _BICUBIC:
        msg = f"it leaves out {skipped[0]}" if skipped else "it does not scale bicubically"
        raise ValueError(msg)
    if abs(told.get("rescale_factor", 1 / 255) * 255 - 1) > 1e-6:
        msg = "its pixels are not in 0-1"
        raise ValueError(msg)
    plain = ClipView()
    return ClipView(
        shortest_edge=_side(told.get("size", image_size), "shortest_edge"),
        size=_side(told.get("crop_size", image_size), "height"),
        mean=_three(told.get("image_mean", plain.mean)),
        std=_three(told.get("image_std", plain.std)),
    )


def _side(told: Any, key: str) -> int:  # noqa: ANN401 - JSON: a number, as files of before 2022 say it, or an object
    return int(told[key] if isinstance(told, dict) else told)


def _three(told: Any) -> tuple[float, ...]:  # noqa: ANN401 - any JSON
    values = tuple(float(value) for value in told)
    if len(values) != 3:
        msg = f"{len(values)} channels"
        raise ValueError(msg)
    return values
