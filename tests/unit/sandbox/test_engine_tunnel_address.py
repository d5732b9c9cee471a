"""What an ssh:// address says, and which are refused."""

import pytest

from harness.errors import EngineError
from harness.sandbox.engine_tunnel import REMOTE_SOCKET, EngineTunnel, SshTarget, parse_ssh_address


def target(
    host: str, *, user: str | None = None, port: int | None = None, socket: str = REMOTE_SOCKET
) -> SshTarget:
    return SshTarget(host=host, user=user, port=port, socket=socket)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ssh://host", target("host")),
        ("ssh://host/", target("host")),
        ("ssh://ann@host:2222", target("host", user="ann", port=2222)),
        (
            "ssh://ann@host/run/user/1000/docker.sock",
            target("host", user="ann", socket="/run/user/1000/docker.sock"),
        ),
        ("ssh://ann@[::1]:22", target("::1", user="ann", port=22)),
        ("ssh://Ann@GPU-Box:22", target("GPU-Box", user="Ann", port=22)),
        ("ssh://[FE80::1]/run/a.sock", target("FE80::1", socket="/run/a.sock")),
        ("ssh://ann%40lab@host", target("host", user="ann@lab")),
    ],
)
def test_an_address_is_read(url: str, expected: SshTarget) -> None:
    assert parse_ssh_address(url) == expected


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ssh://", "names no host"),
        ("tcp://host", "names no host"),
        ("ssh://host:ssh", "Port"),
        ("ssh://host?x=1", "nothing may follow"),
        ("ssh://-oProxyCommand=true", "begin with"),
        ("ssh://-l@host", "begin with"),
        ("ssh://host/a:b", "no colon"),
    ],
)
def test_what_is_no_address_is_refused(url: str, said: str) -> None:
    with pytest.raises(EngineError, match=said) as raised:
        parse_ssh_address(url)
    assert "ssh://USER@HOST" in raised.value.remedy


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(EngineError, match="holds a password") as raised:
        parse_ssh_address("ssh://ann:secret@host")
    assert "secret" not in raised.value.one_line()


def test_a_machine_without_ssh_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match="no `ssh` here") as raised:
        EngineTunnel(target("host"))
    assert "openssh-client" in raised.value.remedy
