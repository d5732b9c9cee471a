"""Random changes of colour, texture and light that leave every outline where it is.

Generic augmentations only: nothing here comes from the harness's editors, and no colour name,
material, pattern, style or weather of a benchmark is imitated. That would be training on the test.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from submissions.training.geometry import View

Pixels = NDArray[np.float32]
"""RGB 0..1, [H, W, 3]."""
Change = Callable[[Pixels, np.random.Generator], Pixels]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
REGION_CHANGES = (0.25, 0.45, 0.3)
"""Probabilities of changing no, one or two regions of an image."""
IMAGE_CHANGES = (0.3, 0.4, 0.3)
"""Probabilities of no, one or two changes to the whole image."""


def mild_change(view: View, generator: np.random.Generator) -> View:
    """Return `view` a little brighter or darker, flatter or harder: what plain training sees."""
    pixels = view.image.astype(np.float32)
    contrast, brightness = generator.uniform(0.85, 1.15), generator.uniform(-15, 15)
    pixels = (pixels - 118) * contrast + 118 + brightness
    return View(image=np.clip(pixels, 0, 255).astype(np.uint8), label=view.label)


def strong_change(view: View, donor: NDArray[np.uint8], generator: np.random.Generator) -> View:
    """Return `view` with regions recoloured or retextured and with other light and rendering.

    Args:
        view: The example.
        donor: Another training image, whose pixels may serve as a texture.
        generator: The source of randomness.
    """
    pixels = view.image.astype(np.float32) / 255
    for _ in range(generator.choice(len(REGION_CHANGES), p=REGION_CHANGES)):
        share = _soft_region(view.label, generator)[..., None]
        pixels = pixels + share * (_reworked(pixels, donor, generator) - pixels)
    for _ in range(generator.choice(len(IMAGE_CHANGES), p=IMAGE_CHANGES)):
        change = WHOLE_IMAGE[generator.integers(len(WHOLE_IMAGE))]
        pixels = np.clip(change(pixels, generator), 0, 1)
    image = np.clip(pixels * 255, 0, 255).astype(np.uint8)
    return mild_change(View(image=image, label=view.label), generator)


def _soft_region(label: NDArray[np.uint8], generator: np.random.Generator) -> Pixels:
    """Return where to change, 0..1: mostly one class, else the rest, a random blob or all of it."""
    kind = generator.random()
    if kind < 0.65:
        present = [int(c) for c in np.unique(label) if 0 < c < 255]
        chosen = generator.choice(present) if present else 0
        region = (label == chosen).astype(np.float32)
    elif kind < 0.75:
        region = (label == 0).astype(np.float32)
    elif kind < 0.9:
        region = (_cloud(label.shape, generator, coarsest=3) > 0.55).astype(np.float32)
    else:
        region = np.ones(label.shape, dtype=np.float32)
    return cv2.GaussianBlur(region, (0, 0), generator.uniform(0.3, 1.5))


def _reworked(pixels: Pixels, donor: NDArray[np.uint8], generator: np.random.Generator) -> Pixels:
    """Return the image in other colours or of another texture, lit as it was to some degree."""
    kind = generator.random()
    if kind < 0.4:
        return _recoloured(pixels, generator)
    if kind < 0.6:
        return _channels_mixed(pixels, generator)
    return _retextured(pixels, donor, generator)


def _recoloured(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return luminance mapped to a random ramp of three colours, from dark to light."""
    light = (pixels @ LUMA)[..., None]
    tint = generator.random(3).astype(np.float32)
    low, high = tint * generator.uniform(0, 0.4), 1 - (1 - tint) * generator.uniform(0, 0.8)
    middle = np.float32(generator.uniform(0.3, 0.7))
    lower = low + (tint - low) * np.minimum(light / middle, 1)
    ramp = lower + (high - tint) * np.maximum((light - middle) / (1 - middle), 0)
    return pixels + np.float32(generator.uniform(0.5, 1)) * (ramp - pixels)


