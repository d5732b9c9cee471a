"""What a recipe asks for against what there is; nothing of files."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from pydantic import ValidationError

from harness.records.attributes import SCOPES, Attribute, Edit, Scope
from harness.records.diffusion import (
    FILE_DIGEST_PATTERN,
    DiffusionEditorSpec,
    GeometryMethod,
    Preset,
)
from harness.records.label_space import LabelSpace
from harness.records.recipe import EditGroup, ProceduralEditorSpec, Recipe


@dataclass(frozen=True, kw_only=True)
class RecipeFault:
    """One thing that a recipe asks for and that there is not."""

    place: tuple[int | str, ...]
    """The key, from the top of the file."""
    what: str
    """What is wrong with it."""
    remedy: str
    """What to do, as a sentence."""


def _no_fault(_: DiffusionEditorSpec) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class KnownEditors:
    """What the editors can do, as far as a recipe can ask for it."""

    values: Mapping[Attribute, tuple[str, ...]]
    """The values of the procedural editor by attribute; those of geometry are every editor's."""
    algorithm: int
    """The version of the procedural editor's painting."""
    models: tuple[str, ...] = ()
    """The diffusion editor's models, by the names of their profiles."""
    geometry_models: tuple[str, ...] = ()
    """The same for the models that fill the hole of a moved object."""
    diffusion_fault: Callable[[DiffusionEditorSpec], RecipeFault | None] = _no_fault
    """Says what the diffusion editor can't do of a spec, where only it knows."""


def recipe_faults(
    recipe: Recipe, label_space: LabelSpace, known: KnownEditors
) -> Iterator[RecipeFault]:
    """Yield what `recipe` asks for and there is not, in the order of the file."""
    yield from _class_faults(recipe, label_space)
    match recipe.editor:
        case ProceduralEditorSpec():
            yield from _algorithm_faults(recipe.editor, known)
        case DiffusionEditorSpec():
            yield from _model_faults(recipe.editor, recipe, known)
            yield from _preset_faults(recipe.editor, recipe)
            if fault := known.diffusion_fault(recipe.editor):
                yield fault
        case _:
            assert_never(recipe.editor)
    for number, group in enumerate(recipe.edits):
        yield from _group_faults(group, recipe, known, number=number)


def _class_faults(recipe: Recipe, label_space: LabelSpace) -> Iterator[RecipeFault]:
    rule = recipe.selection
    known = ", ".join(c.name for c in label_space.classes)
    for key, names in (("classes", rule.classes or ()), ("exclude_classes", rule.exclude_classes)):
        for name in names:
            if label_space.by_name(name) is None:
                what = f"{label_space.name} has no class {name!r}"
                remedy = f"Its classes: {known}."
                yield RecipeFault(place=("selection", key), what=what, remedy=remedy)


def _algorithm_faults(spec: ProceduralEditorSpec, known: KnownEditors) -> Iterator[RecipeFault]:
    if spec.algorithm != known.algorithm:
        yield RecipeFault(
            place=("editor", "algorithm"),
            what=f"this harness paints with algorithm {known.algorithm}, not {spec.algorithm}",
            remedy=f"Set it to {known.algorithm}, or use the release that has it.",
        )


def _model_faults(
    spec: DiffusionEditorSpec, recipe: Recipe, known: KnownEditors
) -> Iterator[RecipeFault]:
    named = [("model", spec.model, known.models)]
    moves = any(SCOPES[group.attribute] is Scope.GEOMETRY for group in recipe.edits)
    if moves and spec.geometry is GeometryMethod.INPAINTING:
        named.append(("geometry_model", spec.geometry_model, known.geometry_models))
    for key, model, models in named:
        if model not in models:
            what = f"editor.{key}: there is no model {model!r}"
            remedy = f"Known: {', '.join(models)}."
            yield RecipeFault(place=("editor", key), what=what, remedy=remedy)
    for key, files in (("files", spec.files), ("geometry_files", spec.geometry_files)):
        for file, digest in files.items():
            if not re.fullmatch(FILE_DIGEST_PATTERN, digest):
                what = f"the digest of {file!r} is no sha256: {digest!r}"
                remedy = "Write it as 64 lower-case hexadecimal digits."
                yield RecipeFault(place=("editor", key, file), what=what, remedy=remedy)


def _preset_faults(spec: DiffusionEditorSpec, recipe: Recipe) -> Iterator[RecipeFault]:
    local = any(SCOPES[group.attribute] is Scope.LOCAL for group in recipe.edits)
    exact = recipe.acceptance.min_background_psnr is None
    if spec.preset is Preset.PUBLISHED and local and exact:
        yield RecipeFault(
            place=("editor", "preset"),
            what="'published' sends the background through the autoencoder too, so that every "
            "local edit would be rejected",
            remedy="Give acceptance.min_background_psnr a bound (about 20), or use 'matched'.",
        )


def _group_faults(
    group: EditGroup, recipe: Recipe, known: KnownEditors, *, number: int
) -> Iterator[RecipeFault]:
    place, attribute = ("edits", number), group.attribute.value
    moves = SCOPES[group.attribute] is Scope.GEOMETRY
    if isinstance(recipe.editor, ProceduralEditorSpec) or moves:
        yield from _closed_value_faults(group, known, number=number)
    else:
        yield from _free_value_faults(group, number=number)
    if len(set(group.values)) != len(group.values):
        what = f"a value of {attribute} stands twice"
        yield RecipeFault(place=(*place, "values"), what=what, remedy="Remove one.")
    if group.amount is not None and not moves:
        what = f"{attribute} takes no amount"
        yield RecipeFault(place=(*place, "amount"), what=what, remedy="Only size and position do.")


def _closed_value_faults(
    group: EditGroup, known: KnownEditors, *, number: int
) -> Iterator[RecipeFault]:
    place, attribute = ("edits", number), group.attribute.value
    values = known.values.get(group.attribute, ())
    if not values:
        can = ", ".join(a.value for a in known.values)
        what = f"the editor can't edit {attribute}"
        yield RecipeFault(place=(*place, "attribute"), what=what, remedy=f"It can edit: {can}.")
        return
    for value in group.values:
        if value not in values:
            what, remedy = (
                f"{attribute} has no value {value!r}",
                f"Its values: {', '.join(values)}.",
            )
            yield RecipeFault(place=(*place, "values"), what=what, remedy=remedy)


def _free_value_faults(group: EditGroup, *, number: int) -> Iterator[RecipeFault]:
    """Yield the values that are no words for a prompt; the diffusion editor has no list."""
    for value in group.values:
        try:
            Edit(attribute=group.attribute, value=value)
        except ValidationError:
            yield RecipeFault(
                place=("edits", number, "values"),
                what=f"{value!r} is no value",
                remedy="Write lower-case letters, digits and hyphens, up to 32, as in oil-pastel.",
            )
