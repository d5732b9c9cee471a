"""What one attack costs while it runs, as engine and kernel count it; nothing of verdicts."""

import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import docker
import requests
from attack import MIB, Measured
from docker.errors import DockerException

from harness.sandbox.owner import RUN_LABEL

LOOK_SECONDS = 0.1
_OWN = Path("/proc/self")


class Watch:
    """Looks at a run's container every now and then, from a thread of its own."""

    def __init__(self, engine: docker.DockerClient, run_id: str, workspace: Path) -> None:
        """Prepare to watch the container of `run_id`, whose evaluation writes to `workspace`."""
        self._api = engine.api
        self._run_id = run_id
        self._workspace = workspace
        self._over = Event()
        self._thread = Thread(target=self._look_on, daemon=True)
        self._began = 0.0
        self._resident = 0.0
        self._memory = 0
        self._disk = 0
        self._cpu: list[tuple[float, int]] = []
        self.volumes: set[str] = set()

    def __enter__(self) -> Self:
        """Start watching."""
        self._before = folder_bytes(self._workspace)
        forget_peak()
        self._resident = resident_mib("VmRSS")
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._seconds = time.monotonic() - self._began
        self._grown = resident_mib("VmHWM") - self._resident
        self._over.set()
        self._thread.join()

    def measured(self) -> Measured:
        """Return what was seen, once the watch is over."""
        return Measured(
            seconds=self._seconds,
            harness_mib=max(self._grown, 0.0),
            container_mib=self._memory / MIB,
            cpus=self._busiest_second(),
            disk_bytes=self._disk,
            workspace_bytes=folder_bytes(self._workspace) - self._before,
        )

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            # it comes and goes as it likes
            with suppress(DockerException, requests.RequestException):
                self._look()

    def _look(self) -> None:
        mine = {"label": f"{RUN_LABEL}={self._run_id}"}
        for found in self._api.containers(all=True, size=True, filters=mine):
            self.volumes |= {mount["Name"] for mount in found["Mounts"] if mount.get("Name")}
            self._disk = max(self._disk, found.get("SizeRw") or 0)
            stats = self._api.stats(found["Id"], stream=False, one_shot=True)
            self._keep(stats)

    def _keep(self, stats: dict[str, Any]) -> None:
        memory = stats.get("memory_stats") or {}
        self._memory = max(self._memory, memory.get("max_usage") or memory.get("usage") or 0)
        if used := stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage"):
            # the engine's own clock: its answer may be a while on its way
            looked = datetime.fromisoformat(stats["read"]).timestamp()
            self._cpu.append((looked, used))

    def _busiest_second(self) -> float:
        """Return the most processors used from one look to another a second or more later."""
        rates = [
            (after - before) / 1e9 / (ended - began)
            for number, (began, before) in enumerate(self._cpu)
            for ended, after in self._cpu[number + 1 :]
            if ended - began >= 1.0
        ]
        return max(rates, default=0.0)


def forget_peak() -> None:
    """Have the kernel forget this process's peak (proc(5), clear_refs); where it can't, it stays.

    A peak of earlier is the higher one, so that a bound on growth is only the stricter.
    """
    with suppress(OSError):
        (_OWN / "clear_refs").write_text("5")


def resident_mib(field: str) -> float:
    """Return VmRSS, the resident memory, or VmHWM, its peak, of this process in MiB."""
    for line in (_OWN / "status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files under `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
