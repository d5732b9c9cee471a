"""The closed set of attributes and the edits made of them; nothing of how an edit is painted."""

from enum import StrEnum

from pydantic import Field

from harness.records.base import Record


class Attribute(StrEnum):
    """An attribute of the paper (CVPR 2024, section 3) or of its geometry extension."""

    COLOR = "color"
    MATERIAL = "material"
    PATTERN = "pattern"
    STYLE = "style"
    WEATHER = "weather"
    SIZE = "size"
    POSITION = "position"


class Scope(StrEnum):
    """What an edit may change."""

    LOCAL = "local"
    """Only the object's pixels; the label stays."""
    GLOBAL = "global"
    """Every pixel; the label stays."""
    GEOMETRY = "geometry"
    """The object moves, and its label with it."""


SCOPES: dict[Attribute, Scope] = {
    Attribute.COLOR: Scope.LOCAL,
    Attribute.MATERIAL: Scope.LOCAL,
    Attribute.PATTERN: Scope.LOCAL,
    Attribute.STYLE: Scope.GLOBAL,
    Attribute.WEATHER: Scope.GLOBAL,
    Attribute.SIZE: Scope.GEOMETRY,
    Attribute.POSITION: Scope.GEOMETRY,
}


class Edit(Record):
    """One attribute set to one value, as in ``color=violet``."""

    attribute: Attribute
    """The attribute that changes."""
    value: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    """What it changes to, as in `violet`."""

    @property
    def scope(self) -> Scope:
        """What this edit may change."""
        return SCOPES[self.attribute]

    def __str__(self) -> str:
        """Return the edit as it is written on the command line."""
        return f"{self.attribute.value}={self.value}"
