"""The way over SSH to an engine: how it ends, and how each refusal reads."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engines import need
from ssh_server import SshServer

from harness.errors import EngineError
from harness.sandbox.engine import connect
from harness.sandbox.engine_tunnel import EngineTunnel, parse_ssh_address

pytestmark = pytest.mark.docker
PATIENCE_SECONDS = 20.0


@pytest.fixture(autouse=True)
def ssh_is_installed():
    need("ssh", sshd="openssh-server", ssh="openssh-client")


@pytest.fixture
def way(monkeypatch):
    """Returns an open way to a socket by an SSH server that is as it is told to be."""

    def open_way(server: SshServer, path: str = "") -> EngineTunnel:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        return EngineTunnel(parse_ssh_address(f"{server.address}{path}"))

    return open_way


@pytest.fixture
def far_socket(tmp_path):
    path = tmp_path / "far.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(PATIENCE_SECONDS)
        yield listener, str(path)


def near_end(tunnel: EngineTunnel) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE_SECONDS)
    connection.connect(tunnel.address.removeprefix("unix://"))
    return connection


def test_an_end_of_input_passes_while_the_other_way_stays_open(way, far_socket):
    listener, path = far_socket
    with SshServer() as server:
        tunnel = way(server, path)
        with near_end(tunnel) as near:
            far, _ = listener.accept()
            with far:
                far.settimeout(PATIENCE_SECONDS)
                near.sendall(b"question")
                near.shutdown(socket.SHUT_WR)
                assert read_all(far) == b"question"
                far.sendall(b"answer")
                far.shutdown(socket.SHUT_WR)
                assert read_all(near) == b"answer"
        tunnel.close()


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_closed_way_leaves_nothing(way, far_socket):
    with SshServer() as server:
        tunnel = way(server, far_socket[1])
        folder = Path(tunnel.address.removeprefix("unix://")).parent
        assert (folder.stat().st_mode & 0o777) == 0o700
        tunnel.close()
        tunnel.close()

        assert not folder.exists()
        assert processes_naming(folder) == []


def test_what_a_user_forwards_and_forks_for_is_no_obstacle(way, far_socket):
    # another login has taken the port; in the background `ssh` would be out of reach
    taken = {"LocalForward": "127.0.0.1:{port} 127.0.0.1:1", "ExitOnForwardFailure": "yes"}
    with SshServer(personal=taken | {"ForkAfterAuthentication": "yes"}) as server:
        tunnel = way(server, far_socket[1])
        folder = Path(tunnel.address.removeprefix("unix://")).parent
        with near_end(tunnel):
            far_socket[0].accept()[0].close()
        tunnel.close()

        assert processes_naming(folder) == []


HOLDER = """
import sys, time
from harness.sandbox.engine import connect
from harness.sandbox.engine_tunnel import EngineTunnel, parse_ssh_address
tunnel = EngineTunnel(parse_ssh_address(sys.argv[1]))
print(tunnel.address, flush=True)
time.sleep(60)
"""


def test_the_way_ends_with_a_killed_harness(far_socket):
    with SshServer() as server:
        command = [sys.executable, "-c", HOLDER, f"{server.address}{far_socket[1]}"]
        environment = os.environ | server.environment
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as harness:
            address = harness.stdout.readline().decode().strip()
            folder = Path(address.removeprefix("unix://")).parent
            assert processes_naming(folder) != []
            harness.kill()
        until = time.monotonic() + PATIENCE_SECONDS
        while (folder.exists() or processes_naming(folder)) and time.monotonic() < until:
            time.sleep(0.05)

        assert not folder.exists()
        assert processes_naming(folder) == []


def processes_naming(folder: Path) -> list[bytes]:
    found = []
    for status in Path("/proc").glob("[0-9]*"):
        try:
            command = (status / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if str(folder).encode() in command:
            found.append(command)
    return found


@pytest.mark.parametrize(
    ("server", "said", "remedy"),
    [
        ({"known": False}, "Host key verification failed", "accept it"),
        ({"admitted": False}, "Permission denied", "authorized_keys"),
    ],
)
def test_a_login_that_is_refused_says_why(way, server, said, remedy):
    with SshServer(**server) as refusing, pytest.raises(EngineError, match=said) as raised:
        way(refusing)

    assert remedy in raised.value.remedy


def test_a_server_that_does_not_answer_is_said(way):
    server = SshServer()
    with server:
        pass

    with pytest.raises(EngineError, match="Connection refused") as raised:
        way(server)
    assert "SSH server" in raised.value.remedy


@pytest.mark.parametrize("forwards", [True, False])
def test_a_way_that_leads_nowhere_is_said(monkeypatch, forwards):
    with SshServer(forwards=forwards) as leading_nowhere:
        for name, value in leading_nowhere.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DOCKER_HOST", f"{leading_nowhere.address}/no/such/engine.sock")
        with pytest.raises(EngineError, match="no engine answers at /no/such") as raised:
            connect()

    assert "ls -l /no/such/engine.sock" in raised.value.remedy
    assert "AllowStreamLocalForwarding" in raised.value.remedy
