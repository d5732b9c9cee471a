"""A database that is busy, missing, damaged or out of reach is refused in words that help."""

import sqlite3
import subprocess
import sys

import duckdb
import pytest
from stored_results import header, samples

from harness.errors import (
    DatabaseBusyError,
    DatabaseError,
    DiskFullError,
    PermissionRefusedError,
)
from harness.store import connection as connection_module
from harness.store.connection import database_errors
from harness.store.database import ResultsStore

SAMPLES = samples("ab")
HEADER = header(SAMPLES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "leaderboard" / "results.duckdb"


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("holding", flush=True)
sys.stdin.read()
"""


def end(process):
    process.stdin.close()
    process.wait()
    process.stdout.close()


@pytest.fixture
def holder(path):
    """Starts another process that holds the database until its stdin is closed."""
    with ResultsStore.open(path):
        pass
    processes = []

    def start(access):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), access],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "holding\n"
        return process

    yield start
    for process in processes:
        end(process)


@pytest.mark.parametrize("access", ["write", "read"])
def test_a_database_that_another_process_holds_names_the_process(path, holder, access):
    process = holder(access)
    with (
        pytest.raises(DatabaseBusyError, match=rf"process {process.pid} \(python.* is using"),
        ResultsStore.open(path, patience_seconds=0),
    ):
        pass


def test_reading_waits_for_a_writer_too(path, holder):
    holder("write")
    with (
        pytest.raises(DatabaseBusyError),
        ResultsStore.open_read_only(path, patience_seconds=0),
    ):
        pass


def test_two_processes_may_read(path, holder):
    holder("read")
    with ResultsStore.open_read_only(path, patience_seconds=0) as store:
        assert store.benchmarks() == ()


def test_patience_is_rewarded_when_the_other_process_ends(path, holder, monkeypatch):
    process = holder("write")
    pauses = []

    def wait(seconds):
        pauses.append(seconds)
        end(process)

    monkeypatch.setattr(connection_module.time, "sleep", wait)
    with ResultsStore.open(path, patience_seconds=60) as store:
        store.add_benchmark(HEADER, SAMPLES)
    assert len(pauses) == 1


def test_this_process_is_told_when_it_holds_the_database_itself(path):
    with (
        ResultsStore.open(path),
        pytest.raises(DatabaseBusyError, match="this process is using"),
        ResultsStore.open_read_only(path, patience_seconds=0),
    ):
        pass


def test_a_missing_database_can_be_written_and_not_read(path):
    with (
        pytest.raises(DatabaseError, match="no results database"),
        ResultsStore.open_read_only(path),
    ):
        pass
    with ResultsStore.open(path) as store:
        assert store.benchmarks() == ()


def damaged(path, kind):
    whole = path.read_bytes()
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("not a database\n" * 1000)
        case "half":
            path.write_bytes(whole[: len(whole) // 2])
        case "end lost":
            path.write_bytes(whole[:-300_000])
        case "beginning":
            path.write_bytes(whole[:5000])
        case "overwritten":
            path.write_bytes(whole[:4096] + bytes(8192) + whole[12288:])
        case "sqlite":
            path.unlink()
            with sqlite3.connect(path) as connection:
                connection.execute("CREATE TABLE run (run_id TEXT)")
            connection.close()


@pytest.mark.parametrize(
    "kind", ["empty", "text", "half", "end lost", "beginning", "overwritten", "sqlite"]
)
@pytest.mark.parametrize("opened", [ResultsStore.open, ResultsStore.open_read_only])
def test_a_damaged_or_foreign_file_is_refused_and_left_alone(path, kind, opened):
    with ResultsStore.open(path) as store:
        store.add_benchmark(HEADER, SAMPLES)
    damaged(path, kind)
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match="can't be used") as caught, opened(path):
        pass
    assert "\n" not in caught.value.one_line()
    assert path.read_bytes() == before


def test_a_folder_that_may_not_be_written_is_named(path, monkeypatch):
    path.parent.mkdir()
    # root may write anywhere, so what the system would answer is put in its place.
    monkeypatch.setattr(connection_module.os, "access", lambda _place, _mode: False)
    with pytest.raises(PermissionRefusedError, match="written"), ResultsStore.open(path):
        pass
    path.touch()
    with pytest.raises(PermissionRefusedError, match="read"), ResultsStore.open_read_only(path):
        pass


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "leaderboard").write_text("a file")
    with (
        pytest.raises(PermissionRefusedError, match="leaderboard"),
        ResultsStore.open(tmp_path / "leaderboard" / "results.duckdb"),
    ):
        pass


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("IO Error: Could not write file: No space left on device", DiskFullError),
        ("IO Error: Cannot open file: Permission denied", PermissionRefusedError),
        ("IO Error: Cannot open file: Read-only file system", PermissionRefusedError),
        ("Out of Memory Error: failed to allocate", DatabaseError),
        ("", DatabaseError),
    ],
)
def test_what_duckdb_says_becomes_our_error(path, says, error):
    with pytest.raises(error), database_errors(path):
        raise duckdb.IOException(says)


def test_ctrl_c_in_the_middle_of_a_query_is_ctrl_c(path):
    with pytest.raises(KeyboardInterrupt), database_errors(path):
        raise RuntimeError(connection_module.INTERRUPTED_QUERY)
    with pytest.raises(RuntimeError, match="another"), database_errors(path):
        raise RuntimeError("another")  # noqa: EM101 - nobody reads it
