"""The bounds of an acceptance rule by key: changed for a trial, compared; nothing of samples."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from harness.errors import RecipeError
from harness.records.acceptance import AcceptanceRule
from harness.records.base import Record, first_fault

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
_REJECTS_NOTHING = {
    "min_object_change": "0",
    "min_background_psnr": "0",
    "min_visible_fraction": "0",
    "noise.max_voided_fraction": "1",
}
"""The bounds that can't be absent (without a PSNR not one pixel may differ), and their loosest."""
_FILTERS = ("clip", "noise")
"""The tables of [acceptance] that name a model."""


def with_thresholds(rule: AcceptanceRule, settings: Sequence[str]) -> AcceptanceRule:
    """Return `rule` with other bounds, each written as `clip.min_directional=0.1`.

    `none` takes a bound away, where it can be absent.

    Raises:
        RecipeError: A key is unknown, its value is none that the bound can have, or it belongs to
            a filter that `rule` does not have.
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
        holder[name] = _number(key, text.strip(), setting)
    try:
        return AcceptanceRule.model_validate(values)
    except ValidationError as error:
        msg = f"a threshold can't be that: {first_fault(error)}"
        raise RecipeError(msg, remedy="Correct the value after --set.") from error


def why_to_build(built_by: AcceptanceRule, rule: AcceptanceRule) -> str | None:
    """Return what `rule` asks for that scores made under `built_by` can't answer; None for nothing.

    A CLIP or noise filter that appears, disappears, or differs in more than its bounds means other
    scores and other labels: a build makes and removes them.

    Returns:
        What to say after the benchmark's name.
    """
    for table in _FILTERS:
        former, now = getattr(built_by, table), getattr(rule, table)
        if former is None and now is None:
            continue
        if former is None:
            return f"was built without [acceptance.{table}]"
        if now is None:
            return f"was built with [acceptance.{table}], and has its scores"
        if others := _other_keys(former, now, table):
            return f"was built with another {' and '.join(others)} in [acceptance.{table}]"
    return None


def _other_keys(former: Record, now: Record, table: str) -> tuple[str, ...]:
    """Return the keys of a filter that differ, bounds left out."""
    names = (name for name in type(former).model_fields if f"{table}.{name}" not in THRESHOLDS)
    return tuple(name for name in names if getattr(former, name) != getattr(now, name))


def _table(values: dict[str, Any], table: str, setting: str) -> dict[str, Any]:
    """Return the inner table that `setting` is about."""
    inner: dict[str, Any] | None = values.get(table)
    if inner is None:
        msg = f"{setting!r} is about a filter, and [acceptance.{table}] is not there"
        remedy = "Write it into the recipe and run `harness build-benchmark`: it asks the model."
        raise RecipeError(msg, remedy=remedy)
    return inner


def _number(key: str, text: str, setting: str) -> float | None:
    if text == NONE and key in _REJECTS_NOTHING:
        msg = f"{setting!r}: this bound is always there"
        if key == "min_background_psnr":
            msg = f"{setting!r}: without it not one pixel of the background may differ"
        raise RecipeError(msg, remedy=f"{key}={_REJECTS_NOTHING[key]} rejects nothing.")
    if text == NONE:
        return None
    try:
        return float(text)
    except ValueError as error:
        msg = f"{setting!r}: {text!r} is no number"
        raise RecipeError(msg, remedy=f"Give a number, or {NONE} for no bound.") from error
