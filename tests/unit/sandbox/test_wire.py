"""What a connection says of its end."""

import errno
import socket
import ssl

import pytest

from harness.sandbox.wire import Wire


class SilentSocket(socket.socket):
    """Has told its end once, inside the encryption, while the socket itself stays open."""

    told = False

    def recv(self, size, flags=0):
        del size, flags
        if self.told:
            raise BlockingIOError
        self.told = True
        return b""


def test_an_end_that_was_told_is_not_waited_for_again():
    near, far = socket.socketpair()
    with far, SilentSocket(fileno=near.detach()) as connection:
        wire = Wire(connection)
        assert not wire.wait(0, to_write=False).readable
        assert wire.receive() == b""
        assert wire.wait(60, to_write=False).readable
        wire.close()


def test_a_pause_is_no_end():
    near, far = socket.socketpair()
    with far:
        wire = Wire(near)
        assert wire.receive() is None
        assert not wire.wait(0, to_write=False).readable
        far.sendall(b"x")
        assert wire.wait(60, to_write=False).readable
        assert wire.receive() == b"x"
        wire.close()


class LostSocket(socket.socket):
    """Belongs to a connection that failed with `error`."""

    error: OSError

    def recv(self, size, flags=0):
        del size, flags
        raise self.error

    def send(self, data, flags=0):
        del data, flags
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(errno.ECONNRESET, "reset"),
        OSError(errno.ETIMEDOUT, "timed out"),
        OSError(errno.EHOSTUNREACH, "no route to host"),
        ssl.SSLError("bad record"),
    ],
    ids=["reset", "timed-out", "unreachable", "encrypted"],
)
def test_a_lost_connection_ends_like_a_closed_one(error):
    near, far = socket.socketpair()
    with far, LostSocket(fileno=near.detach()) as connection:
        connection.error = error
        wire = Wire(connection)
        with pytest.raises(ConnectionError):
            wire.send(memoryview(b"x"))
        assert wire.receive() == b""
        assert wire.wait(60, to_write=False).readable
        wire.close()
