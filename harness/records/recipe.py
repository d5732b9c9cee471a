"""Everything that determines a benchmark's pixels; nothing of how it is built."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.records.acceptance import AcceptanceRule
from harness.records.attributes import Attribute, Edit
from harness.records.base import GrowingRecord, Record
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.prompts import PromptSpec
from harness.records.source import SelectionRule, SourceSpec

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"


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


class LockRule(GrowingRecord):
    """When a rebuilt sample still counts as the locked one."""

    ADDED: ClassVar[frozenset[str]] = frozenset({"min_object_psnr", "max_voided_difference"})

    min_signature_psnr: float = Field(default=45.0, ge=0)
    """The least PSNR in dB between the signatures of a sample that is not bit-identical."""
    min_object_psnr: float | None = Field(default=None, ge=0)
    """The same between the signatures of the object's box; None where it is not looked at."""
    max_voided_difference: float = Field(default=0.02, ge=0, le=1)
    """The greatest share of the object that the noise filter voided in one of the two only, as far
    as a 12x9 grid over the object's box tells."""


class Recipe(GrowingRecord):
    """Everything that determines a benchmark: same recipe, same sources, same pixels."""

    ADDED: ClassVar[frozenset[str]] = frozenset({"prompts"})

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
    prompts: PromptSpec = PromptSpec()
    """How captions and target prompts are made."""
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
