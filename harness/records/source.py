"""Which sources a benchmark is made of and which object of one is edited; nothing of files."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field, model_validator

from harness.records.base import GrowingRecord


class SourceAdapter(StrEnum):
    """The source layouts that can be read."""

    SCENES = "scenes"
    """images/, labels/ and masks/ with one file of the same stem each, and a scenes.toml."""
    CAMVID = "camvid"
    """<split>/images and <split>/labels of 11-class CamVid."""
    VOC = "voc"
    """VOCdevkit/VOC2012 of PASCAL VOC 2012: splits by list file, palette labels."""
    COCO_STUFF = "coco-stuff"
    """COCO-Stuff 164k: pixel maps of 182 ids, and COCO's instances where they are there."""
    ADE20K = "ade20k"
    """ADEChallengeData2016, the SceneParse150 layout: 0 is other, 1-150 are the classes."""
    CITYSCAPES = "cityscapes"
    """leftImg8bit and gtFine of Cityscapes; ids are brought to the 19 train ids."""
    FOLDER = "folder"
    """images/ and labels/ (below <split>/, unless the split is `all`) of any label space."""


class BrokenSources(StrEnum):
    """What becomes of a source that can't be used: a truncated image, a label of another size."""

    REFUSE = "refuse"
    """The build stops and names it."""
    SKIP = "skip"
    """It is left out, counted and named."""


class SourceSpec(GrowingRecord):
    """Which source images a benchmark is made of."""

    ADDED: ClassVar[frozenset[str]] = frozenset({"broken"})

    adapter: SourceAdapter
    """The layout of the source folder."""
    split: str = Field(default="all", pattern=r"^[A-Za-z0-9_-]+$")
    """The split that is read; scenes have but one, `all`."""
    root: str | None = None
    """The source folder relative to the recipe's file; None where the user names it by --source."""
    label_space: str
    """The name of the sources' label space, or its file (.toml, .txt) relative to the recipe's."""
    description: str = ""
    """Where the source is to be had, its size and its licence; shown when it is missing."""
    broken: BrokenSources = BrokenSources.REFUSE
    """What becomes of sources that can't be used."""

    @model_validator(mode="after")
    def _split_is_there(self) -> "SourceSpec":
        if self.adapter is SourceAdapter.SCENES and self.split != "all":
            msg = f"scenes have no split {self.split!r}, only 'all'"
            raise ValueError(msg)
        return self


class ObjectUnit(StrEnum):
    """What counts as one object."""

    AUTO = "auto"
    """An instance where the data set has instances of the source, else a component."""
    INSTANCE = "instance"
    """An annotated instance; a source without instances has no object."""
    COMPONENT = "component"
    """An 8-connected component of one class in the label."""


class ObjectMeasure(StrEnum):
    """By what the largest object is found and the least share is measured."""

    PIXELS = "pixels"
    """The object's own pixels."""
    BOX = "box"
    """The area of the box around them."""


class SelectionRule(GrowingRecord):
    """Which object of a source is edited: the salient one (paper, section 3)."""

    ADDED: ClassVar[frozenset[str]] = frozenset({"unit", "measure"})

    classes: tuple[str, ...] | None = None
    """Class names an edited object may have; None for every class but background and ignore."""
    exclude_classes: tuple[str, ...] = ()
    """Class names an edited object never has."""
    min_object_fraction: float = Field(default=0.10, gt=0, le=1)
    """The least share of the image's pixels that the object covers."""
    require_object: bool = True
    """Whether a source without such an object is left out altogether."""
    unit: ObjectUnit = ObjectUnit.AUTO
    """What counts as one object."""
    measure: ObjectMeasure = ObjectMeasure.PIXELS
    """By what the largest one is found and `min_object_fraction` is measured."""
