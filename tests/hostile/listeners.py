"""What attacks on the network aim at: listeners of the suite's own on this machine's loopback."""

import selectors
import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Thread

LOCALHOST = "127.0.0.1"


class Listeners:
    """TCP, UDP, IPv6, hypervisor and abstract Unix sockets that write down whoever comes by."""

    def __init__(self, mark: str) -> None:
        """Listen; the Unix socket's name is `mark`."""
        self.seen: list[str] = []
        self._sockets = {"tcp": _bound(socket.AF_INET, socket.SOCK_STREAM, (LOCALHOST, 0))}
        self._sockets["udp"] = _bound(socket.AF_INET, socket.SOCK_DGRAM, (LOCALHOST, 0))
        self._sockets["unix"] = _bound(socket.AF_UNIX, socket.SOCK_STREAM, f"\0hostile-{mark}")
        if socket.has_ipv6:
            self._sockets["tcp6"] = _bound(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
        with suppress(OSError):  # a kernel without hypervisor sockets
            anywhere = (socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY)
            self._sockets["vsock"] = _bound(socket.AF_VSOCK, socket.SOCK_STREAM, anywhere)
        self._over = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def environment(self) -> Mapping[str, str]:
        """Return where they listen, as attacks are told."""
        ports = {
            f"HOSTILE_{name.upper()}": str(listening.getsockname()[1])
            for name, listening in self._sockets.items()
            if name != "unix"
        }
        return ports | {"HOSTILE_UNIX": self._sockets["unix"].getsockname()[1:].decode()}

    def close(self) -> None:
        """Stop listening."""
        self._over.set()
        self._thread.join()
        for listening in self._sockets.values():
            listening.close()

    def _watch(self) -> None:
        with selectors.DefaultSelector() as ready:
            for name, listening in self._sockets.items():
                ready.register(listening, selectors.EVENT_READ, name)
            while not self._over.is_set():
                for key, _ in ready.select(0.1):
                    self._take(key.data, self._sockets[key.data])

    def _take(self, name: str, listening: socket.socket) -> None:
        if name == "udp":
            self.seen.append(f"{name}: {listening.recv(100)!r}")
            return
        visitor, _ = listening.accept()
        self.seen.append(f"{name}: a connection")
        visitor.close()


def _bound(family: int, kind: int, address: object) -> socket.socket:
    made = socket.socket(family, kind)
    made.bind(address)
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made
