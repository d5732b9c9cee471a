"""Who holds a database is said with what is known of it, and never more than that."""

import os
import subprocess
import sys

import pytest

from harness.errors import DatabaseBusyError
from harness.store import connection as connection_module
from harness.store import lock_holder
from harness.store.database import ResultsStore
from harness.store.lock_holder import describe_holder

HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("holding", flush=True)
sys.stdin.read()
"""
SAID = 'IO Error: Could not set lock on file "r": Conflicting lock is held in {} See also https://x'


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results.duckdb"
    with ResultsStore.open(path):
        pass
    return path


@pytest.fixture
def holder(path):
    """Another process that holds the database, started with words that tell what it is."""
    words = ["--evaluate", "color-forest", "\x1b]0;title\x07", "x" * 200]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "holding\n"
        yield process
        process.stdin.close()


def refused(path, **options):
    with pytest.raises(DatabaseBusyError) as caught, ResultsStore.open(path, **options):
        pass
    return caught.value


def test_the_holder_is_named_with_its_number_and_what_it_runs(path, holder):
    error = refused(path, patience_seconds=0)

    assert str(error).startswith(f"process {holder.pid} (python")
    assert str(error).endswith(f"…) is using {path}")
    assert len(str(error)) < 140 + len(str(path))
    assert error.exit_code == 11
    assert "Wait until it has finished" in error.remedy


@pytest.mark.usefixtures("holder")
def test_what_a_command_line_holds_does_not_reach_a_terminal(path, monkeypatch):
    monkeypatch.setattr(lock_holder, "_COMMAND_CHARACTERS", 10_000)

    said = str(refused(path, patience_seconds=0))

    assert "color-forest \\x1b]0;title\\x07 xxx" in said
    assert said.isprintable()


def test_who_waited_in_vain_is_told_for_how_long(path, holder, monkeypatch, caplog):
    now = [0.0]
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(connection_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(connection_module.time, "sleep", sleep)

    error = refused(path, patience_seconds=12)

    assert f"process {holder.pid} (python" in str(error)
    assert str(error).endswith(f"is using {path}, and it was never free in 12 s")
    assert [r.getMessage().partition("; ")[2] for r in caplog.records] == ["waiting up to 7 s more"]
    assert sum(pauses) == pytest.approx(12)
    assert pauses[0] <= 0.02
    assert max(pauses) <= 0.25
    assert len(set(pauses[10:20])) == 10  # two that were refused together don't stay together


def test_a_short_wait_is_not_mentioned(path, holder, monkeypatch, caplog):
    def leave(_seconds):
        holder.stdin.close()
        holder.wait()

    monkeypatch.setattr(connection_module.time, "sleep", leave)
    with ResultsStore.open(path, patience_seconds=60):
        pass
    assert caplog.records == []


def test_a_holder_that_has_ended_is_not_taken_for_alive(path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass

    said = describe_holder(SAID.format(f"/usr/bin/python3 (PID {ended.pid})."), path)

    assert said == f"process {ended.pid} (which has ended by now, or is another machine's)"


def test_a_process_of_this_number_that_has_nothing_open_is_not_accused(path):
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True
    ) as innocent:
        said = describe_holder(SAID.format(f"/usr/bin/python3 (PID {innocent.pid})."), path)
        innocent.communicate("\n")

    assert said == f"process {innocent.pid} (which has let go by now, or is another machine's)"


@pytest.mark.parametrize("holder_words", ["PID 0.", "PID -1.", "somebody."])
def test_a_holder_that_can_not_be_seen_is_not_named(path, holder_words):
    # PID 0 is what the kernel answers for a process outside this container (recorded: DuckDB 2.0.0)
    assert "can't be seen from here" in describe_holder(SAID.format(holder_words), path)


@pytest.mark.parametrize(
    "said",
    [
        "Can't open a connection to same database file with a different configuration than existing"
        " connections",
        SAID.format(f"python (PID {os.getpid()})."),
    ],
)
def test_this_process_is_told_apart(path, said):
    assert describe_holder(said, path) == "this process"


def test_without_proc_only_the_number_is_known(path, monkeypatch, tmp_path):
    monkeypatch.setattr(lock_holder, "_PROC", tmp_path / "none")
    assert describe_holder(SAID.format("(PID 4711)."), path) == "process 4711"


WRITE = """
import sys
from pathlib import Path
from stored_results import header, samples, run
from harness.store.database import ResultsStore

path, name = Path(sys.argv[1]), sys.argv[2]
mine = samples("abc")
for minute in range(3):
    with ResultsStore.open(path, patience_seconds=120) as store:
        store.add_benchmark(header(mine), mine)
    with ResultsStore.open(path, patience_seconds=120) as store:
        store.add_run(run(header(mine).digest, name, minutes=minute), ())
"""
READ = """
import sys
from pathlib import Path
from harness.store.reader import ResultsReader

reader, reads = ResultsReader(Path(sys.argv[1]), patience_seconds=120), 0
while not Path(sys.argv[2]).exists():
    for benchmark in reader.benchmarks():
        reader.runs(benchmark.digest)
    reads += 1
print(reads)
"""


def test_writers_and_a_reader_at_once_lose_nothing(path, tmp_path, project_root):
    over = tmp_path / "over"
    environment = {**os.environ, "PYTHONPATH": f"{project_root}:{project_root}/tests"}

    def start(script, *words):
        return subprocess.Popen(
            [sys.executable, "-c", script, str(path), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    reader = start(READ, str(over))
    writers = [start(WRITE, name) for name in ("a", "b", "c")]
    ends = [(*writer.communicate(), writer.returncode) for writer in writers]
    over.touch()
    reads, complaint = reader.communicate()

    assert [end for end in ends if end[2]] == []
    assert (reader.returncode, complaint) == (0, "")
    assert int(reads) > 0
    with ResultsStore.open_read_only(path) as store:
        (benchmark,) = store.benchmarks()
        stored = [run.submission.name for run in store.runs(benchmark.digest)]
    assert sorted(stored) == sorted("abc" * 3)
