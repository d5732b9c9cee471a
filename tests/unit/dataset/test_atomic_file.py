import errno
from pathlib import Path

import pytest

from harness.dataset.atomic_file import write_atomically


def test_a_file_is_replaced_whole(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    target = tmp_path / "x.png"
    target.write_bytes(b"old")
    write_atomically(target, b"new", scratch=scratch)
    assert target.read_bytes() == b"new"
    assert list(scratch.iterdir()) == []


def test_a_full_disk_names_the_file_and_leaves_what_was_there(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    target = tmp_path / "x.png"
    target.write_bytes(b"old")

    def half_written(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_written)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(target, b"new", scratch=scratch)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert list(scratch.iterdir()) == []


def test_a_missing_folder_names_the_file(tmp_path):
    target = tmp_path / "nowhere" / "x.png"
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(target, b"new", scratch=tmp_path)
    assert caught.value.filename == str(target)
    assert list(tmp_path.iterdir()) == []
