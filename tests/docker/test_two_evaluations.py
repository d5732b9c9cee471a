"""Several `harness evaluate` at once on one database and one engine lose and mix up nothing."""

import json
import os
import subprocess
import sys

import pytest
from fakes import write_tiny_benchmark
from model_images import build_model, counts_alone, stored_counts

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.leaderboard.board import build_board
from harness.sandbox.owner import RUN_LABEL
from harness.store.database import ResultsStore

pytestmark = pytest.mark.docker

NAMES = ("model-a", "model-b", "model-c", "model-d")

READ_ON = """
import sys
from pathlib import Path
from harness.leaderboard.board import build_board
from harness.store.reader import ResultsReader

reader, digest, over = ResultsReader(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])
most = boards = 0
while not over.exists():
    board = build_board(reader, benchmark_digest=digest, resamples=20)
    shown = len(board.ranked) + len(board.unranked) + len(board.failed)
    assert shown >= most, (shown, most)
    most, boards = shown, boards + 1
print(most, boards)
"""


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "benchmark_data" / "tiny"
    header = write_tiny_benchmark(folder, sources=4)
    with ResultsStore.open(tmp_path / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(header, BenchmarkFolder(folder).samples())
    return tmp_path


def start(*words):
    return subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )


def test_four_at_once_while_the_ranking_is_read(
    engine, throwaway, base_image, workspace, tmp_path_factory
):
    images = {name: build_model(throwaway, base_image, name, "0.1") for name in NAMES}
    database, over = workspace / "leaderboard" / "results.duckdb", workspace / "over"
    digest = BenchmarkFolder(workspace / "benchmark_data" / "tiny").header().digest

    reader = start("-c", READ_ON, str(database), digest, str(over))
    evaluations = {
        name: start(
            *("-m", "harness", "--workspace", str(workspace), "evaluate", image),
            *("--benchmark", "tiny", "--format", "json"),
        )
        for name, image in images.items()
    }
    said = {name: process.communicate() for name, process in evaluations.items()}
    over.touch()
    reads, complaint = reader.communicate()

    failed = {n: said[n][1] for n, process in evaluations.items() if process.returncode}
    assert failed == {}
    assert reader.returncode == 0, complaint
    most, boards = map(int, reads.split())
    assert most <= len(NAMES)
    assert boards > 0

    reports = {name: json.loads(out) for name, (out, _) in said.items()}
    alone = tmp_path_factory.mktemp("alone")
    for name, report in reports.items():
        expected = counts_alone(workspace, alone, name)
        assert stored_counts(database, report["run"]["run_id"]) == expected, name
        assert report["scores"]["submission"]["name"] == name
    with ResultsStore.open_read_only(database) as store:
        assert len(store.runs(digest)) == len(NAMES)
        board = build_board(store, benchmark_digest=digest, resamples=0)
    assert {row.submission.name for row in (*board.ranked, *board.unranked)} == set(NAMES)
    runs = {report["run"]["run_id"] for report in reports.values()}
    assert {folder.name for folder in (workspace / "leaderboard" / "runs").iterdir()} == runs
    left = engine.api.containers(all=True, filters={"label": RUN_LABEL})
    assert runs.isdisjoint(entry["Labels"][RUN_LABEL] for entry in left)


REMOVE_ON = """
import sys
from pathlib import Path
from harness.sandbox.engine import connect
from harness.sandbox.orphans import remove_orphans

client, over, rounds = connect(), Path(sys.argv[1]), 0
print("removing", flush=True)
while not over.exists():
    remove_orphans(client)
    rounds += 1
client.close()
print(rounds)
"""


def test_who_removes_orphans_leaves_alone_what_another_process_starts(
    throwaway, base_image, workspace
):
    image = build_model(throwaway, base_image, "model-young")
    over = workspace / "over"
    remover = start("-c", REMOVE_ON, str(over))
    assert remover.stdout.readline() == "removing\n"
    try:
        results = [
            start(
                *("-m", "harness", "--workspace", str(workspace), "evaluate", image),
                *("--benchmark", "tiny", "--again", "--workers", "3"),
            ).communicate()
            for _ in range(3)
        ]
    finally:
        over.touch()
        rounds, complaint = remover.communicate()

    assert remover.returncode == 0, complaint
    assert int(rounds) > 10
    assert [errors for _, errors in results if "error" in errors] == []
    with ResultsStore.open_read_only(workspace / "leaderboard" / "results.duckdb") as store:
        (benchmark,) = store.benchmarks()
        ends = [run.outcome.status.value for run in store.runs(benchmark.digest)]
    assert ends == ["completed"] * 3


ASK = """
import sys
from pathlib import Path
from harness.errors import DatabaseBusyError
from harness.store.database import ResultsStore

try:
    with ResultsStore.open(Path(sys.argv[1]), patience_seconds=0):
        pass
except DatabaseBusyError as error:
    sys.stdout.write(error.one_line())
"""


def test_a_holder_outside_the_own_container_is_not_taken_for_one_in_it(workspace):
    """Process numbers are those of a container's own; 0 is what the kernel says of others."""
    database = workspace / "leaderboard" / "results.duckdb"
    with ResultsStore.open(database):
        said = subprocess.run(
            [*("unshare", "--pid", "--fork", "--mount-proc"), sys.executable, "-c", ASK, database],
            check=False,
            capture_output=True,
            text=True,
        )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("a process that can't be seen from here (in another container")
    assert str(database) in said.stdout
