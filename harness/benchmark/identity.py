"""What names a sample and seeds an edit: content, never order; nothing of files."""

from harness.records.attributes import Edit
from harness.records.base import canonical_json, sha256_hex
from harness.records.recipe import Recipe

_SEED_DIGITS = 13
"""52 bits: every JSON reader keeps them exactly."""
_SHOWN_ONLY = {
    "title",
    "description",
    "license",
    "citation",
    "publish_images",
    "qualifying_miou",
    "acceptance",
    "prompts",
    "lock",
}
"""What a recipe says for people, for the ranking and for judging: it changes no pixel. Prompts that
are frozen belong to their sources."""
_NO_PIXELS = {"description", "broken"}
"""The same of its source."""


def sample_id(recipe: Recipe, source_name: str, edit: Edit | None) -> str:
    """Return the opaque id of a sample: 16 hexadecimal digits."""
    return _digest("sample", recipe, source_name, edit)[:16]


def edit_seed(recipe: Recipe, source_name: str, edit: Edit) -> int:
    """Return the seed of an edit, derived from the recipe's seed and the edit's identity."""
    return int(_digest("seed", recipe, source_name, edit)[:_SEED_DIGITS], 16)


def pixels_digest(recipe: Recipe) -> str:
    """Return the digest of what in a recipe determines samples; two such recipes share work."""
    values = recipe.model_dump(mode="json", exclude=_SHOWN_ONLY)
    values["source"] = {k: v for k, v in values["source"].items() if k not in _NO_PIXELS}
    if recipe.lock.min_object_psnr is not None:
        values["lock"] = "samples carry an object signature"
    return sha256_hex(canonical_json(values))


def _digest(purpose: str, recipe: Recipe, source_name: str, edit: Edit | None) -> str:
    attribute, value = (None, None) if edit is None else (edit.attribute.value, edit.value)
    identity = [purpose, recipe.seed, recipe.name, source_name, attribute, value]
    return sha256_hex(canonical_json(identity))
