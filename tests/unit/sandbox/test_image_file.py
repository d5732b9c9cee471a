"""A file read out of an image: one regular file of bounded size, and nothing else."""

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import docker.errors
import pytest

from harness.sandbox.image_file import MAX_ARCHIVE_BYTES, MAX_FILE_BYTES, read_image_file


class FakeEngine:
    """An engine whose one image gives `archive` for any path, in chunks."""

    def __init__(self, archive: bytes | None) -> None:
        self.archive = archive
        self.given = 0
        self.removed: list[str] = []
        self.api = self

    def create_container(self, image: str, **options: Any) -> dict[str, str]:
        assert options["network_disabled"] is True
        return {"Id": f"container-of-{image}"}

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


def test_an_endless_archive_is_cut_off() -> None:
    engine = FakeEngine(archive(b"x" * 10 * MAX_ARCHIVE_BYTES))
    assert read(engine) is None
    assert engine.given <= MAX_ARCHIVE_BYTES + 4096
