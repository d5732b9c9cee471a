"""The attached connection of a container, never blocking; nothing of what passes over it."""

import contextlib
import select
import socket
import ssl
from dataclasses import dataclass

RECEIVE_BYTES = 2**18
"""The most that is taken at once."""

_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What a connection can do now."""

    readable: bool
    """Whether bytes, or the end, can be taken."""
    writable: bool
    """Whether bytes can be given."""


class Wire:
    """A socket that carries a container's stdin one way and its framed outputs the other.

    One thread drives it: a TLS connection bears no reading and writing at the same time.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(0)
        self._ended = False
        self._poll = select.poll()

    def wait(self, seconds: float, *, to_write: bool) -> Readiness:
        """Return what is possible, at the latest after `seconds`."""
        # The end of an encrypted connection comes inside it: the socket itself may stay open.
        decrypted = self._ended or (
            isinstance(self._connection, ssl.SSLSocket) and self._connection.pending() > 0
        )
        wanted = select.POLLIN | (select.POLLOUT if to_write else 0)
        self._poll.register(self._connection, wanted)
        milliseconds = 0 if decrypted else max(0, round(seconds * 1000))
        happened = sum(flags for _, flags in self._poll.poll(milliseconds))
        ended = bool(happened & (select.POLLHUP | select.POLLERR))
        return Readiness(
            readable=decrypted or ended or bool(happened & select.POLLIN),
            writable=to_write and bool(happened & select.POLLOUT),
        )

    def receive(self) -> bytes | None:
        """Return what has come, empty at the end of the connection, or None where nothing has."""
        try:
            data = self._connection.recv(RECEIVE_BYTES)
        except _WOULD_BLOCK:
            return None
        except OSError:  # torn, timed out or unreachable, it ends like a closed one:
            data = b""  # what it means is read from the engine's state
        self._ended = not data
        return data

    def send(self, data: memoryview) -> int:
        """Return how many bytes of `data` were given away.

        Raises:
            ConnectionError: The other side takes no more.
        """
        try:
            return self._connection.send(data)
        except _WOULD_BLOCK:
            return 0
        except OSError as error:  # of an encrypted connection, and of a network that went away
            raise BrokenPipeError(str(error)) from error

    def close_write(self) -> None:
        """Tell the other side that no more follows; its answers can still be read."""
        with contextlib.suppress(OSError):  # the other side may have closed already
            # Not SSLSocket.shutdown: that one also gives up decrypting what still comes.
            socket.socket.shutdown(self._connection, socket.SHUT_WR)

    def close(self) -> None:
        """Give up the connection, both ways and whoever else still holds the socket."""
        with contextlib.suppress(OSError):  # it may be gone already
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)
        self._connection.close()
