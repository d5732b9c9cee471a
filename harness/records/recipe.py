"""Everything that determines a benchmark's pixels; nothing of how it is built."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from harness.records.attributes import Attribute, Edit
from harness.records.base import Record
from harness.records.diffusion import DiffusionEditorSpec

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class SourceAdapter(StrEnum):
    """The source layouts that can be read."""

    SCENES = "scenes"
    """images/, labels/ and masks/ with one file of the same stem each, and a scenes.toml."""
    CAMVID = "camvid"
    """<split>/images and <split>/labels of 11-class CamVid."""


class SourceSpec(Record):
    """Which source images a benchmark is made of."""

    adapter: SourceAdapter
    """The layout of the source folder."""
    split: str = Field(default="all", pattern=r"^[a-z0-9_-]+$")
    """The split that is read; scenes have but one, `all`."""
    root: str | None = None
    """The source folder relative to the recipe's file; None where the user names it by --source."""
    label_space: str
    """The name of the sources' label space."""
    description: str = ""
    """Where the source is to be had, its size and its licence; shown when it is missing."""

    @model_validator(mode="after")
    def _split_is_there(self) -> "SourceSpec":
        if self.adapter is SourceAdapter.SCENES and self.split != "all":
            msg = f"scenes have no split {self.split!r}, only 'all'"
            raise ValueError(msg)
        return self


class SelectionRule(Record):
    """Which object of a source is edited (FACTS.md: the salient object)."""

    classes: tuple[str, ...] | None = None
    """Class names an edited object may have; None for every class but background and ignore."""
    exclude_classes: tuple[str, ...] = ()
    """Class names an edited object never has."""
    min_object_fraction: float = Field(default=0.10, gt=0, le=1)
    """The least share of the image's pixels that the object covers."""
    require_object: bool = True
    """Whether a source without such an object is left out altogether."""


class EditGroup(Record):
    """Values of one attribute that are applied to every source that qualifies."""

    attribute: Attribute
    """The attribute."""
    values: tuple[str, ...] = Field(min_length=1)
    """Its values, in the order in which they are shown."""
    min_object_fraction: float | None = Field(default=None, gt=0, le=1)
    """A stricter share of the image for the object, where this attribute needs a larger one."""
    amount: float | None = Field(default=None, gt=0, le=1)
    """How much a geometry edit scales or moves, relative (0.2 = by 20 %); None for other edits."""

    def edits(self) -> tuple[Edit, ...]:
        """Return the group's edits in order."""
        return tuple(Edit(attribute=self.attribute, value=v) for v in self.values)


class ProceduralEditorSpec(Record):
    """The procedural editor and its parameters."""

    kind: Literal["procedural"] = "procedural"
    """Names the editor."""
    algorithm: int = Field(ge=1)
    """The version of the editing algorithm; another version gives other pixels."""
    strength: float = Field(default=1.0, gt=0, le=1)
    """How far the edit replaces the original appearance, 1 is fully."""


def _with_kind(values: Any) -> Any:  # noqa: ANN401 - whatever was given
    """Return an editor's table with its kind: without one, it is the procedural editor's."""
    return {"kind": "procedural", **values} if isinstance(values, Mapping) else values


EditorSpec = Annotated[
    ProceduralEditorSpec | DiffusionEditorSpec,
    Field(discriminator="kind"),
    BeforeValidator(_with_kind),
]
"""The editors a recipe may name."""


class AcceptanceRule(Record):
    """When an edit is kept; scores are stored for rejected edits too."""

    min_object_change: float = Field(default=0.03, ge=0, le=1)
    """The least mean absolute RGB change inside the mask (the image for global edits), 0-1."""
    min_background_psnr: float | None = Field(default=None, ge=0)
    """The least PSNR in dB outside the mask of a local edit; None lets not one differ."""
    min_visible_fraction: float = Field(default=0.5, ge=0, le=1)
    """The least share of a moved or scaled object's area that stays inside the image."""


class LockRule(Record):
    """When a rebuilt sample still counts as the locked one."""

    min_signature_psnr: float = Field(default=45.0, ge=0)
    """The least PSNR in dB between the signatures of a sample that is not bit-identical."""
    min_object_psnr: float | None = Field(default=None, ge=0)
    """The same between the signatures of the object's box; None where it is not looked at."""

    @model_serializer(mode="wrap")
    def _without_what_is_not_asked(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a bound that is None, so that older recipes keep their digests."""
        return {key: value for key, value in plain(self).items() if value is not None}


class Recipe(Record):
    """Everything that determines a benchmark: same recipe, same sources, same pixels."""

    schema_version: Literal[1] = 1
    """The version of this format."""
    name: str = Field(pattern=NAME_PATTERN)
    """The benchmark's name and folder."""
    title: str
    """The name people read."""
    description: str
    """What the benchmark shows, in a sentence or two."""
    license: str
    """The licence of the built benchmark."""
    citation: str = ""
    """How the source's authors want it cited; empty where they don't say."""
    publish_images: bool = True
    """Whether the site may show its images."""
    seed: int = Field(ge=0, lt=2**63)
    """The seed all randomness is derived from."""
    qualifying_miou: float = Field(ge=0, le=1)
    """The clean mIoU (ratio) under which a submission is listed but not ranked."""
    source: SourceSpec
    """The source images."""
    selection: SelectionRule = SelectionRule()
    """The rule that selects the edited object."""
    editor: EditorSpec
    """The editor and its parameters."""
    edits: tuple[EditGroup, ...] = Field(min_length=1)
    """What is edited."""
    acceptance: AcceptanceRule = AcceptanceRule()
    """When an edit is kept."""
    lock: LockRule = LockRule()
    """When a rebuild counts as the same."""

    @model_validator(mode="after")
    def _attributes_stand_once(self) -> "Recipe":
        attributes = [group.attribute for group in self.edits]
        if len(set(attributes)) != len(attributes):
            msg = "an attribute stands in one [[edits]] table only"
            raise ValueError(msg)
        return self

    def all_edits(self) -> tuple[Edit, ...]:
        """Return every edit of the recipe in the recipe's order."""
        return tuple(edit for group in self.edits for edit in group.edits())
