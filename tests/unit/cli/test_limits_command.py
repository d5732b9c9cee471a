"""`harness limits` and the operator's file: read where it lies, refused with its line and key."""

from pathlib import Path

import pytest
from command_line import answer, assert_refused, harness

SUBMISSION = """
name = "big"
title = "Big"
authors = ["Ada"]
label_space = "voc"
[resources]
memory_mb = 4096
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "submissions" / "big"
    folder.mkdir(parents=True)
    (folder / "submission.toml").write_text(SUBMISSION)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path


def row(report: dict, name: str) -> dict:
    return next(limit for limit in report["limits"] if limit["name"] == name)


def test_a_submissions_limits_are_shown_with_who_set_them(workspace: Path) -> None:
    (workspace / "operator.toml").write_text("[defaults]\npids = 64\n")

    report = answer(workspace, "limits", "big", "--cpus", "1")

    assert report["submission"] == "big"
    memory, pids, cpus = (row(report, name) for name in ("memory_mb", "pids", "cpus"))
    assert (memory["in_force"], memory["asked"], memory["source"]) == (4096, 4096, "submission")
    assert (pids["in_force"], pids["default"], pids["source"]) == (64, 64, "operator")
    assert (cpus["in_force"], cpus["default"], cpus["source"]) == (1.0, 2.0, "operator")
    assert row(report, "tmp_mb")["source"] == "default"
    assert any("no network" in wall for wall in report["walls"])


def test_the_table_has_every_limit_and_what_always_holds(workspace: Path) -> None:
    said = harness(workspace, "limits").stdout

    assert "max_prediction_bytes" in said
    assert "- no network: the only interface is loopback" in said


def test_more_than_the_ceiling_is_refused_before_anything_runs(workspace: Path) -> None:
    (workspace / "operator.toml").write_text("[ceilings]\nmemory_mb = 2048\n")

    assert_refused(harness(workspace, "limits", "big"), 5, "'big'", "memory_mb = 4096", "2048")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[defaults]\nmemory = 4\n", ("operator.toml, line 2", "'memory'", "Allowed here:")),
        ("[defaults]\npids = 0\n", ("operator.toml, line 2", "defaults.pids")),
        ('[fixed]\nruntim = "runsc"\n', ("fixed", "runtim is no limit")),
        ("defaults\n", ("operator.toml is no TOML",)),
    ],
)
def test_a_wrong_file_is_named_with_line_and_key(
    workspace: Path, text: str, words: tuple[str, ...]
) -> None:
    (workspace / "operator.toml").write_text(text)

    assert_refused(harness(workspace, "limits"), 20, *words)


def test_another_file_is_named_by_the_environment(workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    missing = harness(workspace, "limits", HARNESS_OPERATOR=str(other))
    assert_refused(missing, 20, "other.toml", "unset HARNESS_OPERATOR")

    other.write_text('[fixed]\nruntime = "runsc"\n')
    assert "runsc" in harness(workspace, "limits", HARNESS_OPERATOR=str(other)).stdout
