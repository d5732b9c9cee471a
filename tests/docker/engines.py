"""Container engines of a test's own, each reached in another way; nothing of what is run on them.

Each is a context manager that gives a `Rig`. What is not installed is skipped with the package's
name, unless HARNESS_TEST_ENGINES (a comma-separated list of kinds) asks for it: then it fails.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
from engine_certificates import write_certificates
from engine_services import discard, free_port, service, wait_until
from private_engine import PrivateEngine
from ssh_server import SshServer

from harness.errors import EngineError
from harness.records.run import FailureReason
from harness.sandbox.engine import connect

SUBORDINATE_IDS = "nobody:200000:65536\nnogroup:200000:65536\n"
"""What newuidmap and dockerd find in /etc/subuid and /etc/subgid: bound over them, not written."""
OVER_SUBORDINATE_IDS = 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"'


@dataclass(frozen=True, kw_only=True)
class Rig:
    """An engine that answers, and what may be expected of it."""

    client: docker.DockerClient
    """Made by the harness's own `connect`."""
    environment: dict[str, str]
    """What leads the harness to it."""
    limits: dict[str, Any] = field(default_factory=dict)
    """Limits that it needs in place of the tests' own."""
    waived: tuple[str, ...] = ()
    """The walls that it says it can't enforce."""
    memory_reasons: tuple[FailureReason, ...] = (FailureReason.OUT_OF_MEMORY,)
    """How a memory bomb may be called."""
    no_command_reasons: tuple[FailureReason, ...] = (FailureReason.DID_NOT_START,)
    """How a command that is not there may be called."""
    outer_user: int | None = 65534
    """Whom a submission runs as, seen from the machine; None where its process is a kernel's."""


def need(kind: str, **packages: str) -> None:
    """Skip, or fail where `kind` is asked for, unless every program is there; by package."""
    absent = [f"{name} ({package})" for name, package in packages.items() if not _found(name)]
    if os.geteuid() != 0:
        absent.append("root's rights")
    if absent:
        message = f"the engine {kind!r} needs {', '.join(absent)}"
        if kind in asked_for():
            pytest.fail(f"HARNESS_TEST_ENGINES asks for it: {message}")
        pytest.skip(message)


def asked_for() -> set[str]:
    """Return the kinds that HARNESS_TEST_ENGINES names; one that does not exist fails the test."""
    named = set(filter(None, os.environ.get("HARNESS_TEST_ENGINES", "").replace(",", " ").split()))
    if unknown := sorted(named - set(KINDS)):
        pytest.fail(f"HARNESS_TEST_ENGINES names {unknown}; there are {', '.join(KINDS)}")
    return named


def _found(program: str) -> bool:
    return shutil.which(program) is not None or Path("/usr/sbin", program).exists()


