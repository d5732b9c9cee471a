"""What the class ids of a label mean; nothing of any data set's files."""

from pydantic import Field, model_validator

from harness.records.base import Record


class LabelClass(Record):
    """One class of a label space."""

    id: int = Field(ge=0, le=65534)
    """The value of the class in a label PNG."""
    name: str = Field(min_length=1)
    """The class's name in its data set's own spelling."""
    color: tuple[int, int, int]
    """The palette colour, RGB 0-255."""
    noun: str | None = None
    """The word for one such object in a caption, where it is not `name`."""


class LabelSpace(Record):
    """A data set's classes and its ignore id."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    """The label space's name, as in `voc`."""
    ignore_id: int = Field(ge=0, le=65535)
    """The label value that is not scored."""
    scene: str = Field(default="scene", min_length=1)
    """The word for a whole image in a caption, as in `street`."""
    classes: tuple[LabelClass, ...]
    """The classes, by ascending id."""

    @model_validator(mode="after")
    def _ids_and_names_are_unique(self) -> "LabelSpace":
        ids = [c.id for c in self.classes]
        names = {c.name for c in self.classes}
        if ids != sorted(set(ids)) or len(names) != len(ids) or self.ignore_id in ids:
            msg = "class ids must ascend, names must be unique, and the ignore id is no class"
            raise ValueError(msg)
        return self

    def by_name(self, name: str) -> LabelClass | None:
        """Return the class called `name`, or None."""
        return next((c for c in self.classes if c.name == name), None)
