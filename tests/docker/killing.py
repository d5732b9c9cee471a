"""`harness evaluate` in a process of its own, to be killed at chosen moments, and what it left."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.evaluation.archive import read_archive
from harness.evaluation.unfinished import UNFINISHED
from harness.records.run import RunRecord
from harness.store.database import ResultsStore

PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.005


class Evaluation:
    """One process of `harness evaluate IMAGE` in a workspace."""

    def __init__(self, workspace: Path, image: str, *options: str, engine: str = "") -> None:
        """Start it; `engine` is the engine's address, if not the usual one."""
        self._workspace = workspace
        command = ["evaluate", image, "--benchmark", "tiny", "--format", "json", *options]
        # files, not pipes: nobody reads while it runs, and a full pipe would stop it
        self._said = (workspace / "stderr").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness", "--workspace", str(workspace), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env=os.environ | ({"DOCKER_HOST": engine} if engine else {}),
        )

    def wait_until(self, predictions: int, seconds: float) -> bool:
        """Wait until so many are kept, then `seconds`; returns whether the process still runs."""
        until = time.monotonic() + PATIENCE_SECONDS
        while kept(self._workspace) < predictions and self.process.poll() is None:
            assert time.monotonic() < until
            time.sleep(_LOOK_SECONDS)
        left = time.monotonic() + seconds
        while time.monotonic() < left and self.process.poll() is None:
            time.sleep(_LOOK_SECONDS)
        return self.process.poll() is None

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send it a signal, one that can be handled once it handles it."""
        if number != signal.SIGKILL:
            self._wait_until_listening()
        self.process.send_signal(number)

    def _wait_until_listening(self) -> None:
        """Wait until it has a handler for SIGTERM, which Python does not bring along."""
        handled = 0
        while not handled >> (signal.SIGTERM - 1) & 1 and self.process.poll() is None:
            time.sleep(_LOOK_SECONDS)
            with suppress(OSError):
                status = Path(f"/proc/{self.process.pid}/status").read_text()
                handled = int(status.partition("SigCgt:")[2].split()[0], 16)

    def end(self) -> int:
        """Return its exit code, once it has ended."""
        return self.process.wait(PATIENCE_SECONDS)

    def said(self) -> str:
        """Return what it wrote on stderr so far."""
        self._said.flush()
        self._said.seek(0)
        return self._said.read().decode()

    def close(self) -> None:
        """End it whatever it does."""
        self.process.kill()
        self.process.wait()
        self._said.close()


def kept(workspace: Path) -> int:
    """Return how many predictions the unfinished run of a workspace has now."""
    folder = workspace / "leaderboard" / "runs" / UNFINISHED
    for path in folder.glob("*"):
        try:
            content = read_archive(path)
        except FileNotFoundError:
            return 0
        return 0 if content is None else len(content.predicted)
    return 0


def stored_runs(workspace: Path) -> tuple[RunRecord, ...]:
    """Return the runs in the database, in the order in which they ended."""
    digest = BenchmarkFolder(workspace / "benchmark_data" / "tiny").header().digest
    with ResultsStore.open_read_only(workspace / "leaderboard" / "results.duckdb") as store:
        return store.runs(digest)


def all_counts(workspace: Path, run_id: str) -> list[list[tuple]]:
    """Return every row of class_count and of paired_count of a run."""
    with ResultsStore.open_read_only(workspace / "leaderboard" / "results.duckdb") as store:
        tables = store.counts((run_id,)), store.paired_counts((run_id,))
    found = []
    for table in tables:
        columns = (table.class_id, table.tp, table.fp, table.fn)
        names = (table.sample_ids[sample] for sample in table.sample)
        found.append(sorted(zip(names, *(c.tolist() for c in columns), strict=True)))
    return found


def files_left(workspace: Path) -> list[str]:
    """Return what lies in the board's folder besides the database and the folders of its runs."""
    board = workspace / "leaderboard"
    ended = {run.run_id for run in stored_runs(workspace)}
    found = [path for path in board.iterdir() if path.name not in ("results.duckdb", "runs")]
    found += [path for path in (board / "runs").iterdir() if path.name not in ended]
    return sorted(str(path.relative_to(board)) for path in found)
