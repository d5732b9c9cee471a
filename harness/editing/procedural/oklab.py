"""Colours in OKLab (Ottosson 2020), and tables from tone and light to sRGB; nothing of objects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.editing.procedural.fields import Field, Pixels, f32

Float64 = NDArray[np.float64]

TONES = 128
LIGHTS = 256
MAX_LIGHT = 2.0
"""The light factor at the last column of a paint table; 1.0 shows a tone as it is."""

_FINE = 4096


def _srgb_to_linear(v: Float64) -> Float64:
    low = v / 12.92
    return np.where(v <= 0.04045, low, ((np.maximum(v, 0.04045) + 0.055) / 1.055) ** 2.4)


def _linear_to_srgb(v: Float64) -> Float64:
    return np.where(
        v <= 0.0031308, v * 12.92, 1.055 * np.maximum(v, 0.0031308) ** (1 / 2.4) - 0.055
    )


def _grain(values: Float64) -> Field:
    """Round to 2**-20, so that the last bit of a transcendental never shows."""
    return f32(np.rint(values * 2.0**20) / 2.0**20)


@dataclass(frozen=True, kw_only=True)
class Lightness:
    """Look-up tables for the OKLab lightness of sRGB bytes."""

    linear: Field
    """Linear light of each sRGB byte, [256]."""
    cube_root: Field
    """Cube root of the square of i / 4095, [4096]."""

    def of(self, image: Pixels) -> Field:
        """Return the OKLab lightness, 0-1, of each RGB pixel."""
        r, g, b = (self.linear[image[..., c]] for c in range(3))
        weights = (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        )
        roots = []
        for wr, wg, wb in weights:
            cone = r * np.float32(wr) + g * np.float32(wg) + b * np.float32(wb)
            index = (np.sqrt(cone) * np.float32(_FINE - 1) + np.float32(0.5)).astype(np.intp)
            roots.append(self.cube_root[np.minimum(index, _FINE - 1)])
        return f32(
            roots[0] * np.float32(0.2104542553)
            + roots[1] * np.float32(0.7936177850)
            - roots[2] * np.float32(0.0040720468)
        )


def make_lightness() -> Lightness:
    """Return the lightness tables."""
    steps = np.arange(_FINE) / (_FINE - 1)
    return Lightness(
        linear=_grain(_srgb_to_linear(np.arange(256) / 255)),
        cube_root=_grain(np.cbrt(steps * steps)),
    )


def _cube(values: Float64) -> Float64:
    return values * values * values


def oklab_to_linear(lab: Float64) -> Float64:
    """Return linear RGB of OKLab colours; components outside 0-1 are outside the gamut."""
    lightness, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    # Cubes as products: the power function's last bit depends on the CPU, and the search for the
    # edge of the gamut would turn on it.
    long = _cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
    medium = _cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
    short = _cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
    return np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ],
        axis=-1,
    )


def srgb_of(lab: Float64) -> Pixels:
    """Return sRGB bytes of OKLab colours, chroma lowered until they are in gamut."""
    low, high = np.zeros(lab.shape[:-1]), np.ones(lab.shape[:-1])
    for _ in range(10):
        share = (low + high) / 2
        trial = lab * np.stack([np.ones_like(share), share, share], axis=-1)
        linear = oklab_to_linear(trial)
        fits = (linear.min(axis=-1) >= -1e-4) & (linear.max(axis=-1) <= 1.0001)
        low, high = np.where(fits, share, low), np.where(fits, high, share)
    trial = lab * np.stack([np.ones_like(low), low, low], axis=-1)
    encoded = _linear_to_srgb(np.clip(oklab_to_linear(trial), 0, 1))
    return np.rint(encoded * 255).astype(np.uint8)


def from_lch(stops: NDArray[np.float64]) -> Float64:
    """Return OKLab of rows (lightness, chroma, hue in degrees)."""
    angle = np.deg2rad(stops[:, 2])
    cosine, sine = (np.rint(f(angle) * 2.0**30) / 2.0**30 for f in (np.cos, np.sin))
    return np.stack([stops[:, 0], stops[:, 1] * cosine, stops[:, 1] * sine], -1)


def paint_table(stops: tuple[tuple[float, float, float], ...]) -> Pixels:
    """Return sRGB by tone and light, [TONES, LIGHTS, 3].

    Args:
        stops: (lightness, chroma, hue in degrees) spaced evenly over the tones.
    """
    lab = from_lch(np.array(stops, dtype=np.float64))
    at = np.linspace(0, len(stops) - 1, TONES)
    tones = np.stack([np.interp(at, np.arange(len(stops)), lab[:, c]) for c in range(3)], -1)
    coarse = 65
    light = np.linspace(0, MAX_LIGHT, coarse)[None, :]
    dim = np.minimum(light, 1.0)
    glow = np.maximum(light - 1.0, 0.0)
    lightness = tones[:, :1] * dim
    lightness = lightness + (1.0 - lightness) * glow
    # Shade keeps most of the saturation, a highlight takes the lamp's white.
    chroma = dim * (1.0 - 0.85 * glow)
    lab_grid = np.stack([lightness, tones[:, 1:2] * chroma, tones[:, 2:3] * chroma], axis=-1)
    table = srgb_of(lab_grid).astype(np.float64)
    fine = np.linspace(0, coarse - 1, LIGHTS)
    low = np.minimum(fine.astype(np.intp), coarse - 2)
    share = (fine - low)[None, :, None]
    return np.rint(table[:, low] * (1 - share) + table[:, low + 1] * share).astype(np.uint8)


def paint(table: Pixels, tone: Field, light: Field) -> Pixels:
    """Return the table's colours for tones of 0-1 and light factors (1 shows a tone as it is)."""
    rows = (np.clip(tone, 0, 1) * np.float32(TONES - 1) + np.float32(0.5)).astype(np.intp)
    scale = np.float32((LIGHTS - 1) / MAX_LIGHT)
    columns = (np.clip(light, 0, MAX_LIGHT) * scale + np.float32(0.5)).astype(np.intp)
    return np.take(table.reshape(-1, 3), rows * LIGHTS + columns, axis=0)
