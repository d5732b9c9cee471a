"""A Docker engine of a test's own, to be killed and started at will; nothing of containers."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import docker
import docker.errors
import pytest
import requests
from run_mark import RUN_MARK

START_SECONDS = 30.0


class PrivateEngine:
    """A `dockerd` beside the machine's own, with its own images, containers, sockets and state.

    It writes no firewall rules and has a bridge of its own, which leads nowhere: with
    `--bridge=none` dockerd would remove docker0 under the machine's engine. Its folder is outside
    the test's tmp_path: a socket's path must be short.
    """

    def __init__(self, *options: str) -> None:
        """Prepare one; `options` are more options of dockerd's."""
        missing = [name for name in ("dockerd", "containerd", "ip") if shutil.which(name) is None]
        if missing or os.geteuid() != 0:
            lack = ", ".join(missing) or "root's rights"
            pytest.fail(f"an engine of the test's own can't be started without {lack}")
        self._folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self._options = options
        self._bridge = f"he-{RUN_MARK}{secrets.token_hex(3)}"
        self._process: subprocess.Popen[bytes] | None = None
        self._containerd: subprocess.Popen[bytes] | None = None
        self.address = f"unix://{self._folder}/docker.sock"

    def start(self) -> None:
        """Start it, again or for the first time; returns when it answers."""
        if self._containerd is None:
            # a service of its own, as on a real machine: it outlives dockerd
            places = {"root": "containerd", "state": "state", "address": "containerd.sock"}
            options = [f"--{name}={self._folder}/{place}" for name, place in places.items()]
            self._containerd = self._launch(["containerd", *options])
            subprocess.run(["ip", "link", "add", self._bridge, "type", "bridge"], check=True)
        self._process = self._launch(["dockerd", *self._state_options(), *self._options])
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                said = (self._folder / "log").read_text(errors="replace")[-3000:]
                pytest.fail(f"the test's own dockerd did not come up: {said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill dockerd with SIGKILL, as a crash would; containerd and containers may live on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def client(self) -> docker.DockerClient:
        """Return a client of it; the caller closes it."""
        return docker.DockerClient(base_url=self.address)

    def load(self, reference: str) -> None:
        """Copy an image of the machine's own engine into it."""
        with subprocess.Popen(["docker", "save", reference], stdout=subprocess.PIPE) as save:
            subprocess.run(
                ["docker", "-H", self.address, "load", "--quiet"], stdin=save.stdout, check=True
            )

    def remove(self) -> None:
        """Stop it and remove all that it made."""
        with suppress(docker.errors.DockerException, requests.RequestException):
            client = self.client()
            for container in client.containers.list(all=True):
                container.remove(force=True)
            client.close()
        for process in (self._process, self._containerd):
            if process is not None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["ip", "link", "delete", self._bridge], check=False, capture_output=True)
        self._unmount()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def _state_options(self) -> Sequence[str]:
        folder = self._folder
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        return (
            *(f"--{name}={folder}/{place}" for name, place in places.items()),
            f"--host={self.address}",
            f"--containerd={folder}/containerd.sock",
            f"--bridge={self._bridge}",
            "--iptables=false",
            "--ip6tables=false",
        )

    def _answers(self) -> bool:
        # The SDK leaves a socket open where it is refused, for any later test to be warned of.
        with socket.socket(socket.AF_UNIX) as knocking:
            if knocking.connect_ex(self.address.removeprefix("unix://")) != 0:
                return False
        try:
            with closing(docker.DockerClient(base_url=self.address)) as client:
                return bool(client.ping())
        except (docker.errors.DockerException, requests.RequestException):
            return False

    def _processes(self) -> list[int]:
        """Return what is left of it, shims included, by the folder on their command line."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if str(self._folder).encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
        return [pid for pid in found if pid != os.getpid()]

    def _unmount(self) -> None:
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted((m for m in mounts if m.startswith(str(self._folder))), reverse=True):
            subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
