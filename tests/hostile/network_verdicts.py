"""What becomes of attacks on the network: they see a loopback of their own, and nobody else."""

from attack import Attack, Result, all_refused


def only_loopback(result: Result) -> None:
    found = result.findings
    assert found["interfaces"] == ["lo"]
    assert found["counted"] == ["lo"]
    assert found["routes"] == []
    assert set(found["routes6"]) <= {"lo"}


def met_itself(result: Result) -> None:
    assert result.findings == {"met": "myself"}


def not_connected(result: Result) -> None:
    """Assert that nobody was reached; engines before Docker 23 let such a socket be made."""
    assert result.findings.keys() <= {"vsock", "made"}, result.findings
    assert result.findings.get("vsock", "refused").startswith("refused")


ATTACKS = (
    Attack(name="network.tcp", tries="a TCP connection out", check=all_refused),
    Attack(name="network.tcp6", tries="a TCP connection out over IPv6", check=all_refused),
    Attack(name="network.udp", tries="datagrams out", check=all_refused),
    Attack(name="network.dns", tries="asking for a name", check=all_refused),
    Attack(name="network.raw", tries="raw and packet sockets", check=all_refused),
    Attack(name="network.unix", tries="an abstract socket of the machine", check=all_refused),
    Attack(name="network.vsock", tries="a socket of the hypervisor", check=not_connected),
    Attack(name="network.shadow", tries="serving on a port of the machine", check=met_itself),
    Attack(name="network.interfaces", tries="finding an interface or a route", check=only_loopback),
    Attack(name="network.new_interface", tries="making an interface or a route", check=all_refused),
)
