"""A recipe with every model replaced by a small random one: its road without its weights."""

import logging
from typing import Any

from harness.dataset.recipe_file import LoadedRecipe
from harness.records.acceptance import AcceptanceRule, NoiseModelKind
from harness.records.diffusion import DiffusionEditorSpec, MaskGuidance
from harness.records.prompts import TINY, PromptSpec
from harness.records.recipe import EditorSpec

_log = logging.getLogger(__name__)

SUFFIX = "-tiny"
"""What a dry run's name ends in: it is another benchmark, with a folder of its own."""
_STEPS = 4
"""Enough for every branch of the sampling to be gone through."""
_MOST_NAME = 64
"""The longest name (records.recipe.NAME_PATTERN)."""


def dry_run(loaded: LoadedRecipe) -> LoadedRecipe:
    """Return `loaded` as a dry run: same sources, selection and edits, pictures that mean nothing.

    Models become small random ones, a submission that filters noise among them, so that it takes
    no container either. Sampling takes a few steps, bounds on what models say are dropped, since
    random weights meet none, and nobody qualifies. Frozen prompts are taken where they are written,
    so that they are checked, too; else captions are the template's.
    """
    recipe = loaded.recipe
    changed = {
        "name": f"{recipe.name[: _MOST_NAME - len(SUFFIX)]}{SUFFIX}",
        "title": f"DRY RUN with random weights, pictures and scores mean nothing: {recipe.title}",
        "publish_images": False,
        "qualifying_miou": 1.0,
        "editor": _editor(recipe.editor),
        "prompts": recipe.prompts if _are_written(loaded) else PromptSpec(),
        "acceptance": _acceptance(recipe.acceptance),
    }
    return LoadedRecipe(
        recipe=recipe.model_copy(update=changed),
        path=loaded.path,
        label_space=loaded.label_space,
    )


def _are_written(loaded: LoadedRecipe) -> bool:
    file = loaded.recipe.prompts.file
    if file is None or loaded.path.with_name(file).is_file():
        return True
    _log.warning("%s is not written yet: the dry run takes the template's captions", file)
    return False


def _editor(spec: EditorSpec) -> EditorSpec:
    if not isinstance(spec, DiffusionEditorSpec):
        return spec
    changed = {
        "model": TINY,
        "files": {},
        "geometry_model": TINY,
        "geometry_files": {},
        "steps": _STEPS,
        "inversion_steps": None,
        "mask_guidance": MaskGuidance(steps=1, max_tries=2),
    }
    return spec.model_copy(update=changed)


def _acceptance(rule: AcceptanceRule) -> AcceptanceRule:
    tiny: dict[str, Any] = {"model": TINY, "revision": None, "files": {}}
    unbounded: dict[str, Any] = dict.fromkeys(
        ("min_image_image", "min_image_text", "min_directional")
    )
    clip = rule.clip and rule.clip.model_copy(update=tiny | unbounded)
    # A submission is a real model, too, and would need a container.
    unfiltered = {"kind": NoiseModelKind.TRANSFORMERS, "class_map": {}, "max_voided_fraction": 1.0}
    noise = rule.noise and rule.noise.model_copy(update=tiny | unfiltered)
    dropped = {"min_edge_agreement": None, "min_background_ssim": None}
    return rule.model_copy(update=dropped | {"clip": clip, "noise": noise})
