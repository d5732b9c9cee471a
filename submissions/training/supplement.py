"""The photographs to train on: the composer's training split and what supplement.toml adds."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import Field

from benchmark_data.composer.catalogue import (
    Asset,
    BackgroundAsset,
    Credit,
    CutoutAsset,
    Habitat,
    Split,
    Surface,
    load_catalogue,
)
from benchmark_data.composer.fringe import clean_cutout
from benchmark_data.composer.library import (
    MAX_BACKGROUND_SIDE,
    MAX_CUTOUT_SIDE,
    VOC_IDS,
    Background,
    Cutout,
    Library,
    load_library,
)
from benchmark_data.composer.packages import DEFAULT_CACHE, fetch_package
from harness.records.base import Record, sha256_hex

SUPPLEMENT = Path(__file__).with_name("supplement.toml")
OTHER_ID = 254
"""The label of things of no VOC class, in training composites only."""


class CutoutGroup(Record):
    """Cut-outs of one class that stand in the same places."""

    object_class: str
    """A VOC class, or `other`."""
    habitats: tuple[Habitat, ...] = Field(min_length=1)
    """Where such objects are seen."""
    height_m: float = Field(gt=0)
    """How high they are, in metres."""
    files: tuple[str, ...]
    """Their paths under the folder."""


class CutoutSource(Record):
    """Where the groups' files lie."""

    package: str
    """The Debian package, one of the composer's catalogue."""
    folder: str
    """The folder in it."""
    group: tuple[CutoutGroup, ...]
    """The groups."""


class BackgroundSource(Record):
    """Photographs without objects of a VOC class."""

    package: str
    """The Debian package, one of the composer's catalogue."""
    folder: str
    """The folder in it."""
    files: tuple[str, ...]
    """Their paths under the folder."""


class Supplement(Record):
    """The content of supplement.toml."""

    cutouts: CutoutSource
    """Further objects."""
    backgrounds: tuple[BackgroundSource, ...]
    """Further backgrounds."""


@dataclass(frozen=True, kw_only=True)
class LabelledCutout(Cutout):
    """A cut-out whose class may also be `other`."""

    @property
    def class_id(self) -> int:
        """The VOC id of its class, or OTHER_ID."""
        return VOC_IDS.get(self.asset.object_class, OTHER_ID)


def training_library(*, cache: Path = DEFAULT_CACHE) -> Library:
    """Return everything that may be composed for training.

    Args:
        cache: Where the composer keeps its packages.

    Raises:
        SourceDataError: A package can't be had, or a photograph is not the pinned one.
        ValueError: The supplement names a photograph that the catalogue uses.
    """
    library = load_library(Split.TRAINING, cache=cache)
    supplement = Supplement.model_validate(tomllib.loads(SUPPLEMENT.read_text(encoding="utf-8")))
    cutouts = tuple(_cutouts(supplement.cutouts, cache))
    backgrounds = tuple(_background(*entry) for entry in _background_files(supplement, cache))
    _refuse_catalogued([entry.asset for entry in (*cutouts, *backgrounds)])
    return replace(
        library,
        cutouts=(*library.cutouts, *cutouts),
        backgrounds=(*library.backgrounds, *backgrounds),
    )


def _refuse_catalogued(added: list[Asset]) -> None:
    """Refuse photographs of the catalogue: they would count twice, or leak from the benchmark."""
    catalogue = load_catalogue()
    known = {asset.sha256 for asset in (*catalogue.cutouts, *catalogue.backgrounds)}
    for asset in added:
        if asset.sha256 in known:
            msg = f"supplement.toml: {asset.path} stands in the composer's catalogue"
            raise ValueError(msg)


def _package_folder(name: str, cache: Path) -> Path:
    package = next(p for p in load_catalogue().packages if p.name == name)
    return fetch_package(package, cache)


def _cutouts(source: CutoutSource, cache: Path) -> Iterator[LabelledCutout]:
    folder = _package_folder(source.package, cache) / source.folder
    for group in source.group:
        for file in group.files:
            data = (folder / file).read_bytes()
            asset = CutoutAsset(
                id=_identifier(group.object_class, file),
                split=Split.TRAINING,
                package=source.package,
                path=f"{source.folder}/{file}",
                sha256=sha256_hex(data),
                credit=Credit(author="see the package", license="see the package"),
                object_class=group.object_class,
                habitats=group.habitats,
                height_m=group.height_m,
            )
            yield _cutout(asset, folder / file)


def _cutout(asset: CutoutAsset, file: Path) -> LabelledCutout:
    image = Image.open(file).convert("RGBA")
    box = image.getchannel("A").point(lambda value: 255 if value > 24 else 0).getbbox()
    image = image.crop(box)
    image.thumbnail((MAX_CUTOUT_SIDE, MAX_CUTOUT_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    rgb, coverage = clean_cutout(pixels[..., :3], pixels[..., 3])
    return LabelledCutout(asset=asset, rgb=rgb, alpha=coverage)


def _background_files(
    supplement: Supplement, cache: Path
) -> Iterator[tuple[BackgroundSource, str, Path]]:
    for source in supplement.backgrounds:
        folder = _package_folder(source.package, cache) / source.folder
        for file in source.files:
            yield source, file, folder / file


def _background(source: BackgroundSource, file: str, path: Path) -> Background:
    asset = BackgroundAsset(
        id=_identifier("backdrop", file),
        split=Split.TRAINING,
        package=source.package,
        path=f"{source.folder}/{file}",
        sha256=sha256_hex(path.read_bytes()),
        credit=Credit(author="see the package", license="see the package"),
        habitats=tuple(Habitat),
        surface=Surface.NONE,
    )
    image = Image.open(path).convert("RGB")
    image.thumbnail((MAX_BACKGROUND_SIDE, MAX_BACKGROUND_SIDE), Image.Resampling.LANCZOS)
    return Background(asset=asset, rgb=np.asarray(image))


def _identifier(prefix: str, file: str) -> str:
    stem = Path(file).stem.lower().replace("_", "-")
    return f"{prefix}-{stem}"
