"""Recipes as files: found by name, parsed, and checked against what there is; nothing is built."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.dataset.label_space import load_label_space
from harness.errors import RecipeError
from harness.records.attributes import SCOPES, Attribute, Scope
from harness.records.label_space import LabelSpace
from harness.records.recipe import EditGroup, Recipe
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
    values: Mapping[Attribute, tuple[str, ...]],
    algorithm: int,
) -> LoadedRecipe:
    """Return the recipe of this name in `recipes_dir`, or in the .toml file of this path.

    Args:
        name_or_path: A recipe's name, or the path of a file that ends in .toml.
        recipes_dir: Where names are looked up.
        values: The values that the editor can paint, by attribute.
        algorithm: The version of the editor's painting.

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
    _check_classes(recipe, label_space, path=path, text=text)
    if recipe.editor.algorithm != algorithm:
        what = f"this harness paints with algorithm {algorithm}, not {recipe.editor.algorithm}"
        remedy = f"Set it to {algorithm}, or use the release that has it."
        raise _refusal(path, text, ("editor", "algorithm"), what, remedy)
    for number, group in enumerate(recipe.edits):
        _check_group(group, values, place=("edits", number), path=path, text=text)
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
    try:
        return load_label_space(recipe.source.label_space)
    except RecipeError as error:
        place = ("source", "label_space")
        raise _refusal(path, text, place, str(error), error.remedy) from error


def _check_classes(recipe: Recipe, label_space: LabelSpace, *, path: Path, text: str) -> None:
    rule = recipe.selection
    known = ", ".join(c.name for c in label_space.classes)
    for key, names in (("classes", rule.classes or ()), ("exclude_classes", rule.exclude_classes)):
        for name in names:
            if label_space.by_name(name) is None:
                what = f"{label_space.name} has no class {name!r}"
                raise _refusal(path, text, ("selection", key), what, f"Its classes: {known}.")


def _check_group(
    group: EditGroup,
    values: Mapping[Attribute, tuple[str, ...]],
    *,
    place: tuple[str, int],
    path: Path,
    text: str,
) -> None:
    attribute = group.attribute.value
    known = values.get(group.attribute, ())
    if not known:
        can = ", ".join(a.value for a in values)
        what = f"the editor can't edit {attribute}"
        raise _refusal(path, text, (*place, "attribute"), what, f"It can edit: {can}.")
    for value in group.values:
        if value not in known:
            what, allowed = f"{attribute} has no value {value!r}", ", ".join(known)
            raise _refusal(path, text, (*place, "values"), what, f"Its values: {allowed}.")
    if len(set(group.values)) != len(group.values):
        what = f"a value of {attribute} stands twice"
        raise _refusal(path, text, (*place, "values"), what, "Remove one.")
    if group.amount is not None and SCOPES[group.attribute] is not Scope.GEOMETRY:
        what = f"{attribute} takes no amount"
        raise _refusal(path, text, (*place, "amount"), what, "Only size and position do.")


def _refusal(
    path: Path, text: str, place: tuple[int | str, ...], what: str, remedy: str
) -> RecipeError:
    number = line_of(text, place)
    where = "" if number is None else f", line {number}"
    return RecipeError(f"{path}{where}: {what}", remedy=remedy)
