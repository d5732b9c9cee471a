"""What recipes may ask of the editors, and how the editor of one is opened and shared out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, assert_never

from harness.cli.build_plan import BuildPlan

if TYPE_CHECKING:
    from harness.cli.diffusion_place import DiffusionOptions
    from harness.cli.workspace import Workspace
    from harness.dataset.recipe_check import KnownEditors, RecipeFault
    from harness.dataset.recipe_file import LoadedRecipe
    from harness.editing.editor import BatchEditor
    from harness.records.diffusion import DiffusionEditorSpec
    from harness.records.recipe import ProceduralEditorSpec


def known_editors() -> KnownEditors:
    """Return what the editors can do; loads no network and needs no torch."""
    from harness.dataset.recipe_check import KnownEditors
    from harness.editing.diffusion.profiles import INPAINTING_PROFILES, PROFILES
    from harness.editing.procedural.values import ALGORITHM, VALUES

    return KnownEditors(
        values=VALUES,
        algorithm=ALGORITHM,
        models=tuple(PROFILES),
        geometry_models=tuple(INPAINTING_PROFILES),
    )


def plan_build(
    workspace: Workspace, recipe: str, *, workers: int | None, options: DiffusionOptions
) -> BuildPlan:
    """Return how `recipe` is built; with `--model tiny`, how its dry run is.

    Raises:
        RecipeError: There is no such recipe, or it asks for what there is not.
        DeviceError: The diffusion editor is not installed, or more processes are asked for than
            there are devices.
        WeightsError: --model names another model than the recipe's.
        click.UsageError: An option is for another editor than the recipe's.
    """
    from harness.cli.dry_run import dry_run
    from harness.dataset.recipe_file import load_recipe
    from harness.records.diffusion import DiffusionEditorSpec
    from harness.records.prompts import TINY

    known = replace(known_editors(), diffusion_fault=_walk_fault)
    loaded = load_recipe(recipe, workspace.recipes, known=known)
    editor = loaded.recipe.editor
    written = loaded
    real = isinstance(editor, DiffusionEditorSpec) and editor.model != TINY
    if real and options.model == TINY:
        loaded, options = dry_run(loaded), replace(options, model=None, geometry_model=None)
    return replace(_plan(workspace, loaded, workers=workers, options=options), written=written)


def _plan(
    workspace: Workspace, loaded: LoadedRecipe, *, workers: int | None, options: DiffusionOptions
) -> BuildPlan:
    from harness.records.diffusion import DiffusionEditorSpec
    from harness.records.recipe import ProceduralEditorSpec

    match loaded.recipe.editor:
        case ProceduralEditorSpec():
            return _procedural_plan(loaded, loaded.recipe.editor, workers=workers, options=options)
        case DiffusionEditorSpec():
            from harness.cli.diffusion_building import diffusion_plan

            return diffusion_plan(
                workspace, loaded, loaded.recipe.editor, workers=workers, options=options
            )
        case _:
            assert_never(loaded.recipe.editor)


def _walk_fault(spec: DiffusionEditorSpec) -> RecipeFault | None:
    from harness.cli.diffusion_packages import require_packages

    require_packages()
    from harness.cli.diffusion_building import walk_fault

    return walk_fault(spec)


def _procedural_plan(
    loaded: LoadedRecipe,
    spec: ProceduralEditorSpec,
    *,
    workers: int | None,
    options: DiffusionOptions,
) -> BuildPlan:
    import click

    from harness.distribution.local import processors

    if given := options.given():
        msg = f"{given[0]} is for recipes of the diffusion editor; {loaded.recipe.name} is painted."
        raise click.UsageError(msg)
    return BuildPlan(
        loaded=loaded,
        written=loaded,
        editor_factory=partial(open_procedural, spec),
        workers=processors() if workers is None else workers,
        threads=1,
    )


def open_procedural(spec: ProceduralEditorSpec, _worker: int) -> BatchEditor:
    """Return the procedural editor; every process has one of its own."""
    from harness.editing.editor import OneByOne
    from harness.editing.procedural.editor import ProceduralEditor

    return OneByOne(ProceduralEditor(spec))
