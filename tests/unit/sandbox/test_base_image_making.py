"""Making a base image: what is checked before, what is left out, what a failure leaves behind."""

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import DiskFullError, EngineError, ImageBuildError, PermissionRefusedError
from harness.sandbox import base_image_making
from harness.sandbox.base_image_making import BaseImageRequest, make_base_image

DEBOOTSTRAP = """\
#!/bin/sh
# stands in for debootstrap: arguments are --variant --include SUITE ROOT [MIRROR]
echo "$@" > "$(dirname "$0")/arguments"
[ "$3" = sid ] && { echo "I: retrieving"; echo "E: no such suite"; exit 1; }
mkdir -p "$4/usr/bin" "$4/usr/share/doc/python3" "$4/var/cache/apt/archives" "$4/etc"
touch "$4/usr/bin/python3.11" "$4/usr/bin/python3.11-config" "$4/usr/share/doc/python3/README"
touch "$4/var/cache/apt/archives/a.deb" "$4/etc/resolv.conf" "$4/etc/os-release"
"""


class FakeApi:
    """Keeps what was sent for import."""

    base_url = "http://engine"
    api_version = "1.41"

    def __init__(self, *, ok: bool = True) -> None:
        self.ok = ok
        self.params: dict[str, Any] = {}
        self.archive = b""
        self.text = "no space left on device"
        self.tagged: list[tuple[str, str, str]] = []

    def post(self, url: str, *, data: Any, params: dict[str, Any], **_: object) -> Any:
        assert url == "http://engine/v1.41/images/create"
        self.params, self.archive = params, data.read()
        return SimpleNamespace(ok=self.ok, text=self.text)

    def tag(self, image: str, repository: str, version: str) -> None:
        self.tagged.append((image, repository, version))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with room, root's rights and a stand-in for debootstrap."""
    program = tmp_path / "bin" / "debootstrap"
    program.parent.mkdir()
    program.write_text(DEBOOTSTRAP)
    program.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(base_image_making, "NEEDED_BYTES", 1)
    return tmp_path


def make(api: FakeApi, request: BaseImageRequest) -> str:
    images = SimpleNamespace(get=lambda tag: SimpleNamespace(id=f"sha256:{tag}"))
    client: Any = SimpleNamespace(api=api, images=images)
    return make_base_image(client, request)


def test_a_base_is_made_shrunk_and_imported(machine: Path) -> None:
    api = FakeApi()
    request = BaseImageRequest(tag="own/base:1", suite="bookworm", mirror="http://m.example")
    assert make(api, request) == "sha256:own/base:1"
    arguments = (machine / "bin" / "arguments").read_text().split()
    assert arguments[:3] == [
        "--variant=minbase",
        "--include=python3,python3-pip,python3-venv,ca-certificates",
        "bookworm",
    ]
    assert arguments[4] == "http://m.example"
    assert (api.params["repo"], api.params["tag"]) == ("own/base", "1")
    assert "LABEL org.harness.python-version=3.11" in api.params["changes"]
    for kept in (b"./usr/bin/python\0", b"./etc/os-release\0", b"./usr/share/doc/\0"):
        assert kept in api.archive
    for left_out in (b"doc/python3", b"a.deb", b"resolv.conf"):
        assert left_out not in api.archive
    assert list((machine / "scratch").iterdir()) == []


@pytest.mark.usefixtures("machine")
def test_what_was_imported_gets_its_tag_where_the_engine_leaves_the_version_out() -> None:
    api = FakeApi()
    api.text = '{"status":"sha256:' + "5" * 64 + '"}\n'  # as Podman 4.3 answers

    make(api, BaseImageRequest(tag="own/base:1"))

    assert api.tagged == [("sha256:" + "5" * 64, "own/base", "1")]


def test_a_failing_debootstrap_gives_its_last_words_and_leaves_nothing(machine: Path) -> None:
    with pytest.raises(ImageBuildError) as raised:
        make(FakeApi(), BaseImageRequest(suite="sid"))
    assert "could not fetch sid from" in raised.value.one_line()
    assert "I: retrieving | E: no such suite" in raised.value.one_line()
    assert list((machine / "scratch").iterdir()) == []


def test_an_engine_that_refuses_the_image_gives_its_reason(machine: Path) -> None:
    with pytest.raises(EngineError, match="no space left on device"):
        make(FakeApi(ok=False), BaseImageRequest())
    assert list((machine / "scratch").iterdir()) == []


@pytest.mark.usefixtures("machine")
def test_only_root_can_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PermissionRefusedError, match="by root only"):
        make(FakeApi(), BaseImageRequest())


@pytest.mark.usefixtures("machine")
def test_without_debootstrap_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ImageBuildError) as raised:
        make(FakeApi(), BaseImageRequest())
    assert "apt-get install debootstrap" in raised.value.remedy


@pytest.mark.usefixtures("machine")
def test_too_little_room_is_found_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base_image_making, "NEEDED_BYTES", 2**62)
    with pytest.raises(DiskFullError, match="GB free"):
        make(FakeApi(), BaseImageRequest())
