"""What `harness doctor` says of a machine that has things, and of one that lacks them."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
from click.testing import CliRunner, Result

from harness.cli import machine
from harness.cli.doctor import command
from harness.errors import EngineError
from harness.records.diagnosis import CheckStatus, Diagnosis
from harness.sandbox import engine as engine_module
from harness.sandbox.engine import EngineDescription, Exposure

DESCRIPTION = EngineDescription(
    name="Docker Engine",
    version="20.10",
    api_version="1.41",
    runtimes=("io.containerd.runc.v2", "runc", "runsc"),
    default_runtime="runc",
    storage_driver="overlay2",
    cgroup_version="2",
    root="/nowhere/on/this/machine",
    cpus=2,
    memory_bytes=4 * 2**30,
    address="unix:///run/engine.sock (DOCKER_HOST)",
)


class FakeClient:
    """A client of an engine that has the local base image."""

    def __init__(self) -> None:
        self.closed = False
        self.images = SimpleNamespace(list=self._list)

    def _list(self, name: str = "", **_: object) -> list[Any]:
        if name == "harness-base:bookworm":
            return [SimpleNamespace(tags=[name], attrs={"Size": 143_000_000})]
        return []

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    client = FakeClient()
    monkeypatch.setattr(engine_module, "connect", lambda: client)
    monkeypatch.setattr(engine_module, "describe", lambda _: DESCRIPTION)
    return client


def doctor(workspace: Path, *options: str) -> Result:
    return CliRunner().invoke(command, options, obj=workspace)


def checks(workspace: Path) -> dict[str, Any]:
    result = doctor(workspace, "--format", "json")
    diagnosis = Diagnosis.model_validate_json(result.output)
    return {check.subject: check for check in diagnosis.checks}


def test_a_machine_that_has_an_engine_can_evaluate(client: FakeClient, tmp_path: Path) -> None:
    found = checks(tmp_path)
    assert found["engine"].found == (
        "Docker Engine 20.10 at unix:///run/engine.sock (DOCKER_HOST), with root's rights,"
        " users not remapped, API 1.41, overlay2, cgroup v2, 2 CPUs, 4.0 GiB"
    )
    assert found["runtimes"].found == "runc, runsc (default runc)"
    assert found["base image"].found == "harness-base:bookworm (143 MB)"
    assert found["limits"].status is CheckStatus.OK
    assert "disk: engine" not in found  # its folder is on another machine
    assert client.closed
    assert doctor(tmp_path, "--strict").exit_code == 0


def test_a_machine_without_an_engine_gets_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse() -> None:
        msg = "no engine answers"
        raise EngineError(msg, remedy="Start it.")

    monkeypatch.setattr(engine_module, "connect", refuse)
    found = checks(tmp_path)
    assert found["engine"].status is CheckStatus.MISSING
    assert (found["engine"].found, found["engine"].remedy) == ("no engine answers", "Start it.")
    strict = doctor(tmp_path, "--strict")
    assert isinstance(strict.exception, EngineError)
    assert "engine missing" in str(strict.exception)
    assert doctor(tmp_path).exit_code == 0


@pytest.mark.usefixtures("client")
def test_every_check_that_is_not_ok_has_a_remedy(tmp_path: Path) -> None:
    for check in checks(tmp_path).values():
        assert (check.remedy is None) == (check.status is CheckStatus.OK), check


@pytest.mark.usefixtures("client")
def test_an_engine_that_can_not_limit_is_not_fit_to_evaluate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weak = {**vars(DESCRIPTION), "unenforced": ("swap",), "runtimes": ("runc",), "rootless": True}
    monkeypatch.setattr(engine_module, "describe", lambda _: EngineDescription(**weak))
    found = checks(tmp_path)
    assert found["limits"].found == "this engine does not enforce: swap"
    assert found["limits"].status is CheckStatus.MISSING
    assert "--allow-unenforced swap" in str(found["limits"].remedy)
    assert ", rootless, " in found["engine"].found
    assert found["runtimes"].status is CheckStatus.WARN


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("exposed", "remedy"),
    [(Exposure.PLAIN, "ssh://"), (Exposure.UNVERIFIED, "certificate is not verified")],
)
def test_an_engine_across_an_open_network_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exposed: Exposure, remedy: str
) -> None:
    monkeypatch.setattr(engine_module, "exposure", lambda _: exposed)
    found = checks(tmp_path)
    assert found["engine"].status is CheckStatus.WARN
    assert remedy in str(found["engine"].remedy)


@pytest.mark.parametrize(
    ("version", "status", "said"),
    [
        ("20.10.24+dfsg1", CheckStatus.WARN, "io_uring and AF_VSOCK"),
        ("24.0.7", CheckStatus.WARN, "kernel's io_uring"),
        ("25.0.0", CheckStatus.OK, "Docker 25.0.0"),
    ],
)
@pytest.mark.usefixtures("client")
def test_an_old_filter_of_system_calls_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, status: CheckStatus, said: str
) -> None:
    aged = EngineDescription(**{**vars(DESCRIPTION), "version": version})
    monkeypatch.setattr(engine_module, "describe", lambda _: aged)
    check = checks(tmp_path)["seccomp"]
    assert (check.status, said in check.found) == (status, True)
    assert status is CheckStatus.OK or "--runtime runsc" in str(check.remedy)


def test_an_engine_that_lists_no_images_is_said(client: FakeClient, tmp_path: Path) -> None:
    def fail(**_: object) -> None:
        msg = "broken"
        raise docker.errors.APIError(msg)

    client.images.list = fail
    found = checks(tmp_path)
    assert found["images"].status is CheckStatus.MISSING
    assert "broken" in found["images"].found
    assert "gpu" in found


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(("url", "here"), [("unix:///run/a.sock", True), ("ssh://box", False)])
def test_only_an_engine_of_this_machine_has_its_disk_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, *, here: bool
) -> None:
    described = {**vars(DESCRIPTION), "root": str(tmp_path), "address": f"{url} (DOCKER_HOST)"}
    monkeypatch.setattr(engine_module, "describe", lambda _: EngineDescription(**described))
    assert ("disk: engine" in checks(tmp_path)) is here


@pytest.mark.usefixtures("client")
def test_a_driver_that_may_not_be_asked_names_no_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "nvidia-smi"
    program.mkdir(parents=True)  # nobody may execute a folder, root included
    monkeypatch.setenv("PATH", str(program.parent))
    assert checks(tmp_path)["gpu"].status is CheckStatus.WARN


@pytest.mark.usefixtures("client")
def test_a_cache_with_links_to_nothing_has_its_size(tmp_path: Path) -> None:
    cache = tmp_path / ".cache" / "weights"
    cache.mkdir(parents=True)
    (cache / "w").write_bytes(b"0" * 500)
    (cache / "gone").symlink_to(tmp_path / "nothing")
    (cache / "round").symlink_to(cache / "round")
    assert "weights 500 B" in checks(tmp_path)["cache"].found


@pytest.mark.usefixtures("client")
def test_gpus_are_named_by_the_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def driver(*_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(returncode=0, stdout="GPU A, 80 GiB, 1\nGPU B, 80 GiB, 1\n")

    monkeypatch.setattr(subprocess, "run", driver)
    assert checks(tmp_path)["gpu"].found == "GPU A, 80 GiB, 1; GPU B, 80 GiB, 1"


@pytest.mark.usefixtures("client")
def test_a_low_disk_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = SimpleNamespace(free=1_500_000_000, total=10_000_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    check = checks(tmp_path / "not" / "made" / "yet")["disk: workspace"]
    assert check.status is CheckStatus.WARN
    assert check.found.startswith("1.5 GB free of 10.0 GB")


@pytest.mark.usefixtures("client")
def test_the_workspace_is_described(tmp_path: Path) -> None:
    for name, size in (
        (".cache/wheels/x/a.whl", 2_000_000),
        (".cache/weights/w", 500),
        ("benchmark_data/mini/benchmark.json", 2),
        ("leaderboard/results.duckdb", 1234),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0" * size)
    found = checks(tmp_path)
    assert "wheels 2 MB, weights 500 B" in found["cache"].found
    assert found["benchmarks"].found == "built: mini"
    assert found["results"].found.endswith("results.duckdb (1 kB)")


@pytest.mark.usefixtures("client")
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        machine.importlib.metadata, "requires", lambda _: ["no-such-package>=1", 'x; extra == "d"']
    )
    check = checks(tmp_path)["packages"]
    assert check.status is CheckStatus.MISSING
    assert check.found == "not installed: no-such-package"


@pytest.mark.usefixtures("client")
def test_the_three_formats_say_the_same(tmp_path: Path) -> None:
    subjects = [
        c["subject"] for c in json.loads(doctor(tmp_path, "--format", "json").output)["checks"]
    ]
    rows = list(csv.DictReader(io.StringIO(doctor(tmp_path, "--format", "csv").output)))
    assert [row["subject"] for row in rows] == subjects
    table = doctor(tmp_path).output
    assert all(subject in table for subject in subjects)
