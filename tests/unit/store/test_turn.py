"""Who waits for the database keeps newcomers out, and nothing stays behind of it."""

import errno
import subprocess
import sys

import pytest

from harness.store import connection as connection_module
from harness.store import turn as turn_module
from harness.store.database import ResultsStore
from harness.store.reader import ResultsReader
from harness.store.turn import Turn


def free(folder):
    with Turn(folder) as turn:
        return turn.is_ours()


def test_it_is_one_process_s_turn_at_a_time(tmp_path):
    with Turn(tmp_path) as turn:
        assert free(tmp_path)  # entering alone takes nothing
        assert turn.is_ours()
        assert turn.is_ours()
        assert not free(tmp_path)
    assert free(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_no_turn_behind(tmp_path):
    script = (
        "import sys; from pathlib import Path; from harness.store.turn import Turn\n"
        "with Turn(Path(sys.argv[1])) as turn:\n"
        "    print(turn.is_ours(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "True\n"
        assert not free(tmp_path)
        process.kill()
    assert free(tmp_path)


def test_where_there_are_no_such_locks_it_is_everybodys_turn(tmp_path, monkeypatch):
    assert free(tmp_path / "missing")

    def refuse(_descriptor, _operation):
        raise OSError(errno.EBADF, "as NFS says of a folder")

    monkeypatch.setattr(turn_module.fcntl, "flock", refuse)
    assert free(tmp_path)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results.duckdb"
    with ResultsStore.open(path):
        pass
    return path


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("holding", flush=True)
sys.stdin.read()
"""


def test_while_a_writer_waits_nobody_new_gets_in(path, monkeypatch):
    seen = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout.readline() == "holding\n"

        def wait(_seconds):
            seen.append(free(path.parent))
            reader.communicate()

        monkeypatch.setattr(connection_module.time, "sleep", wait)
        with ResultsStore.open(path, patience_seconds=60):
            assert free(path.parent)  # once it is in, the next one may queue
    assert seen == [False]


def test_a_turn_that_is_never_given_up_holds_nobody_up_for_long(path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(connection_module.time, "monotonic", lambda: now[0])

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(connection_module.time, "sleep", sleep)
    with Turn(path.parent) as stuck:
        assert stuck.is_ours()
        assert ResultsReader(path, patience_seconds=60).benchmarks() == ()
    assert now[0] == pytest.approx(connection_module.TURN_SECONDS, abs=0.3)
