"""docs/json-formats.md says of every record what the record says of itself."""

import re
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import ValidationError

from harness.benchmark.assessing.score_report import AcceptanceReport
from harness.benchmark.build_report import BuildReport
from harness.benchmark.prompts.report import PromptReport
from harness.benchmark.scan_report import ScanReport
from harness.cli.main import COMMANDS
from harness.records.base import Record
from harness.records.check import CheckReport
from harness.records.diagnosis import Diagnosis
from harness.records.edit_report import EditingReport
from harness.records.exchange import ExportReport, ImportReport
from harness.records.limits import LimitsReport
from harness.records.manifest import VerificationReport
from harness.records.ranking import Board, EvaluationReport
from harness.records.run_account import RescoreReport, RunAccount, RunListing

DOCUMENT = (Path(__file__).resolve().parent.parent / "docs" / "json-formats.md").read_text("utf-8")
PRINTED: dict[str, type[Record]] = {
    "rank": Board,
    "evaluate": EvaluationReport,
    "verify": VerificationReport,
    "scan": ScanReport,
    "build-benchmark": BuildReport,
    "write-prompts": PromptReport,
    "check": CheckReport,
    "limits": LimitsReport,
    "runs": RunListing,
    "runs show": RunAccount,
    "rescore": RescoreReport,
    "acceptance": AcceptanceReport,
    "edit": EditingReport,
    "export": ExportReport,
    "import": ImportReport,
    "doctor": Diagnosis,
}
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", datetime: "time"}


def json_type(annotation: Any) -> str:
    """Return the words for what a field of this type is in JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        said = [json_type(part) for part in arguments if part is not NoneType]
        return " or ".join([*said, "null"] if NoneType in arguments else said)
    if origin is tuple:
        parts = [json_type(part) for part in arguments if part is not Ellipsis]
        return f"{parts[0]}[]" if Ellipsis in arguments else f"[{', '.join(parts)}]"
    if origin is dict:
        return f"object of {json_type(arguments[1])}, keys {json_type(arguments[0])}"
    if origin is Literal:
        return json_type(type(arguments[0]))
    if issubclass(annotation, Enum):
        return f"one of {', '.join(f'`{member.value}`' for member in annotation)}"
    return PLAIN.get(annotation) or annotation.__name__


def rows_of(record: type[Record]) -> list[str]:
    """Return the table's rows that document `record`."""
    fields = [
        (name, field.annotation, field.description) for name, field in record.model_fields.items()
    ]
    fields += [
        (name, field.return_type, field.description)
        for name, field in record.model_computed_fields.items()
    ]
    return [
        f"| `{name}` | {json_type(annotation)} | {' '.join((said or '').split())} |"
        for name, annotation, said in fields
    ]


def records_in(annotation: Any) -> list[type[Record]]:
    """Return the records that a type is made of, and theirs, in order."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        inner = [r for f in annotation.model_fields.values() for r in records_in(f.annotation)]
        return [annotation, *inner]
    return [record for part in get_args(annotation) for record in records_in(part)]


ALL = list(dict.fromkeys(record for root in PRINTED.values() for record in records_in(root)))


@pytest.mark.parametrize("record", ALL, ids=lambda record: record.__name__)
def test_a_record_is_documented_field_by_field(record: type[Record]) -> None:
    name = record.__name__
    sections = re.findall(rf"^## .*: {name}\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    sections += re.findall(rf"^### {name}\n(.*?)(?=^##|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(sections) == 1
    assert re.findall(r"^\| `.*$", sections[0], re.MULTILINE) == rows_of(record)


def test_what_is_printed_reads_back_with_its_properties_left_out() -> None:
    printed = Diagnosis(harness_version="1", checks=()).model_dump(mode="json")
    assert printed["fit_to_evaluate"] is True
    assert Diagnosis.model_validate(printed) == Diagnosis(harness_version="1", checks=())
    with pytest.raises(ValidationError, match="fit_to_eat"):
        Diagnosis.model_validate(printed | {"fit_to_eat": True})


def test_every_command_that_prints_a_record_has_a_section() -> None:
    headed = re.findall(r"^## `harness ([a-z -]+)`: (\w+)$", DOCUMENT, re.MULTILINE)
    assert dict(headed) == {command: record.__name__ for command, record in PRINTED.items()}
    printing = {name.split()[0] for name in PRINTED}
    assert printing == set(COMMANDS) - {"leaderboard", "base-image"}
