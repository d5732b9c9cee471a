"""What becomes of attempts to learn more than an image says: they find nothing that helps."""

import re
from typing import Any

from attack import LIMITS, Attack, Result

from harness.records.run import FailureReason

GIVING_AWAY = (
    r"violet|snowy|\bcolor\b|weather|photo-|\bcar\b|\blabel|mask|manifest|benchmark|recipe|edit|"
    r"\bsource|street|harness-[0-9a-f]{12}|results|duckdb|HOSTILE_RUN"
)
"""What would tell of the benchmark, of a sample or of the run."""
MOST_SENT = 12


def tells_nothing(value: Any) -> None:
    found = re.findall(GIVING_AWAY, str(value), re.IGNORECASE)
    assert not found, (found, value)


def told_little(result: Result) -> None:
    found = result.findings
    variables = dict(found["variables"])
    assert variables.pop("HARNESS_MAX_IN_FLIGHT") == str(LIMITS.max_in_flight)
    assert result.record.run_id not in str(found)
    assert found["host"] == "submission"
    assert len(found["commands"]) == 2  # init and itself
    tells_nothing(variables)
    tells_nothing(found["cgroup"])


def found_no_file(result: Result) -> None:
    found = result.findings
    assert found["matching"] == []
    assert found["named"] == []
    tells_nothing(found["files"])


def saw_only_pictures(result: Result) -> None:
    seen = result.findings["seen"]
    ids = [entry["id"] for entry in seen]
    assert len(ids) == len(set(ids)) == MOST_SENT
    assert ids == sorted(ids)
    assert all(re.fullmatch("[0-9a-f]{16}", sample_id) for sample_id in ids)
    assert {tuple(entry["keys"]) for entry in seen} == {("bytes", "id")}
    # no text, no time, no palette: nothing that was not drawn
    assert {kind for entry in seen for kind in entry["chunks"]} == {"IHDR", "IDAT", "IEND"}
    assert len({entry["header"] for entry in seen}) == 1


def was_sent_as_much_as_agreed(result: Result) -> None:
    assert result.findings == {"ahead": LIMITS.max_in_flight, "more": None}


def guessed_no_id(result: Result) -> None:
    assert result.findings == {"file": [], "order": [], "made": []}


def left_nothing(result: Result) -> None:
    found = result.findings
    assert found["left"] == []
    done = {folder for folder, said in found["written"].items() if not said.startswith("refused")}
    assert done == {"/tmp", "/dev/shm"}


ATTACKS = (
    Attack(name="cheating.environment", tries="what it is told of the run", check=told_little),
    Attack(name="cheating.files", tries="files with labels or names", check=found_no_file),
    Attack(
        name="cheating.stream", tries="telling a source from its edits", check=saw_only_pictures
    ),
    Attack(
        name="cheating.ahead",
        tries="more images than are sent ahead",
        check=was_sent_as_much_as_agreed,
    ),
    Attack(name="cheating.guessed_ids", tries="ids that follow from images", check=guessed_no_id),
    Attack(
        name="cheating.earlier_runs",
        tries="leaving something for a later run",
        check=left_nothing,
    ),
    Attack(name="cheating.memory", tries="its answer to the nearest image"),
    Attack(
        name="cheating.rehearsal",
        tries="behaving while it is tried out",
        verdict=FailureReason.BAD_PREDICTION,
    ),
)
