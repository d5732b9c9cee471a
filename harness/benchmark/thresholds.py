"""The bounds of an acceptance rule by key: changed for a trial, compared; nothing of samples."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from harness.errors import RecipeError
from harness.records.acceptance import AcceptanceRule
from harness.records.base import first_fault

THRESHOLDS = (
    "min_object_change",
    "min_background_psnr",
    "min_visible_fraction",
    "min_background_ssim",
    "min_edge_agreement",
    "clip.min_image_image",
    "clip.min_image_text",
    "clip.min_directional",
    "noise.max_voided_fraction",
)
"""The bounds, by their keys in [acceptance]: they decide about scores and make none."""
NONE = "none"
"""How a bound is taken away."""


def with_thresholds(rule: AcceptanceRule, settings: Sequence[str]) -> AcceptanceRule:
    """Return `rule` with other bounds, each written as `clip.min_directional=0.1`.

    A CLIP filter is added where there is none; `none` takes a bound away.

    Raises:
        RecipeError: A key is unknown, or its value is none that the bound can have.
    """
    values: dict[str, Any] = rule.model_dump()
    for setting in settings:
        key, separator, text = setting.partition("=")
        key = key.strip()
        if not separator or key not in THRESHOLDS:
            msg = f"{setting!r} sets no threshold"
            raise RecipeError(msg, remedy=f"Write KEY=NUMBER; the keys: {', '.join(THRESHOLDS)}.")
        table, _, name = key.rpartition(".")
        holder = values if not table else _table(values, table, setting)
        holder[name] = _number(text, setting)
    try:
        return AcceptanceRule.model_validate(values)
    except ValidationError as error:
        msg = f"a threshold can't be that: {first_fault(error)}"
        raise RecipeError(msg, remedy="Correct the value after --set.") from error


def differ_in_thresholds_only(first: AcceptanceRule, second: AcceptanceRule) -> bool:
    """Return whether the same scores decide under both, and the same labels are scored.

    A CLIP filter may be missing from one of them: it changes no edit and no label.
    """
    if first.clip is not None and second.clip is not None:
        models = [(rule.model, rule.revision, rule.files) for rule in (first.clip, second.clip)]
        if models[0] != models[1]:
            return False
    if first.noise is None or second.noise is None:
        return first.noise is second.noise
    open_bound = {"max_voided_fraction": 1.0}
    return first.noise.model_copy(update=open_bound) == second.noise.model_copy(update=open_bound)


def _table(values: dict[str, Any], table: str, setting: str) -> dict[str, Any]:
    """Return the inner table that `setting` is about."""
    if values.get(table) is None:
        if table == "noise":
            msg = f"{setting!r} is about the noise filter, and [acceptance.noise] is not there"
            remedy = (
                "Write it into the recipe and run `harness build-benchmark`: it changes labels."
            )
            raise RecipeError(msg, remedy=remedy)
        values[table] = {}
    inner: dict[str, Any] = values[table]
    return inner


def _number(text: str, setting: str) -> float | None:
    if text.strip() == NONE:
        return None
    try:
        return float(text)
    except ValueError as error:
        msg = f"{setting!r}: {text.strip()!r} is no number"
        raise RecipeError(msg, remedy=f"Give a number, or {NONE} for no bound.") from error
