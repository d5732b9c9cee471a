"""Ways out over a network; every one aims at the suite's own listeners on the loopback address."""

import fcntl
import os
import socket
import struct
from pathlib import Path

import speak

LOCALHOST = "127.0.0.1"
PATIENCE = 2.0
AF_VSOCK, VMADDR_CID_LOCAL = 40, 1
SIOCSIFADDR, SIOCSIFFLAGS, SIOCADDRT = 0x8916, 0x8914, 0x890B
RTM_NEWLINK, NLM_F_REQUEST_ACK_CREATE = 16, 0x1 | 0x4 | 0x400


def port(name: str) -> int:
    """Return the port of the suite's listener `name`."""
    return int(os.environ[f"HOSTILE_{name.upper()}"])


def connect(family: int, address: object) -> str:
    """Connect to `address` and say hello."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(PATIENCE)
        client.connect(address)
        client.sendall(b"hello from inside")
        return "connected"


def tcp() -> None:
    speak.report_attempts({"tcp": lambda: connect(socket.AF_INET, (LOCALHOST, port("tcp")))})


def tcp6() -> None:
    six = os.environ.get("HOSTILE_TCP6", "9")
    speak.report_attempts({"tcp6": lambda: connect(socket.AF_INET6, ("::1", int(six)))})


def send_twice(message: bytes) -> str:
    """Send a datagram, and a second one, which tells what became of the first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect((LOCALHOST, port("udp")))
        client.send(message)
        client.send(message)
        return "sent"


def udp() -> None:
    speak.report_attempts({"udp": lambda: send_twice(b"hello from inside")})


def dns() -> None:
    """Ask for a name: by hand at the listener, and through the resolver where none can hear it."""
    query = struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + b"\x07hostile\x07invalid\0" + b"\0\1\0\1"
    deeds = {"by hand": lambda: send_twice(query)}
    if [name for _, name in socket.if_nameindex()] == ["lo"]:
        deeds["resolver"] = lambda: socket.getaddrinfo("hostile.invalid", 80)
    speak.report_attempts(deeds)


def raw() -> None:
    kinds = {
        "icmp": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "raw": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
        "raw6": (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
        "packet": (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)),
    }
    speak.report_attempts(
        {name: lambda kind=kind: socket.socket(*kind) for name, kind in kinds.items()}
    )


def unix() -> None:
    name = f"\0{os.environ['HOSTILE_UNIX']}"
    speak.report_attempts({"abstract": lambda: connect(socket.AF_UNIX, name)})


def vsock() -> None:
    """Reach for the hypervisor's sockets, which no network namespace holds.

    Without the loopback's driver a connection would knock at the hypervisor's own door, which is
    none of the suite's: then making a socket is all that is tried.
    """
    if Path("/sys/module/vsock_loopback").exists() and "HOSTILE_VSOCK" in os.environ:
        place = (VMADDR_CID_LOCAL, port("vsock"))
        speak.report_attempts({"vsock": lambda: connect(AF_VSOCK, place)})
        return
    speak.report({"made": speak.attempt(lambda: socket.socket(AF_VSOCK, socket.SOCK_STREAM))})
    speak.ready()
    speak.behave()


def shadow() -> None:
    """Serve on the port of the suite's own listener, and visit it: inside, it must be another."""
    with socket.create_server((LOCALHOST, port("tcp"))) as server:
        client = socket.create_connection((LOCALHOST, port("tcp")), PATIENCE)
        inside, _ = server.accept()
        inside.sendall(b"myself")
        speak.report({"met": client.recv(100).decode()})
    speak.ready()
    speak.behave()


def interfaces() -> None:
    """Look for a way out of the machine's network, of whatever kind."""
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    six = [line.split()[-1] for line in Path("/proc/net/ipv6_route").read_text().splitlines()]
    speak.report(
        {
            "interfaces": [name for _, name in socket.if_nameindex()],
            "counted": sorted(p.name for p in Path("/sys/class/net").iterdir()),
            "routes": routes,
            "routes6": sorted(set(six)),
        }
    )
    speak.ready()
    speak.behave()


def new_interface() -> None:
    """Make an interface, give the loopback another address, and route through it."""
    speak.report_attempts(
        {"address": set_address, "link": add_link, "route": add_route, "down": down}
    )


def request(number: int, data: bytes) -> str:
    """Ask the kernel to change an interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, number, data)
    return "changed"


def set_address() -> str:
    address = struct.pack("H2s4s8s", socket.AF_INET, b"", socket.inet_aton("127.0.0.2"), b"")
    return request(SIOCSIFADDR, b"lo".ljust(16, b"\0") + address)


def down() -> str:
    return request(SIOCSIFFLAGS, b"lo".ljust(16, b"\0") + struct.pack("H", 0).ljust(16, b"\0"))


def add_route() -> str:
    return request(SIOCADDRT, bytes(120))


def add_link() -> str:
    """Add an interface of the kind `dummy` over netlink."""
    kind = struct.pack("HH", 10, 1) + b"dummy\0\0\0"[:6]
    info = struct.pack("HH", 4 + 12, 18) + kind.ljust(12, b"\0")
    body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + info
    message = struct.pack("IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST_ACK_CREATE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as link:
        link.sendall(message + body)
        answer = link.recv(4096)
    number = -struct.unpack_from("i", answer, 16)[0]
    if number:
        raise OSError(number, os.strerror(number))
    return "added"