def _channels_mixed(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return every channel as a random mixture of all three, with a random gamma."""
    mixture = generator.dirichlet([0.5] * 3, size=3).astype(np.float32)
    gamma = np.exp(generator.uniform(-0.6, 0.6, 3)).astype(np.float32)
    return np.clip(pixels @ mixture.T, 0, 1) ** gamma


def _retextured(pixels: Pixels, donor: NDArray[np.uint8], generator: np.random.Generator) -> Pixels:
    """Return a texture under the image's light: noise of a random grain, or a donor's crop."""
    light = (pixels @ LUMA)[..., None]
    if generator.random() < 0.5:
        texture = _noise_texture(light.shape[:2], generator)
    else:
        texture = _donor_texture(light.shape[:2], donor, generator)
    shading = generator.uniform(0.2, 1.0)
    lit = texture * ((1 - shading) + shading * light / max(float(light.mean()), 0.1))
    return pixels + np.float32(generator.uniform(0.5, 1)) * (lit - pixels)


def _noise_texture(shape: Sequence[int], generator: np.random.Generator) -> Pixels:
    """Return noise of a random grain and stretch between two random colours."""
    grain = np.exp(generator.uniform(np.log(0.7), np.log(8), 2))
    noise = generator.standard_normal(shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), grain[0], sigmaY=grain[1])
    hardness = np.exp(generator.uniform(-0.5, 1.5))
    mixed = 0.5 + 0.5 * np.tanh(hardness * noise / max(float(noise.std()), 1e-6))
    first, second = generator.random((2, 3)).astype(np.float32)
    return first + mixed[..., None].astype(np.float32) * (second - first)


def _donor_texture(
    shape: Sequence[int], donor: NDArray[np.uint8], generator: np.random.Generator
) -> Pixels:
    """Return a random crop of the donor, enlarged to the shape and perhaps turned."""
    height, width = shape
    share = generator.uniform(0.25, 0.8)
    rows, columns = int(donor.shape[0] * share), int(donor.shape[1] * share)
    top = generator.integers(donor.shape[0] - rows + 1)
    left = generator.integers(donor.shape[1] - columns + 1)
    crop = np.rot90(donor[top : top + rows, left : left + columns], generator.integers(4))
    return cv2.resize(crop, (width, height)).astype(np.float32) / 255


def _cloud(shape: Sequence[int], generator: np.random.Generator, *, coarsest: int) -> Pixels:
    """Return a smooth random field in 0..1 from a grid of `coarsest` cells."""
    grid = generator.random((coarsest + 1, coarsest + 1)).astype(np.float32)
    field = cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(field, 0, 1)


def _relit(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return other exposure: gamma, gain by channel."""
    gamma = np.exp(generator.uniform(-0.9, 0.9))
    gain = generator.uniform(0.6, 1.3) * generator.uniform(0.8, 1.2, 3)
    return (pixels**gamma * gain).astype(np.float32)


def _darkened(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the scene with little light left, grainy."""
    gain = generator.uniform(0.15, 0.6) * generator.uniform(0.7, 1.3, 3)
    grain = generator.standard_normal(pixels.shape) * generator.uniform(0, 0.03)
    return (pixels * gain + grain).astype(np.float32)


def _veiled(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the scene seen through an uneven veil of one colour, contrast lost."""
    cover = generator.uniform(0.1, 0.9) * _cloud(pixels.shape, generator, coarsest=2)
    cover = cover + generator.uniform(0, 0.4)
    tone = generator.uniform(0.3, 1) + generator.uniform(-0.1, 0.1, 3)
    return (pixels + np.clip(cover, 0, 0.8)[..., None] * (tone - pixels)).astype(np.float32)


def _blurred(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the image out of focus or shaken in one direction."""
    spread = generator.uniform(0.4, 2.5, 2)
    return cv2.GaussianBlur(pixels, (0, 0), spread[0], sigmaY=spread[1])


def _speckled(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the image under noise of a random strength and grain, the same in each channel."""
    noise = generator.standard_normal(pixels.shape[:2]).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), generator.uniform(0.3, 1.5))
    strength = generator.uniform(0.02, 0.2) / max(float(noise.std()), 1e-6)
    return (pixels + strength * noise[..., None]).astype(np.float32)


def _flattened(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return large flat areas: a median filter, then few levels of brightness."""
    size = int(generator.choice([3, 5, 7]))
    smooth = cv2.medianBlur((pixels * 255).astype(np.uint8), size).astype(np.float32) / 255
    levels = generator.integers(3, 12)
    return (np.floor(smooth * levels) + 0.5) / np.float32(levels)


def _sharpened(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return exaggerated detail."""
    smooth = cv2.GaussianBlur(pixels, (0, 0), generator.uniform(0.8, 3))
    return pixels + np.float32(generator.uniform(0.5, 3)) * (pixels - smooth)


def _high_passed(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return mostly what differs from the neighbourhood, on a plain ground, either way round."""
    light = (pixels @ LUMA)[..., None]
    smooth = cv2.GaussianBlur(light, (0, 0), generator.uniform(0.8, 4))[..., None]
    detail = np.abs(light - smooth) if generator.random() < 0.7 else light - smooth
    ground, sign = (generator.uniform(0.6, 1), -1) if generator.random() < 0.75 else (0.2, 1)
    drawn = ground + sign * generator.uniform(3, 9) * detail
    kept = generator.uniform(0, 0.5)
    return (np.clip(drawn, 0, 1) * (1 - kept) + pixels * kept).astype(np.float32)


def _grey(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return luminance alone, inverted now and then."""
    light = np.repeat((pixels @ LUMA)[..., None], 3, axis=2)
    return 1 - light if generator.random() < 0.15 else light


WHOLE_IMAGE: tuple[Change, ...] = (
    _recoloured,
    _channels_mixed,
    _relit,
    _darkened,
    _veiled,
    _blurred,
    _speckled,
    _flattened,
    _sharpened,
    _high_passed,
    _grey,
)
"""What may happen to a whole image, equally likely."""
