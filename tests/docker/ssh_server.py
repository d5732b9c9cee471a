"""An SSH server of a test's own on 127.0.0.1, with keys made on the spot; nothing of engines."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pytest
from engine_services import free_port

START_SECONDS = 20.0


class SshServer:
    """An `sshd` at a free port that lets this user in by a key of its own.

    `ssh` looks into the user's own home whatever HOME says, so a program of that name, found first,
    hands it the test's settings; `environment` leads there.
    """

    def __init__(
        self,
        *,
        known: bool = True,
        admitted: bool = True,
        forwards: bool = True,
        personal: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare one; `known`: the client knows its key; `admitted`: it knows the client's.

        `personal` is what a user's ~/.ssh/config says besides, `{port}` being the server's.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="sshd-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self._write_keys(known=known, admitted=admitted)
        self._write_settings(forwards=forwards, personal=personal or {})

    @property
    def address(self) -> str:
        """Where it is, as DOCKER_HOST takes it, without the path of a socket."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What lets `ssh` in."""
        return {"PATH": f"{self._folder}/bin:{os.environ['PATH']}"}

    def __enter__(self) -> "SshServer":
        program = shutil.which("sshd") or "/usr/sbin/sshd"
        Path("/run/sshd").mkdir(exist_ok=True)  # where it shuts its unprivileged half in
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-D", "-e", "-f", self._folder / "sshd_config"], stderr=log
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                said = (self._folder / "log").read_text()
                self._end()  # nobody leaves what was not entered
                pytest.fail(f"sshd did not come up: {said}")
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self._port)) == 0

    def _write_keys(self, *, known: bool, admitted: bool) -> None:
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._folder / name]
            subprocess.run(command, check=True)
        public = (self._folder / "host.pub").read_text()
        lines = f"[127.0.0.1]:{self._port} {public}" if known else ""
        (self._folder / "known_hosts").write_text(lines)
        authorized = (self._folder / "user.pub").read_text() if admitted else ""
        (self._folder / "authorized_keys").write_text(authorized)

    def _write_settings(self, *, forwards: bool, personal: Mapping[str, str]) -> None:
        server = {
            "ListenAddress": "127.0.0.1",
            "Port": self._port,
            "HostKey": self._folder / "host",
            "AuthorizedKeysFile": self._folder / "authorized_keys",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "AllowStreamLocalForwarding": "yes" if forwards else "no",
        }
        client = {
            "IdentityFile": self._folder / "user",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self._folder / "known_hosts",
            "GlobalKnownHostsFile": "none",
        } | {key: value.format(port=self._port) for key, value in personal.items()}
        for name, settings in (("sshd_config", server), ("ssh_config", client)):
            lines = [f"{key} {value}\n" for key, value in settings.items()]
            (self._folder / name).write_text("".join(lines))
        wrapper = self._folder / "bin" / "ssh"
        wrapper.parent.mkdir()
        ssh = shutil.which("ssh")
        wrapper.write_text(f'#!/bin/sh\nexec {ssh} -F {self._folder}/ssh_config "$@"\n')
        wrapper.chmod(0o755)
