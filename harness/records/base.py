"""What every record shares: frozen, closed, and digestible by content."""

import hashlib
import json
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return `value` as UTF-8 JSON with sorted keys and no spaces: equal values, equal bytes."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def sha256_hex(data: bytes) -> str:
    """Return the sha256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def first_fault(error: ValidationError) -> str:
    """Return the first thing that is wrong with a record, after its key where it has one."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return f"{key}: {first['msg']}" if key else first["msg"]


class Record(BaseModel):
    """Plain frozen data that crosses a file, a process or a stage; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _without_what_follows(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was given
        """Leave out the properties that are printed with the fields, so that JSON reads back."""
        if not cls.model_computed_fields or not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if key not in cls.model_computed_fields}

    def content_digest(self) -> str:
        """Return the sha256 of the record's canonical JSON: its identity by content."""
        return sha256_hex(canonical_json(self.model_dump(mode="json")))


class GrowingRecord(Record):
    """A record that got fields since files of it were released.

    Such a field is left out of the JSON while it is at its default, so that older files keep their
    digests.
    """

    ADDED: ClassVar[frozenset[str]] = frozenset()
    """The fields that were added."""

    @model_serializer(mode="wrap")
    def _without_additions_not_used(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = plain(self)
        fields = type(self).model_fields
        for name in self.ADDED:
            if name in values and getattr(self, name) == fields[name].get_default(
                call_default_factory=True
            ):
                del values[name]
        return values
