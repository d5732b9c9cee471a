"""What is said of one source and its edits: by template or as it was frozen; no model is asked."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.benchmark.scan import TakenSource
from harness.errors import RecipeError
from harness.prompting.template import caption, target_prompt
from harness.records.attributes import Edit
from harness.records.prompts import SourcePrompts
from harness.records.recipe import Recipe

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class UnitPrompts:
    """What is said of one source and its edits."""

    caption: str
    """What the source shows."""
    phrase: str | None
    """The words that name its object; None where it has none."""
    targets: Mapping[Edit, str]
    """What each edit of the recipe shows."""


def template_prompts(recipe: Recipe, noun: str) -> UnitPrompts:
    """Return what the template says of a source whose subject is a `noun`."""
    targets = {edit: target_prompt(edit, noun) for edit in recipe.all_edits()}
    return UnitPrompts(caption=caption(noun), phrase=noun, targets=targets)


def frozen_prompts(
    recipe: Recipe, frozen: SourcePrompts | None, *, source_name: str, object_class: str | None
) -> UnitPrompts:
    """Return what the recipe's file of prompts says of a source.

    Args:
        recipe: The recipe.
        frozen: The source's line; None where the file has none.
        source_name: The source.
        object_class: The class of the object that is selected now.

    Raises:
        RecipeError: The file says nothing of the source, or speaks of another object.
    """
    again = "`harness write-prompts --complete` writes what is missing and keeps what is there."
    if frozen is None:
        msg = f"{recipe.prompts.file} says nothing of {source_name}"
        raise RecipeError(msg, remedy=again)
    if frozen.object_class != object_class:
        msg = (
            f"{recipe.prompts.file} speaks of {_object(frozen.object_class)} in {source_name}, "
            f"and the recipe selects {_object(object_class)}"
        )
        raise RecipeError(msg, remedy=again)
    targets = {line.edit: line.prompt for line in frozen.edits}
    for edit in recipe.all_edits():
        if edit not in targets:
            msg = f"{recipe.prompts.file} has no prompt of {edit} for {source_name}"
            raise RecipeError(msg, remedy=again)
    return UnitPrompts(caption=frozen.caption, phrase=frozen.phrase, targets=targets)


def check_frozen(
    recipe: Recipe, taken: Iterable[TakenSource], prompts: Mapping[str, SourcePrompts]
) -> None:
    """Raise where a source that is taken has no prompts that speak of its object.

    Raises:
        RecipeError: As `frozen_prompts`, for the first such source.
    """
    names = set()
    for source in taken:
        name, object_class = source.file.name, source.object_class
        names.add(name)
        frozen_prompts(recipe, prompts.get(name), source_name=name, object_class=object_class)
    if idle := prompts.keys() - names:
        _log.warning(
            "%s speaks of %d sources that are not taken, as %s",
            recipe.prompts.file,
            len(idle),
            min(idle),
        )


def _object(name: str | None) -> str:
    return "no object" if name is None else f"the {name}"
