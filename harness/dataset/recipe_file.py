"""Recipes as files: found by name, parsed, and checked against what there is; nothing is built."""

import os
from dataclasses import dataclass
from pathlib import Path

from harness.dataset.class_file import SUFFIXES, read_class_file
from harness.dataset.label_space import load_label_space
from harness.dataset.recipe_check import KnownEditors, recipe_faults
from harness.errors import RecipeError
from harness.records.label_space import LabelSpace
from harness.records.recipe import Recipe
from harness.records.toml_table import line_of, parse_toml_table

_RESERVED = frozenset({"recipes"})
"""Names that are folders of benchmark_data/ already."""


@dataclass(frozen=True, kw_only=True)
class LoadedRecipe:
    """A recipe with its place."""

    recipe: Recipe
    """What the file says."""
    path: Path
    """The file."""
    label_space: LabelSpace
    """The label space that the recipe names."""

    @property
    def lock_path(self) -> Path:
        """Where the recipe's lock stands, if there is one: beside the recipe."""
        return self.path.with_name(f"{self.recipe.name}.lock.json")

    def source_root(self) -> Path | None:
        """Return the source folder that the recipe names, or None where the user must."""
        root = self.recipe.source.root
        return None if root is None else Path(os.path.normpath(self.path.parent / root))


def recipe_names(recipes_dir: Path) -> tuple[str, ...]:
    """Return the names of the recipes in `recipes_dir`, sorted."""
    return tuple(sorted(path.stem for path in recipes_dir.glob("*.toml")))


def load_recipe(
    name_or_path: str,
    recipes_dir: Path,
    *,
    known: KnownEditors,
) -> LoadedRecipe:
    """Return the recipe of this name in `recipes_dir`, or in the .toml file of this path.

    Args:
        name_or_path: A recipe's name, or the path of a file that ends in .toml.
        recipes_dir: Where names are looked up.
        known: What the editors can do.

    Raises:
        RecipeError: There is no such recipe, or it asks for what there is not.
    """
    path = _find(name_or_path, recipes_dir)
    text = _text(path)
    recipe = parse_toml_table(text, Recipe, origin=str(path), error_type=RecipeError)
    by_name = not name_or_path.endswith(".toml")
    if by_name and recipe.name != name_or_path:
        raise _refusal(path, text, ("name",), f"it names itself {recipe.name!r}", "Rename one.")
    if recipe.name in _RESERVED:
        raise _refusal(path, text, ("name",), f"{recipe.name!r} is taken", "Choose another name.")
    label_space = _label_space(recipe, path=path, text=text)
    for fault in recipe_faults(recipe, label_space, known):
        raise _refusal(path, text, fault.place, fault.what, fault.remedy)
    return LoadedRecipe(recipe=recipe, path=path, label_space=label_space)


def _find(name_or_path: str, recipes_dir: Path) -> Path:
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        if not path.is_file():
            msg = f"there is no recipe file {path}"
            raise RecipeError(msg, remedy="Check the path.")
        return path
    known = recipe_names(recipes_dir)
    if name_or_path not in known:
        msg = f"there is no recipe {name_or_path!r} in {recipes_dir}"
        raise RecipeError(
            msg,
            remedy=f"Known recipes: {', '.join(known)}."
            if known
            else "Run from the repository's root, or name it by --workspace.",
        )
    return recipes_dir / f"{name_or_path}.toml"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path} is no UTF-8 text"
        raise RecipeError(msg, remedy="Save it as UTF-8.") from error


def _label_space(recipe: Recipe, *, path: Path, text: str) -> LabelSpace:
    named = recipe.source.label_space
    try:
        if named.endswith(SUFFIXES):
            return read_class_file(path.parent / named)
        return load_label_space(named)
    except RecipeError as error:
        place = ("source", "label_space")
        raise _refusal(path, text, place, str(error), error.remedy) from error


def _refusal(
    path: Path, text: str, place: tuple[int | str, ...], what: str, remedy: str
) -> RecipeError:
    number = line_of(text, place)
    where = "" if number is None else f", line {number}"
    return RecipeError(f"{path}{where}: {what}", remedy=remedy)
