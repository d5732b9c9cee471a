"""A painted object has the asked hue, and its light and dark stay in order."""

import numpy as np
import pytest
from edited_scenes import one, source
from skimage.color import rgb2lab

HUES = {
    "violet": 308.0,
    "pink": 350.0,
    "blue": 285.0,
    "green": 143.0,
    "orange": 62.0,
    "yellow": 98.0,
}
"""CIELAB hues in degrees, from an implementation that the editor does not use."""


def shaded(low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc that brightens from left to right, on grey."""
    y, x = np.mgrid[0:96, 0:128]
    mask = (x - 64) ** 2 + (y - 48) ** 2 < 40**2
    ramp = low + (high - low) * np.clip((x - 24) / 80, 0, 1)
    image = np.full((96, 128, 3), 120, np.uint8)
    image[mask] = np.rint(ramp[mask]).astype(np.uint8)[:, None]
    return image, mask


def mean_hue(pixels: np.ndarray) -> tuple[float, float]:
    lab = rgb2lab(pixels[None].astype(np.float64) / 255)[0]
    a, b = lab[:, 1].mean(), lab[:, 2].mean()
    return float(np.rad2deg(np.arctan2(b, a)) % 360), float(np.hypot(a, b))


@pytest.mark.parametrize(("low", "high"), [(5, 30), (60, 200), (225, 254)])
@pytest.mark.parametrize("value", sorted(HUES))
def test_dark_middle_and_white_objects_take_the_hue(value: str, low: int, high: int) -> None:
    image, mask = shaded(low, high)
    result = one(source(image, mask), f"color={value}")
    hue, chroma = mean_hue(result.image[mask])
    away = abs((hue - HUES[value] + 180) % 360 - 180)
    assert away < 18, (hue, HUES[value])
    assert chroma > 25


@pytest.mark.parametrize("value", [*sorted(HUES), "tan"])
def test_brighter_stays_brighter(value: str) -> None:
    image, mask = shaded(20, 235)
    painted = one(source(image, mask), f"color={value}").image
    # Away from the rim, where a little of the source shows through.
    row = painted[48, 30:99].astype(np.float64) / 255
    lightness = rgb2lab(row[None])[0, :, 0]
    assert np.all(np.diff(lightness) > -0.9)
    assert lightness[-1] - lightness[0] > 35


def test_multi_shows_many_hues() -> None:
    image, mask = shaded(60, 200)
    painted = one(source(image, mask), "color=multi").image[mask]
    lab = rgb2lab(painted[None].astype(np.float64) / 255)[0]
    hues = np.rad2deg(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    shares = np.histogram(hues, bins=6, range=(0, 360))[0] / hues.size
    assert np.count_nonzero(shares > 0.05) >= 3


def test_fine_texture_survives() -> None:
    image, mask = shaded(120, 121)
    image[::2, ::2][mask[::2, ::2]] = 150
    painted = one(source(image, mask), "color=blue").image.astype(int)
    inner = np.zeros_like(mask)
    inner[30:66, 44:84] = True
    on = painted[::2, ::2][inner[::2, ::2]].sum(axis=-1).mean()
    off = painted[1::2, 1::2][inner[1::2, 1::2]].sum(axis=-1).mean()
    assert on - off > 20
