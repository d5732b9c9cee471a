"""What is to be made of one source: its object, its edits and why some can't be; no editing."""

from dataclasses import dataclass

from harness.benchmark.identity import edit_seed
from harness.benchmark.unit_prompts import UnitPrompts, frozen_prompts, template_prompts
from harness.benchmark.unit_record import EditNotMade
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_file import Source, SourceFile
from harness.editing.editor import EditJob, EditRequest, EditSource
from harness.records.attributes import Edit, Scope
from harness.records.label_space import LabelSpace
from harness.records.prompts import SourcePrompts
from harness.records.recipe import EditGroup, Recipe


@dataclass(frozen=True, kw_only=True)
class UnitPlan:
    """What is to be made of one source."""

    file: SourceFile
    """The source's files."""
    no_object: NoObject | None
    """Why it has no object; None where it has one."""
    job: EditJob | None
    """Its edits, perhaps none; None where the source is left out of the benchmark."""
    not_made: tuple[EditNotMade, ...] = ()
    """The edits that it does not qualify for."""


def plan_unit(
    file: SourceFile,
    recipe: Recipe,
    label_space: LabelSpace,
    *,
    frozen: SourcePrompts | None = None,
) -> UnitPlan:
    """Return what `recipe` makes of the source `file`.

    Args:
        file: The source's files.
        recipe: The recipe.
        label_space: The sources' label space.
        frozen: The source's line in the recipe's file of prompts, where the recipe names one.

    Raises:
        SourceDataError: The source's files are missing or broken.
        RecipeError: The file of prompts does not speak of this source's object.
    """
    source = file.load(label_space)
    selected = select_object(source, label_space, recipe.selection)
    found = selected if isinstance(selected, SelectedObject) else None
    no_object = selected if isinstance(selected, NoObject) else None
    if no_object is not None and recipe.selection.require_object:
        return UnitPlan(file=file, no_object=no_object, job=None)
    object_class = None if found is None else found.class_name
    prompts = (
        template_prompts(recipe, noun_of(label_space, object_class))
        if recipe.prompts.file is None
        else frozen_prompts(recipe, frozen, source_name=file.name, object_class=object_class)
    )
    requests: list[EditRequest] = []
    not_made: list[EditNotMade] = []
    for group in recipe.edits:
        for edit in group.edits():
            lack = _lack(edit, selected, group.min_object_fraction)
            if lack is None:
                seed = edit_seed(recipe, file.name, edit)
                requests.append(_request(edit, group, seed=seed, prompts=prompts))
            else:
                not_made.append(EditNotMade(edit=edit, reason=lack))
    edit_source = _edit_source(source, found, label_space, caption=prompts.caption)
    return UnitPlan(
        file=file,
        no_object=no_object,
        job=EditJob(source=edit_source, requests=tuple(requests)),
        not_made=tuple(not_made),
    )


def noun_of(label_space: LabelSpace, object_class: str | None) -> str:
    """Return the word for an object of `object_class` in a caption, or for the whole scene."""
    if object_class is None:
        return label_space.scene
    label_class = label_space.by_name(object_class)
    return (label_class.noun if label_class else None) or object_class


def _request(edit: Edit, group: EditGroup, *, seed: int, prompts: UnitPrompts) -> EditRequest:
    return EditRequest(
        edit=edit,
        seed=seed,
        target_prompt=prompts.targets[edit],
        amount=group.amount,
        phrase=None if edit.scope is Scope.GLOBAL else prompts.phrase,
    )


def _edit_source(
    source: Source, found: SelectedObject | None, label_space: LabelSpace, *, caption: str
) -> EditSource:
    return EditSource(
        image=source.image,
        label=source.label,
        mask=None if found is None else found.mask,
        object_class=None if found is None else found.class_name,
        label_space=label_space,
        caption=caption,
    )


def _lack(
    edit: Edit, selected: SelectedObject | NoObject, least_fraction: float | None
) -> NoObject | None:
    """Return what the source lacks for `edit`, or None where it can be made."""
    if edit.scope is Scope.GLOBAL:
        return None
    if isinstance(selected, NoObject):
        return selected
    too_small = least_fraction is not None and selected.fraction < least_fraction
    return NoObject.OBJECT_TOO_SMALL if too_small else None