@contextmanager
def connected(environment: dict[str, str]) -> Iterator[docker.DockerClient]:
    """Give the harness's own client of the engine to which `environment` leads."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        client = connect()
    with closing(client):
        yield client


@contextmanager
def started(engine: PrivateEngine, archive: Path) -> Iterator[PrivateEngine]:
    """Give `engine`, running and with the images of `archive`; all of it is gone afterwards."""
    try:
        engine.start()
        with closing(engine.client()) as client:
            load(client, archive)
        yield engine
    finally:
        engine.remove()


def load(client: docker.DockerClient, archive: Path) -> None:
    # not `images.load`, which can't read Podman's answer to several images at once
    with archive.open("rb") as file:
        for _ in client.api.load_image(file):
            pass


@contextmanager
def docker_over_tcp(archive: Path) -> Iterator[Rig]:
    """Give one that listens without TLS: for as long, every user of this machine is root by it.

    That is what is tested, so the port is of 127.0.0.1 only; on a machine that others may log in
    to, leave it out: `-k "not tcp"`.
    """
    asked_for()
    address = f"tcp://127.0.0.1:{free_port()}"
    environment = {"DOCKER_HOST": address}
    with ExitStack() as stack:
        stack.enter_context(started(PrivateEngine(f"--host={address}"), archive))
        client = stack.enter_context(connected(environment))
        yield Rig(client=client, environment=environment)


@contextmanager
def docker_over_tls(archive: Path) -> Iterator[Rig]:
    need("tls", openssl="openssl")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="certificates-")))
        write_certificates(folder)
        address = f"tcp://127.0.0.1:{free_port()}"
        secured = (
            f"--host={address}",
            "--tlsverify",
            f"--tlscacert={folder}/ca.pem",
            f"--tlscert={folder}/server.pem",
            f"--tlskey={folder}/server-key.pem",
        )
        stack.enter_context(started(PrivateEngine(*secured), archive))
        environment = {
            "DOCKER_HOST": address,
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(folder),
            # what a machine behind a company's proxy says of the web is not about this engine
            "REQUESTS_CA_BUNDLE": str(folder / "other-ca.pem"),
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }
        client = stack.enter_context(connected(environment))
        yield Rig(client=client, environment=environment)


@contextmanager
def docker_over_ssh(archive: Path) -> Iterator[Rig]:
    need("ssh", sshd="openssh-server", ssh="openssh-client")
    with ExitStack() as stack:
        engine = stack.enter_context(started(PrivateEngine(), archive))
        server = stack.enter_context(SshServer())
        path = engine.address.removeprefix("unix://")
        environment = {**server.environment, "DOCKER_HOST": f"{server.address}{path}"}
        client = stack.enter_context(connected(environment))
        yield Rig(client=client, environment=environment)


@contextmanager
def docker_with_gvisor(archive: Path) -> Iterator[Rig]:
    need("runsc", runsc="runsc")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runsc-")))
        wrapper = folder / "runsc"
        wrapper.write_text('#!/bin/sh\nexec runsc --platform=ptrace --network=none "$@"\n')
        wrapper.chmod(0o755)
        engine = PrivateEngine(f"--add-runtime=runsc={wrapper}")
        stack.enter_context(started(engine, archive))
        environment = {"DOCKER_HOST": engine.address}
        client = stack.enter_context(connected(environment))
        # its kernel is a process of the container: it takes memory and threads of its own
        yield Rig(
            client=client,
            environment=environment,
            limits={"runtime": "runsc", "memory_mb": 256, "pids": 128},
            # the kernel ends the whole of it at once, and the engine may miss why
            memory_reasons=(FailureReason.OUT_OF_MEMORY, FailureReason.KILLED),
            outer_user=None,
        )


class RemappedEngine(PrivateEngine):
    """A dockerd in whose containers root is nobody; the machine's /etc/subuid stays as it is."""

    def __init__(self) -> None:
        super().__init__("--userns-remap=nobody:nogroup")
        self._folder.chmod(0o711)  # root in a container must reach its files
        self._ids = self._folder / "subordinate-ids"
        self._ids.write_text(SUBORDINATE_IDS)

    def _launch(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        if self._containerd is not None:
            namespace = f"--target={self._containerd.pid}"
            return super()._launch(["nsenter", "--mount", namespace, *command])
        alone = ["unshare", "--mount", "--propagation=private"]
        process = super()._launch([*alone, "sh", "-c", OVER_SUBORDINATE_IDS, self._ids, *command])
        name = Path(f"/proc/{process.pid}/comm")
        wait_until(lambda: name.read_text().strip() == command[0], what="the namespace")
        return process


@contextmanager
def docker_with_remapped_users(archive: Path) -> Iterator[Rig]:
    need("userns", unshare="util-linux", nsenter="util-linux")
    with ExitStack() as stack:
        engine = stack.enter_context(started(RemappedEngine(), archive))
        environment = {"DOCKER_HOST": engine.address}
        client = stack.enter_context(connected(environment))
        yield Rig(client=client, environment=environment, outer_user=200000 + 65534)


@contextmanager
def rootless_docker(archive: Path) -> Iterator[Rig]:
    need("rootless", rootlesskit="rootlesskit", newuidmap="uidmap", setpriv="util-linux")
    folder = Path(tempfile.mkdtemp(prefix="rootless-"))
    try:
        with service(folder, _rootless_command(folder)):
            environment = {"DOCKER_HOST": f"unix://{folder}/run/docker.sock"}
            wait_for_engine(environment, log=folder / "log")
            with connected(environment) as client:
                load(client, archive)
                unlimited = client.info()["CgroupDriver"] == "none"
                waived = ("memory", "swap", "pids", "cpus") if unlimited else ()
                yield Rig(
                    client=client,
                    environment=environment,
                    waived=waived,
                    # root inside is the user itself, so the subordinate ones are counted from 1
                    outer_user=200000 + 65534 - 1,
                )
    finally:
        discard(folder)


def _rootless_command(folder: Path) -> list[str]:
    (folder / "ids").write_text(SUBORDINATE_IDS)
    places = {name: folder / name for name in ("run", "data", "exec", "home", "state")}
    for place in places.values():
        place.mkdir()
        shutil.chown(place, "nobody", "nogroup")
    folder.chmod(0o755)
    alone = ["unshare", "--mount", "--propagation=slave", "sh", "-c", OVER_SUBORDINATE_IDS]
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    home = ["env", f"HOME={places['home']}", f"XDG_RUNTIME_DIR={places['run']}"]
    # the machine's network, as containers have none: it needs no slirp4netns
    kit = ["rootlesskit", "--net=host", "--copy-up=/etc", "--copy-up=/run"]
    kit += [f"--state-dir={places['state']}"]
    mine = 'rm -f /run/docker /run/containerd /run/xtables.lock; exec dockerd "$@"'
    options = [
        "--rootless",
        f"--host=unix://{places['run']}/docker.sock",
        f"--data-root={places['data']}",
        f"--exec-root={places['exec']}",
        f"--pidfile={places['run']}/pid",
        *("--bridge=none", "--iptables=false", "--ip6tables=false"),
    ]
    return [*alone, str(folder / "ids"), *user, *home, *kit, "sh", "-c", mine, "dockerd", *options]


@contextmanager
def podman(archive: Path) -> Iterator[Rig]:
    need("podman", podman="podman", catatonit="catatonit", runc="runc")
    folder = Path(tempfile.mkdtemp(prefix="podman-"))
    places = [f"--root={folder}/root", f"--runroot={folder}/run", f"--tmpdir={folder}/state"]
    # crun refuses a machine with both kinds of cgroups; and there may be no systemd
    kind = ["--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=file"]
    address = f"unix://{folder}/podman.sock"
    try:
        command = ["podman", *places, *kind, "system", "service", "--time=0", address]
        with service(folder, command):
            environment = {"DOCKER_HOST": address}
            wait_for_engine(environment, log=folder / "log")
            with connected(environment) as client:
                load(client, archive)
                yield Rig(
                    client=client,
                    environment=environment,
                    # Podman 4.3's monitor notes an OOM where Podman does not look for it
                    memory_reasons=(FailureReason.OUT_OF_MEMORY, FailureReason.KILLED),
                    # its init is started in any case, and says what it could not find
                    no_command_reasons=(
                        FailureReason.DID_NOT_START,
                        FailureReason.EXITED_EARLY,
                    ),
                )
    finally:
        discard(folder)


KINDS: dict[str, Callable[[Path], Any]] = {
    "tcp": docker_over_tcp,
    "tls": docker_over_tls,
    "ssh": docker_over_ssh,
    "runsc": docker_with_gvisor,
    "userns": docker_with_remapped_users,
    "rootless": rootless_docker,
    "podman": podman,
}
"""The ways to an engine, by the names that HARNESS_TEST_ENGINES takes."""


def wait_for_engine(environment: dict[str, str], *, log: Path) -> None:
    path = environment["DOCKER_HOST"].removeprefix("unix://")

    def answers() -> bool:
        # The SDK leaves a socket open where it is refused, for any later test to be warned of.
        with socket.socket(socket.AF_UNIX) as knocking:
            if knocking.connect_ex(path) != 0:
                return False
        with suppress(EngineError), connected(environment):
            return True
        return False

    wait_until(answers, what="the engine", log=log)


def new_run_id() -> str:
    return secrets.token_hex(6)
