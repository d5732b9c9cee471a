"""Whoever can't get at an archive is told why, before long."""

import errno
import os

import pytest

from harness.errors import OutputError
from harness.evaluation import archive_lock
from harness.evaluation.archive_lock import lock_archive


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(archive_lock, "LOCK_PATIENCE_SECONDS", 0.0)


def test_a_file_is_locked(tmp_path):
    os.close(lock_archive(tmp_path / "unfinished" / "a"))
    assert (tmp_path / "unfinished" / "a").is_file()


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    path = tmp_path / "a"
    path.symlink_to(tmp_path / "gone" / "b")
    with pytest.raises(OutputError, match="can't be opened for good") as caught:
        lock_archive(path)
    assert str(path) in str(caught.value)


def test_a_file_system_that_shows_another_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_lock, "_is_at", lambda _path, _descriptor: False)
    with pytest.raises(OutputError, match="shows another file"):
        lock_archive(tmp_path / "a")


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(_descriptor, _how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(archive_lock.fcntl, "flock", refuse)
    with pytest.raises(OutputError, match="can't be locked") as caught:
        lock_archive(tmp_path / "a")
    assert "--workspace" in caught.value.remedy
