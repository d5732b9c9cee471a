"""A way over SSH to another machine's engine: a Unix socket here that leads to its socket there.

The Docker SDK's own SSH gives a connection no end of input, which the prediction stream needs; the
system's `ssh` carries one. It reads the user's own ~/.ssh/config, agent and known hosts.
"""

import os
import shutil
import subprocess
import tempfile
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from harness.errors import EngineError

OPEN_SECONDS = 40.0
"""How long the way may take to open; `ssh` itself gives up on connecting earlier."""
REMOTE_SOCKET = "/var/run/docker.sock"
_NO_SOCKET = "Could not request local forwarding"
_LOOK_SECONDS = 0.02
_CLOSE_SECONDS = 5.0
_OPTIONS = (
    # nobody is there to answer a question
    "BatchMode=yes",
    "ConnectTimeout=20",
    # what the user's settings forward besides may be another login's; ours shows by its socket
    "ExitOnForwardFailure=no",
    # a connection of its own, which ends when it is told to
    "ControlMaster=no",
    "ControlPath=none",
    # a peer that is gone is noticed within a minute
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    # whatever the user's settings say for logging in by hand
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    # its words are read below, and must not be the user's language or colours
    "LogLevel=INFO",
)
_STAY = "ForkAfterAuthentication=no"
"""The user's settings may send `ssh` into the background, out of its guard's reach."""
_GUARD = """
folder=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
tunnel=$!
{ read -r _ <&3; rm -rf "$folder"; kill -9 "$tunnel" 2>/dev/null; } &
watcher=$!
wait "$tunnel"; status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"""
"""Runs `ssh` until its own standard input ends: the kernel closes that when the harness dies, in
whatever way. The folder of the socket goes too. (A gentler signal is lost on an `ssh` that has just
logged in: it ignores it for a moment.)"""


@dataclass(frozen=True, kw_only=True)
class SshTarget:
    """What an `ssh://` address says."""

    host: str
    """The host as ~/.ssh/config or the network knows it."""
    user: str | None
    """The user to log in as; None leaves it to ~/.ssh/config."""
    port: int | None
    """The port; None leaves it to ~/.ssh/config."""
    socket: str
    """The engine's socket on that machine."""

    def __str__(self) -> str:
        """Return it as `ssh` takes it."""
        return f"{self.user}@{self.host}" if self.user else self.host


def parse_ssh_address(url: str) -> SshTarget:
    """Return what `ssh://[USER@]HOST[:PORT][/PATH/TO/SOCKET]` says.

    Raises:
        EngineError: It is no such address.
    """
    try:
        parts = urlsplit(url)
        host, port = _host(parts), parts.port
    except ValueError as error:
        raise _unreadable(url, str(error)) from error
    user = unquote(parts.username) if parts.username else None
    if parts.scheme != "ssh" or not host:
        raise _unreadable(url, "it names no host")
    if parts.password is not None:
        url = url.replace(f":{parts.password}@", ":...@")
        raise _unreadable(url, "it holds a password, and only keys are used")
    if parts.query or parts.fragment:
        raise _unreadable(url, "nothing may follow the path of the socket")
    # to ssh, what begins with a dash is an option
    if host.startswith("-") or (user or "").startswith("-"):
        raise _unreadable(url, "host and user begin with a letter or a digit")
    path = unquote(parts.path)
    if ":" in path or "\n" in path:
        raise _unreadable(url, "a socket's path holds no colon")
    socket = path if path not in ("", "/") else REMOTE_SOCKET
    return SshTarget(host=host, user=user, port=port, socket=socket)


