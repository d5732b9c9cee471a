"""How the engine is found, and how each refusal reads."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
import requests
from docker.tls import TLSConfig

from harness.errors import EngineError
from harness.sandbox import engine
from harness.sandbox.engine import Exposure, connect, describe, exposure
from harness.sandbox.engine_address import EngineAddress


@pytest.mark.parametrize(
    ("cause", "said", "remedy"),
    [
        (PermissionError(13, "Permission denied"), "refuses this user", "usermod"),
        (FileNotFoundError(2, "No such file"), "no container engine answers", "DOCKER_HOST"),
        (ConnectionRefusedError(111, "refused"), "no container engine answers", "DOCKER_HOST"),
        (TimeoutError("timed out"), "can't be used: outer", "docker info"),
    ],
)
def test_each_refusal_has_its_remedy(
    monkeypatch: pytest.MonkeyPatch, cause: OSError, said: str, remedy: str
) -> None:
    def refuse(_: EngineAddress) -> None:
        # as the SDK does: the reason is an argument of the cause, not a cause itself
        msg = "outer"
        raise docker.errors.DockerException(msg) from requests.ConnectionError("inner", cause)

    monkeypatch.setenv("DOCKER_HOST", "tcp://example.org:2375")
    monkeypatch.setattr(engine, "EngineClient", refuse)
    with pytest.raises(EngineError) as raised:
        connect()
    assert "tcp://example.org:2375" in str(raised.value)
    assert said in raised.value.one_line()
    assert remedy in raised.value.remedy
    assert "tried" not in str(raised.value)


PLACES = tuple(EngineAddress(url=f"unix:///{name}.sock", origin=name) for name in "abc")


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "engine_addresses", lambda _, *, home: PLACES if home else ())


@pytest.mark.usefixtures("places")
def test_the_first_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def answer(address: EngineAddress) -> str:
        tried.append(address.origin)
        if len(tried) == 1:
            msg = "down"
            raise docker.errors.DockerException(msg, FileNotFoundError(2, "no socket"))
        return f"client of {address.origin}"

    monkeypatch.setattr(engine, "EngineClient", answer)
    assert connect() == "client of b"
    assert tried == ["a", "b"]


@pytest.mark.usefixtures("places")
def test_where_none_answers_all_that_were_tried_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: EngineAddress) -> None:
        msg = f"{address.origin} is down"
        raise docker.errors.DockerException(msg, ConnectionRefusedError(111, "refused"))

    monkeypatch.setattr(engine, "EngineClient", refuse)
    with pytest.raises(EngineError, match="no container engine answers at unix:///a") as raised:
        connect()
    assert "tried unix:///a.sock (a), unix:///b.sock (b), unix:///c.sock (c)" in str(raised.value)


def test_certificates_that_are_not_there_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"tcp://127\.0\.0\.1:1 can't be used") as raised:
        connect()
    assert "DOCKER_HOST" in raised.value.remedy


def test_what_the_machine_says_of_the_web_is_not_used_for_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/somebody/else.pem")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    # a version that is given is not asked for, so nothing is connected to
    api = engine._Api(base_url="tcp://127.0.0.1:1", version="1.41")
    settings = api.merge_environment_settings(f"{api.base_url}/info", {}, None, None, None)
    assert settings["verify"] is True
    assert not settings["proxies"]


def fake_client(version: dict[str, Any], info: dict[str, Any]) -> Any:
    return SimpleNamespace(
        version=lambda: version, info=lambda: info, api=SimpleNamespace(base_url="http://x")
    )


def test_docker_describes_itself() -> None:
    version = {"Components": [{"Name": "Engine"}], "Version": "20.10.24", "ApiVersion": "1.41"}
    info = {
        "Runtimes": {"runsc": {}, "runc": {}},
        "DefaultRuntime": "runc",
        "Driver": "overlay2",
        "CgroupVersion": "2",
        "DockerRootDir": "/var/lib/docker",
        "NCPU": 4,
        "MemTotal": 8 * 2**30,
        "MemoryLimit": True,
        "SwapLimit": False,
        "PidsLimit": True,
    }
    described = describe(fake_client(version, info))
    assert described.summary() == "Docker Engine 20.10.24; does not enforce swap"
    assert described.runtimes == ("runc", "runsc")
    assert described.unenforced == ("swap",)
    assert not described.is_podman
    assert (described.rootless, described.remapped) == (False, False)


@pytest.mark.parametrize(
    ("security", "unenforced"),
    [
        (["name=seccomp,profile=default"], ()),
        (["name=seccomp,profile=builtin", "name=cgroupns"], ()),
        (["name=seccomp,profile=unconfined"], ("seccomp",)),
        (["name=apparmor"], ("seccomp",)),
        ([], ("seccomp",)),
    ],
)
def test_an_engine_without_seccomp_says_so(security: list[str], unenforced: tuple[str]) -> None:
    described = describe(fake_client({"Version": "1"}, {"SecurityOptions": security}))
    assert described.unenforced == unenforced


def test_a_rootless_engine_without_cgroups_says_what_it_lacks() -> None:
    lacking = {"MemoryLimit", "SwapLimit", "PidsLimit", "CpuCfsQuota"}
    info = dict.fromkeys(lacking, False) | {
        "SecurityOptions": ["name=seccomp,profile=default", "name=rootless", "name=userns"]
    }
    described = describe(fake_client({"Version": "20.10.24"}, info))
    assert described.unenforced == ("memory", "swap", "pids", "cpus")
    assert (described.rootless, described.remapped) == (True, True)
    assert described.summary() == (
        "Docker Engine 20.10.24 (rootless); does not enforce memory, swap, pids, cpus"
    )


def test_podman_describes_itself_with_less() -> None:
    version = {"Components": [{"Name": "Podman Engine"}], "Version": "4.3.1"}
    info = {"BuildahVersion": "1.28.2", "Runtimes": {"crun": {}, "runsc": {}}}
    described = describe(fake_client(version, info))
    assert described.summary() == "Podman Engine 4.3.1"
    assert described.default_runtime == "runc"
    assert described.runtimes == ("runc",)
    assert described.unenforced == ()
    assert described.is_podman


def test_an_engine_that_went_away_is_an_error() -> None:
    def gone() -> None:
        msg = "gone"
        raise requests.ConnectionError(msg, ConnectionRefusedError(111, "refused"))

    client: Any = SimpleNamespace(version=gone, api=SimpleNamespace(base_url="http://x"))
    with pytest.raises(EngineError, match="no container engine answers at http://x"):
        describe(client)


@pytest.mark.parametrize(
    ("url", "plain", "unverified"),
    [
        ("unix:///var/run/docker.sock", None, None),
        ("ssh://host", None, None),
        ("tcp://127.0.0.1:2375", None, None),
        ("tcp://192.0.2.1:2375", Exposure.PLAIN, Exposure.UNVERIFIED),
        ("https://192.0.2.1:2376", None, Exposure.UNVERIFIED),
    ],
)
def test_tcp_across_a_network_is_exposed_unless_verified(
    url: str, plain: Exposure | None, unverified: Exposure | None
) -> None:
    client = engine.EngineClient.__new__(engine.EngineClient)
    client.address = EngineAddress(url=url, origin="a test")
    assert exposure(client) is plain
    client.address = EngineAddress(url=url, origin="a test", tls=TLSConfig(verify=True))
    assert exposure(client) is None
    client.address = EngineAddress(url=url, origin="a test", tls=TLSConfig(verify=False))
    assert exposure(client) is unverified
