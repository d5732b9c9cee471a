"""The frozen prompts that a recipe names, read for its build; nothing of how they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.dataset.recipe_file import LoadedRecipe
    from harness.records.prompts import SourcePrompts


def read_frozen(loaded: LoadedRecipe) -> Mapping[str, SourcePrompts]:
    """Return the recipe's frozen prompts by source; none where a template makes them.

    Raises:
        RecipeError: They are not written yet, the file is broken, or a text in it will not do.
    """
    if loaded.recipe.prompts.file is None:
        return {}
    from harness.benchmark.prompts.review import PromptReview, tell_of_prompts
    from harness.dataset.prompt_file import read_prompts

    path = loaded.path.with_name(loaded.recipe.prompts.file)
    review = PromptReview(recipe=loaded.recipe, label_space=loaded.label_space)
    prompts = read_prompts(path, loaded.recipe, check=review.fault)
    return tell_of_prompts(review, prompts, name=path.name)
