"""How the engine is found, and how each refusal reads."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
import requests

from harness.errors import EngineError
from harness.sandbox import engine
from harness.sandbox.engine import connect, describe


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
    def refuse(**_: object) -> None:
        # as the SDK does: the reason is an argument of the cause, not a cause itself
        msg = "outer"
        raise docker.errors.DockerException(msg) from requests.ConnectionError("inner", cause)

    monkeypatch.setenv("DOCKER_HOST", "tcp://example.org:2375")
    monkeypatch.setattr(engine.docker, "from_env", refuse)
    with pytest.raises(EngineError) as raised:
        connect()
    assert "tcp://example.org:2375" in str(raised.value)
    assert said in raised.value.one_line()
    assert remedy in raised.value.remedy


def test_docker_host_alone_decides_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def answer(*, timeout: int, environment: dict[str, str]) -> str:
        tried.append(environment["DOCKER_HOST"])
        return f"client after {timeout}"

    monkeypatch.setattr(engine.docker, "from_env", answer)
    monkeypatch.setenv("DOCKER_HOST", "ssh://host")
    assert connect() == f"client after {engine.API_TIMEOUT_SECONDS}"
    assert tried == ["ssh://host"]


def test_a_rootless_socket_is_tried_after_the_systems(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "podman").mkdir()
    (tmp_path / "podman" / "podman.sock").touch()
    tried: list[str] = []

    def answer(*, timeout: int, environment: dict[str, str]) -> str:
        del timeout
        tried.append(environment["DOCKER_HOST"])
        if len(tried) == 1:
            msg = "down"
            raise docker.errors.DockerException(msg, FileNotFoundError(2, "no socket"))
        return "client"

    monkeypatch.setattr(engine.docker, "from_env", answer)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert connect() == "client"
    assert tried == [f"unix://{engine.DEFAULT_SOCKET}", f"unix://{tmp_path}/podman/podman.sock"]


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
    assert described.summary() == "Docker Engine 20.10.24"
    assert described.runtimes == ("runc", "runsc")
    assert described.unenforced == ("swap",)


def test_podman_describes_itself_with_less() -> None:
    version = {"Components": [{"Name": "Podman Engine"}], "Version": "4.3.1"}
    described = describe(fake_client(version, {}))
    assert described.summary() == "Podman Engine 4.3.1"
    assert described.default_runtime == "runc"
    assert described.unenforced == ()


def test_an_engine_that_went_away_is_an_error() -> None:
    def gone() -> None:
        msg = "gone"
        raise requests.ConnectionError(msg, ConnectionRefusedError(111, "refused"))

    client: Any = SimpleNamespace(version=gone, api=SimpleNamespace(base_url="http://x"))
    with pytest.raises(EngineError, match="no container engine answers at http://x"):
        describe(client)
