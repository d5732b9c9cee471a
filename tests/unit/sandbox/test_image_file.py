"""A file read out of an image: one regular file of bounded size, and nothing else."""

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import docker.errors
import pytest

from harness.sandbox import orphans
from harness.sandbox.image_file import MAX_ARCHIVE_BYTES, MAX_FILE_BYTES, read_image_file
from harness.sandbox.owner import is_ours


@pytest.fixture(autouse=True)
def _outside_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "own_container_id", lambda: None)


class FakeEngine:
    """An engine whose one image gives `archive` for any path, in chunks."""

    def __init__(self, archive: bytes | None) -> None:
        self.archive = archive
        self.given = 0
        self.removed: list[str] = []
        self.listed: dict[str, Any] = {}
        self.api = self

    def create_container(self, image: str, **options: Any) -> dict[str, str]:
        assert options["network_disabled"] is True
        self.listed = {"Names": [f"/{options['name']}"], "Labels": options["labels"]}
        return {"Id": f"container-of-{image}"}

    def info(self) -> dict[str, str]:
        return {"SystemTime": "2026-11-22T12:00:00Z"}

    def get_archive(self, container: str, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        assert (container, path) == ("container-of-i", "/f")
        if self.archive is None:
            msg = "no such path"
            raise docker.errors.NotFound(msg)
        return self._chunks(self.archive), {}

    def _chunks(self, archive: bytes) -> Iterator[bytes]:
        for start in range(0, len(archive), 4096):
            self.given += 4096
            yield archive[start : start + 4096]

    def remove_container(self, container: str, **_: object) -> None:
        self.removed.append(container)


def archive(content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo("f")
        entry.type, entry.size, entry.linkname = kind, len(content), "/etc/passwd"
        tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def read(engine: Any) -> bytes | None:
    content = read_image_file(engine, "i", "/f")
    assert engine.removed == ["container-of-i"]
    return content


@pytest.mark.parametrize("content", [b"", b"text", b"x" * MAX_FILE_BYTES])
def test_a_file_comes_out_whole(content: bytes) -> None:
    assert read(FakeEngine(archive(content))) == content


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"no tar at all",
        archive(kind=tarfile.SYMTYPE),
        archive(kind=tarfile.DIRTYPE),
        archive(b"x" * (MAX_FILE_BYTES + 1)),
    ],
    ids=["absent", "no-tar", "link", "folder", "too-large"],
)
def test_anything_else_is_no_file(given: bytes | None) -> None:
    assert read(FakeEngine(given)) is None


def test_its_container_can_be_known_for_an_orphan() -> None:
    engine = FakeEngine(archive(b"text"))
    read(engine)
    assert is_ours(engine.listed["Names"], engine.listed["Labels"])
    # an image's own label of any of these names would stand where ours is missing
    assert set(engine.listed["Labels"]) == {
        "harness.run",
        "harness.host",
        "harness.process",
        "harness.expires",
        "harness.container",
    }


def test_an_endless_archive_is_cut_off() -> None:
    engine = FakeEngine(archive(b"x" * 10 * MAX_ARCHIVE_BYTES))
    assert read(engine) is None
    assert engine.given <= MAX_ARCHIVE_BYTES + 4096
