"""What is to be made of one source: its object, its edits and why some can't be; no editing."""

from dataclasses import dataclass

from harness.benchmark.identity import edit_seed
from harness.benchmark.unit_record import EditNotMade
from harness.dataset.selection import NoObject, SelectedObject, select_object
from harness.dataset.source_file import Source, SourceFile
from harness.editing.editor import EditJob, EditRequest, EditSource
from harness.prompting.template import caption, target_prompt
from harness.records.attributes import Edit, Scope
from harness.records.label_space import LabelSpace
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


def plan_unit(file: SourceFile, recipe: Recipe, label_space: LabelSpace) -> UnitPlan:
    """Return what `recipe` makes of the source `file`.

    Raises:
        SourceDataError: The source's files are missing or broken.
    """
    source = file.load(label_space)
    selected = select_object(source, label_space, recipe.selection)
    found = selected if isinstance(selected, SelectedObject) else None
    no_object = selected if isinstance(selected, NoObject) else None
    if no_object is not None and recipe.selection.require_object:
        return UnitPlan(file=file, no_object=no_object, job=None)
    noun = _noun(label_space, found)
    requests: list[EditRequest] = []
    not_made: list[EditNotMade] = []
    for group in recipe.edits:
        for edit in group.edits():
            lack = _lack(edit, selected, group.min_object_fraction)
            if lack is None:
                seed = edit_seed(recipe, file.name, edit)
                requests.append(_request(edit, group, seed=seed, noun=noun))
            else:
                not_made.append(EditNotMade(edit=edit, reason=lack))
    edit_source = _edit_source(source, found, label_space, noun=noun)
    return UnitPlan(
        file=file,
        no_object=no_object,
        job=EditJob(source=edit_source, requests=tuple(requests)),
        not_made=tuple(not_made),
    )


def _request(edit: Edit, group: EditGroup, *, seed: int, noun: str) -> EditRequest:
    return EditRequest(
        edit=edit,
        seed=seed,
        target_prompt=target_prompt(edit, noun),
        amount=group.amount,
        phrase=None if edit.scope is Scope.GLOBAL else noun,
    )


def _noun(label_space: LabelSpace, found: SelectedObject | None) -> str:
    if found is None:
        return label_space.scene
    label_class = label_space.by_name(found.class_name)
    return (label_class.noun if label_class else None) or found.class_name


def _edit_source(
    source: Source, found: SelectedObject | None, label_space: LabelSpace, *, noun: str
) -> EditSource:
    return EditSource(
        image=source.image,
        label=source.label,
        mask=None if found is None else found.mask,
        object_class=None if found is None else found.class_name,
        label_space=label_space,
        caption=caption(noun),
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
