"""How a recipe is built: its editor and how many processes work on it; nothing of options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.benchmark.preflight import Preflight
    from harness.benchmark.unit import EditorFactory
    from harness.dataset.recipe_file import LoadedRecipe


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """A recipe, its editor, and how many processes work on it."""

    loaded: LoadedRecipe
    """The recipe."""
    editor_factory: EditorFactory
    """Makes the editor in a process."""
    workers: int
    """The number of processes; 0 works in this one."""
    threads: int | None
    """Threads of the numeric libraries in each; None leaves it to them."""
    written: LoadedRecipe
    """The recipe as it is written: of a dry run, the one that it is the dry run of."""
    preflight: Preflight | None = None
    """Checks what will be edited before the editor is opened; None where that costs nothing."""
