"""TOML as typed tables; what is wrong becomes one line that names file, line and key."""

import re
import tomllib
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import HarnessError

TableT = TypeVar("TableT", bound=BaseModel)
_HEADER = re.compile(r"^\s*(\[{1,2})\s*([A-Za-z0-9_.\-]+)\s*\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r'^\s*("[^"]*"|[A-Za-z0-9_\-]+)\s*=')


def parse_toml_table(
    text: str, table: type[TableT], *, origin: str, error_type: type[HarnessError]
) -> TableT:
    """Return the `table` that the TOML `text` from `origin` spells.

    Raises:
        HarnessError: Of `error_type`: the text is no TOML or not such a table.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{origin} is no TOML: {error}"
        raise error_type(msg, remedy="Correct the file.") from error
    try:
        return table.model_validate(values)
    except ValidationError as error:
        raise table_error(error, table, origin=origin, text=text, error_type=error_type) from error


def table_error(
    error: ValidationError,
    table: type[BaseModel],
    *,
    origin: str,
    text: str,
    error_type: type[HarnessError],
) -> HarnessError:
    """Return what `error` says of a `table` from `origin`, with its line in the TOML `text`."""
    # A misspelled key is also a missing one; the unknown key is what helps.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    place, holder = _place_in_file(table, first)
    more = error.error_count() - 1
    rest = f" (and {more} more)" if more else ""
    message = f"{origin}{_line(text, place)}: {_sentence(place, first)}{rest}"
    return error_type(message, remedy=_remedy(holder, first))


def line_of(text: str, place: tuple[int | str, ...]) -> int | None:
    """Return the 1-based line of `text` where the key at `place` stands, or its table's."""
    table: tuple[int | str, ...] = ()
    seen: dict[str, int] = {}
    best: int | None = None
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _table_place(header.group(2), seen, is_array=header.group(1) == "[[")
            here = table
        elif key := _KEY.match(line):
            here = (*table, key.group(1).strip('"'))
        else:
            continue
        if len(here) > depth and place[: len(here)] == here:
            best, depth = number, len(here)
    return best


def _table_place(name: str, seen: dict[str, int], *, is_array: bool) -> tuple[int | str, ...]:
    parts = tuple(name.split("."))
    if not is_array:
        return parts
    seen[name] = seen.get(name, -1) + 1
    return (*parts, seen[name])


def _line(text: str, place: tuple[int | str, ...]) -> str:
    number = line_of(text, place)
    return "" if number is None else f", line {number}"


def _dotted(place: tuple[int | str, ...]) -> str:
    out = ""
    for part in place:
        out += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if out else ''}{part}"
    return out or "the file"


def _sentence(place: tuple[int | str, ...], first: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = _dotted(place)
    match first["type"]:
        case "extra_forbidden":
            return f"unknown key {str(place[-1])!r} in {_dotted(place[:-1])}"
        case "missing":
            return f"{where} is missing"
        case "enum" | "literal_error":
            return f"{where}: {first['input']!r} is not allowed"
        case "union_tag_invalid":
            return f"{where}: {first['ctx']['tag']!r} is not allowed"
        case "value_error":
            return f"{where}: {first['ctx']['error']}"
        case _:
            shown = repr(first["input"])
            shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
            return f"{where}: {shown}: {first['msg']}"


def _remedy(holder: type[BaseModel] | None, first: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    match first["type"]:
        case "extra_forbidden":
            allowed = sorted(holder.model_fields) if holder is not None else []
            return f"Allowed here: {', '.join(allowed)}." if allowed else "Remove it."
        case "enum" | "literal_error":
            return f"Allowed: {first['ctx']['expected'].replace(' or ', ', ')}."
        case "union_tag_invalid":
            return f"Allowed: {first['ctx']['expected_tags']}."
        case _:
            return "Correct the file."


def _place_in_file(
    table: type[BaseModel],
    first: Any,  # noqa: ANN401 - pydantic's ErrorDetails
) -> tuple[tuple[int | str, ...], type[BaseModel] | None]:
    """Return the key that an error is about, and the record of the table that holds the key.

    Where a table is one of several records, pydantic names the one it took after the table's key;
    the file has no such level.
    """
    place: list[int | str] = []
    record: type[BaseModel] | None = table
    holder = record
    tagged: FieldInfo | None = None
    for part in first["loc"]:
        if tagged is not None:
            record, tagged = _record_tagged(tagged, str(part)), None
            continue
        place.append(part)
        if isinstance(part, int):
            continue
        holder = record
        field = record.model_fields.get(part) if record is not None else None
        record = None if field is None else _record_in(field.annotation)
        tagged = field if field is not None and field.discriminator is not None else None
    if first["type"] == "union_tag_invalid" and tagged is not None:
        place.append(str(tagged.discriminator))
    return tuple(place), holder


def _record_tagged(field: FieldInfo, tag: str) -> type[BaseModel] | None:
    """Return the record of a union's that has `tag` for its discriminator."""
    key = str(field.discriminator)
    records = (_record_in(inner) for inner in get_args(field.annotation))
    return next((r for r in records if r is not None and r.model_fields[key].default == tag), None)


def _record_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_record_in(inner) for inner in get_args(annotation))
    return next((record for record in found if record is not None), None)
