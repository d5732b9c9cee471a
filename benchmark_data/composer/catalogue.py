"""Which photographs the composer uses, as read from catalogue.toml; nothing of their pixels."""

import tomllib
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from harness.errors import SourceDataError
from harness.records.base import Record

CATALOGUE = Path(__file__).with_name("catalogue.toml")
SHA256 = r"^[0-9a-f]{64}$"
IDENTIFIER = r"^[a-z0-9][a-z0-9-]{0,63}$"


class Split(StrEnum):
    """What a photograph may be used for; nothing stands on both sides."""

    BENCHMARK = "benchmark"
    """Only in the scenes that models are scored on."""
    TRAINING = "training"
    """Only in composites that models are trained on."""


class Habitat(StrEnum):
    """Where an object stands, or what a background offers."""

    MEADOW = "meadow"
    """Grass or open land with a horizon."""
    PAVED = "paved"
    """Sand, gravel or pavement that vehicles and people use."""
    WATER = "water"
    """A water surface."""
    SKY = "sky"
    """Air, with nothing to stand on."""
    CLOSE = "close"
    """Ground near the camera, for small animals."""
    BACKDROP = "backdrop"
    """Nothing stands here; it shows a model in training what is no object."""


class Surface(StrEnum):
    """What the ground is made of, which decides how an object meets it."""

    GRASS = "grass"
    """Blades hide the lowest part of what stands in them."""
    FIRM = "firm"
    """What stands on it touches it and darkens it."""
    WATER = "water"
    """What swims on it is mirrored by it."""
    NONE = "none"
    """There is no ground."""


class Package(Record):
    """A Debian package that photographs come from."""

    name: str
    """The package's name."""
    version: str
    """The one version whose files were pinned."""


class Credit(Record):
    """Who made a photograph and on what terms it may be used."""

    author: str
    """The photographer, as far as the package says."""
    license: str
    """The SPDX identifier of the licence, or `public-domain`."""
    source: str = ""
    """The address of the original, where the package states one."""


class Asset(Record):
    """One photograph inside a package."""

    id: str = Field(pattern=IDENTIFIER)
    """Its name here."""
    split: Split
    """What it may be used for."""
    package: str
    """The package that ships it."""
    path: str
    """Its path inside the package."""
    member: tuple[int, int] | None = None
    """First byte and length, where the file is a bundle of several; None for the whole file."""
    sha256: str = Field(pattern=SHA256)
    """The digest of the photograph's bytes."""
    credit: Credit
    """Author and licence."""


class CutoutAsset(Asset):
    """A photographed object with its matte."""

    object_class: str
    """Its PASCAL VOC class."""
    habitats: tuple[Habitat, ...] = Field(min_length=1)
    """Where such an object is seen."""
    height_m: float = Field(gt=0)
    """How high the object is, in metres; it decides how far below the horizon it stands."""
    matte: str | None = None
    """The file of the matte under mattes/, where the photograph has no alpha of its own."""
    matte_sha256: str | None = Field(default=None, pattern=SHA256)
    """The digest of the matte."""
    draught: float = Field(default=0, ge=0, lt=1)
    """The share of its height that lies under water, for what swims."""
    lies: bool = False
    """Whether it lies on the ground and was photographed from above."""
    mirrorable: bool = True
    """Whether it may be swapped left to right; lettering may not."""
    weight: float = Field(default=1, gt=0)
    """How often it is drawn, relative to others of its class."""

    @model_validator(mode="after")
    def _matte_is_pinned(self) -> "CutoutAsset":
        if (self.matte is None) != (self.matte_sha256 is None):
            msg = f"{self.id}: a matte and its sha256 go together"
            raise ValueError(msg)
        return self


class BackgroundAsset(Asset):
    """A photograph that holds no object of a VOC class inside its frame."""

    habitats: tuple[Habitat, ...] = Field(min_length=1)
    """What it offers."""
    surface: Surface
    """What its ground is made of."""
    frame: tuple[float, float, float, float] = (0, 0, 1, 1)
    """The part that is free of objects: left, top, right, bottom as shares of the photograph."""
    horizon: float | None = None
    """The height of the camera's horizon as a share of the photograph's height; None: no ground."""
    ground: tuple[float, float] = (0, 1)
    """Between which heights an object's foot may stand, as shares of the photograph's height."""
    camera_m: float = Field(default=1.6, gt=0)
    """How high above the ground the camera was held, in metres."""


class Catalogue(Record):
    """Every photograph there is to compose with."""

    packages: tuple[Package, ...]
    """The packages."""
    cutouts: tuple[CutoutAsset, ...]
    """The objects."""
    backgrounds: tuple[BackgroundAsset, ...]
    """The backgrounds."""

    @model_validator(mode="after")
    def _no_photograph_is_in_both_splits(self) -> "Catalogue":
        for assets in (self.cutouts, self.backgrounds):
            if len({asset.id for asset in assets}) != len(assets):
                msg = "two assets have one id"
                raise ValueError(msg)
            if len({(a.sha256, a.split) for a in assets}) != len({a.sha256 for a in assets}):
                msg = "a photograph stands in both splits"
                raise ValueError(msg)
        known = {package.name for package in self.packages}
        for asset in (*self.cutouts, *self.backgrounds):
            if asset.package not in known:
                msg = f"{asset.id} is in {asset.package}, which is no listed package"
                raise ValueError(msg)
        return self


def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """Return the catalogue in the file `path`.

    Raises:
        SourceDataError: The file is no valid catalogue.
    """
    try:
        return Catalogue.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        msg = f"{path.name} is no catalogue: {error}"
        raise SourceDataError(msg, remedy="Mend the line it names.") from error
