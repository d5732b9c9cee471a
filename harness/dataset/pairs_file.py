"""A folder of plain pairs: its pairs.csv and benchmark.toml as text; nothing of pixels."""

import json

from harness.records.exchange import FolderHeader
from harness.records.label_space import LabelSpace

PAIRS_NAME, HEADER_NAME = "pairs.csv", "benchmark.toml"
COLUMNS = (
    "image",
    "label",
    "mask",
    "source",
    "attribute",
    "value",
    "object_class",
    "caption",
    "target_prompt",
    "accepted",
    "rejection",
)
"""The columns of pairs.csv; docs/importing.md says what each holds."""


def folder_header_text(header: FolderHeader) -> str:
    """Return the content of benchmark.toml."""
    values = header.model_dump(mode="json", exclude={"label_space"}, exclude_none=True)
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    space = header.label_space
    if isinstance(space, LabelSpace):
        return "\n".join([*lines, "", *_label_space_lines(space)]) + "\n"
    return "\n".join([*lines, f"label_space = {_value(space)}"]) + "\n"


def _label_space_lines(space: LabelSpace) -> list[str]:
    head = [
        "[label_space]",
        f"name = {_value(space.name)}",
        f"ignore_id = {space.ignore_id}",
        f"scene = {_value(space.scene)}",
        "classes = [",
    ]
    classes = [
        "  { "
        + ", ".join(
            f"{key} = {_value(value)}"
            for key, value in found.model_dump(mode="json", exclude_none=True).items()
        )
        + " },"
        for found in space.classes
    ]
    return [*head, *classes, "]"]


def _value(value: object) -> str:
    """Return `value` as TOML, whose strings are those of JSON but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