class EngineTunnel:
    """An open way to another machine's engine; it ends when it is closed or this process ends."""

    def __init__(self, target: SshTarget) -> None:
        """Open the way.

        Raises:
            EngineError: `ssh` is not installed, or can't log in.
        """
        self._target = target
        program = shutil.which("ssh")
        if program is None:
            msg = f"the engine at {target} is reached over SSH, and there is no `ssh` here"
            raise EngineError(
                msg,
                remedy="Install it (Debian: `apt-get install openssh-client`).",
            )
        # A socket's path must be short, so it does not lie in the workspace.
        self._folder = Path(tempfile.mkdtemp(prefix="harness-ssh-"))
        self._process = self._start(program)
        self._finalizer = weakref.finalize(self, _end, self._process, self._folder)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """Where the engine answers on this machine."""
        return f"unix://{self._socket}"

    def close(self) -> None:
        """End it and remove its socket; a second time does nothing."""
        self._finalizer()

    def refusal(self) -> EngineError | None:
        """Return why the far end connects nobody to its engine, or None where `ssh` is silent."""
        said = self._said()
        if "open failed" not in said:
            return None
        target = self._target
        # An SSH server says the same of a socket that is not there and of one it leads nobody to.
        return EngineError(
            f"no engine answers at {target.socket} on {target}: {_last_line(said)}",
            remedy=f"See with `ssh {target} ls -l {target.socket}` that it is there and that the "
            "user may use it (another path is given as ssh://USER@HOST/path/to/docker.sock), and "
            "that its sshd_config does not say `AllowStreamLocalForwarding no` or "
            "`DisableForwarding yes`.",
        )

    @property
    def _socket(self) -> Path:
        return self._folder / "engine.sock"

    def _start(self, program: str) -> subprocess.Popen[bytes]:
        target = self._target
        options = [word for option in _OPTIONS for word in ("-o", option)]
        options += ["-o", _STAY] if _knows(program, _STAY) else []
        options += ["-p", str(target.port)] if target.port else []
        options += ["-l", target.user] if target.user else []
        way = ["-L", f"{self._socket}:{target.socket}"]
        command = [program, "-N", "-T", *options, *way, "--", target.host]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "harness-tunnel", str(self._folder), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
                # Ctrl-C is for the harness, which still needs the way to remove its container
                start_new_session=True,
            )

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _said(self) -> str:
        try:
            return self._log.read_text(errors="replace")
        except FileNotFoundError:  # it has been closed
            return ""

    def _wait(self) -> None:
        until = time.monotonic() + OPEN_SECONDS
        while not self._socket.exists():
            if self._process.poll() is not None or _NO_SOCKET in self._said():
                raise _unopened(self._target, self._said())
            if time.monotonic() > until:
                raise _unopened(self._target, f"nothing happened for {OPEN_SECONDS:.0f} s")
            time.sleep(_LOOK_SECONDS)


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.stdin is not None:
        process.stdin.close()  # its guard sees it and ends `ssh`
    try:
        process.wait(_CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _host(parts: SplitResult) -> str:
    """Return the host of an address as it was written: ~/.ssh/config tells capitals apart."""
    if not parts.hostname:
        return ""
    where = parts.netloc.rpartition("@")[2]
    return where[1:].partition("]")[0] if where.startswith("[") else where.partition(":")[0]


def _knows(program: str, option: str) -> bool:
    """Return whether this `ssh` knows `option`; an older one refuses what it does not know.

    IgnoreUnknown would take the place of the user's own.
    """
    command = [program, "-o", option, "-V"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _unreadable(url: str, why: str) -> EngineError:
    return EngineError(
        f"the engine's address {url} can't be used: {why}",
        remedy="Write it as ssh://USER@HOST, ssh://USER@HOST:PORT, or with the path of the socket "
        "on that machine behind it.",
    )


def _unopened(target: SshTarget, said: str) -> EngineError:
    """Return why `ssh` could not log in, from its own words."""
    port = f" -p {target.port}" if target.port else ""
    by_hand = f"ssh{port} {target}"
    remedies = {
        "Host key verification failed": f"Log in once by hand (`{by_hand}`), compare the host key "
        "that it shows, and accept it.",
        "Permission denied": f"Let `{by_hand}` log in without a question: put your key into its "
        "~/.ssh/authorized_keys and, where it has a passphrase, into your agent (`ssh-add`).",
        "Could not resolve": "Correct the host's name in the address or in ~/.ssh/config.",
        "Connection refused": "Start its SSH server, or name its port: ssh://USER@HOST:PORT.",
        "timed out": "See that the host is up and that no firewall stands between.",
    }
    remedy = next(
        (remedy for words, remedy in remedies.items() if words in said),
        f"See that `{by_hand}` works without a question.",
    )
    return EngineError(f"{target} can't be reached over SSH: {_last_line(said)}", remedy=remedy)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "ssh says nothing"
