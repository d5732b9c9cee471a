"""Tables and tiles that are made once for an editor and shared by all its edits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from harness.editing.procedural.fields import Pixels
from harness.editing.procedural.oklab import Lightness, make_lightness, paint_table

Asset = TypeVar("Asset")


@dataclass(frozen=True, kw_only=True)
class Textures:
    """A cache of values that depend on nothing but their maker; it never changes a result."""

    lightness: Lightness = field(default_factory=make_lightness)
    """Tables of OKLab lightness."""
    _kept: dict[Callable[[], object], object] = field(default_factory=dict)
    _tables: dict[tuple[tuple[float, float, float], ...], Pixels] = field(default_factory=dict)

    def of(self, make: Callable[[], Asset]) -> Asset:
        """Return what the module-level function `make` returns, calling it once."""
        if make not in self._kept:
            self._kept[make] = make()
        return cast("Asset", self._kept[make])

    def paints(self, stops: tuple[tuple[float, float, float], ...]) -> Pixels:
        """Return the paint table of `stops`."""
        if stops not in self._tables:
            self._tables[stops] = paint_table(stops)
        return self._tables[stops]
