"""Where an engine is looked for: the order, the docker command's contexts, and bad settings."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from harness.errors import EngineError
from harness.sandbox import engine_address
from harness.sandbox.engine_address import SYSTEM_SOCKET, EngineAddress, engine_addresses

SYSTEM = EngineAddress(url=f"unix://{SYSTEM_SOCKET}", origin="the system's Docker")


def write_context(home: Path, name: str, endpoint: Any, *, tls: bool = False) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    file = home / ".docker" / "contexts" / "meta" / digest / "meta.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"Name": name, "Endpoints": endpoint}))
    if tls:
        folder = home / ".docker" / "contexts" / "tls" / digest / "docker"
        folder.mkdir(parents=True)
        for part in ("ca", "cert", "key"):
            (folder / f"{part}.pem").touch()


def choose(home: Path, settings: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(settings)


@pytest.fixture(autouse=True)
def no_podman_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine_address, "SYSTEM_PODMAN_SOCKET", tmp_path / "none")


def test_docker_host_alone_decides_where_it_is_set(tmp_path: Path) -> None:
    choose(tmp_path, '{"currentContext": "colima"}')
    write_context(tmp_path, "colima", {"docker": {"Host": "unix:///colima.sock"}})
    environment = {"DOCKER_HOST": "ssh://host", "DOCKER_CONTEXT": "colima"}
    found = engine_addresses(environment, home=tmp_path)
    assert found == (EngineAddress(url="ssh://host", origin="DOCKER_HOST"),)


def test_docker_host_with_tls_brings_its_certificates(tmp_path: Path) -> None:
    for part in ("ca", "cert", "key"):
        (tmp_path / f"{part}.pem").touch()
    environment = {
        "DOCKER_HOST": "tcp://host:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }
    (found,) = engine_addresses(environment, home=tmp_path)
    assert found.tls is not None
    assert found.tls.cert == (f"{tmp_path}/cert.pem", f"{tmp_path}/key.pem")
    assert found.tls.ca_cert == f"{tmp_path}/ca.pem"
    assert found.tls.verify is True


@pytest.mark.parametrize("by_variable", [True, False])
def test_the_chosen_context_is_the_only_one_tried(tmp_path: Path, *, by_variable: bool) -> None:
    chosen, other = ("colima", "other") if by_variable else ("other", "colima")
    write_context(tmp_path, "colima", {"docker": {"Host": "unix:///colima.sock"}})
    write_context(tmp_path, "other", {"docker": {"Host": "unix:///other.sock"}})
    choose(tmp_path, json.dumps({"currentContext": "other"}))
    environment = {"DOCKER_CONTEXT": "colima"} if by_variable else {}
    found = engine_addresses(environment, home=tmp_path)
    url = f"unix:///{chosen}.sock"
    assert found == (EngineAddress(url=url, origin=f"the docker context {chosen!r}"),)
    assert other not in str(found[0])


@pytest.mark.parametrize(("skips", "verifies"), [(False, True), (True, False)])
def test_a_context_brings_its_certificates(tmp_path: Path, *, skips: bool, verifies: bool) -> None:
    endpoint = {"docker": {"Host": "tcp://host:2376", "SkipTLSVerify": skips}}
    write_context(tmp_path, "far", endpoint, tls=True)
    (found,) = engine_addresses({"DOCKER_CONTEXT": "far"}, home=tmp_path)
    assert found.tls is not None
    assert found.tls.verify is verifies
    assert Path(found.tls.cert[0]).name == "cert.pem"


def test_the_settings_may_lie_elsewhere(tmp_path: Path) -> None:
    write_context(tmp_path, "far", {"docker": {"Host": "tcp://host:2375"}})
    environment = {"DOCKER_CONFIG": str(tmp_path / ".docker"), "DOCKER_CONTEXT": "far"}
    (found,) = engine_addresses(environment, home=tmp_path / "elsewhere")
    assert (found.url, found.tls) == ("tcp://host:2375", None)


@pytest.mark.parametrize("endpoint", [{}, {"docker": {}}, {"docker": "here"}, ["docker"]])
def test_a_context_without_an_address_is_said(tmp_path: Path, endpoint: Any) -> None:
    write_context(tmp_path, "odd", endpoint)
    with pytest.raises(EngineError, match=r"context 'odd'.*can't be read") as raised:
        engine_addresses({"DOCKER_CONTEXT": "odd"}, home=tmp_path)
    assert "docker context ls" in raised.value.remedy


def test_a_context_that_is_not_there_is_said(tmp_path: Path) -> None:
    choose(tmp_path, '{"currentContext": "gone"}')
    with pytest.raises(EngineError, match="no docker context 'gone'") as raised:
        engine_addresses({}, home=tmp_path)
    assert "docker context use" in raised.value.remedy


@pytest.mark.parametrize("settings", ["{}", '{"currentContext": "default"}', "[]", "null"])
def test_without_a_choice_the_systems_socket_comes_first(tmp_path: Path, settings: str) -> None:
    choose(tmp_path, settings)
    found = engine_addresses({"XDG_RUNTIME_DIR": str(tmp_path)}, home=tmp_path)
    assert found == (SYSTEM,)


def test_settings_that_are_no_json_are_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    choose(tmp_path, "{")
    with caplog.at_level(logging.WARNING):
        found = engine_addresses({"XDG_RUNTIME_DIR": str(tmp_path)}, home=tmp_path)
    assert found == (SYSTEM,)
    assert "config.json can't be read" in caplog.text


def test_then_rootless_docker_then_podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = tmp_path / "system-podman.sock"
    podman.touch()
    monkeypatch.setattr(engine_address, "SYSTEM_PODMAN_SOCKET", podman)
    for name in ("podman/podman.sock", ".docker/run/docker.sock", "docker.sock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = engine_addresses({"XDG_RUNTIME_DIR": str(tmp_path)}, home=tmp_path)
    assert [address.url for address in found] == [
        SYSTEM.url,
        f"unix://{tmp_path}/docker.sock",
        f"unix://{tmp_path}/.docker/run/docker.sock",
        f"unix://{tmp_path}/podman/podman.sock",
        f"unix://{podman}",
    ]
