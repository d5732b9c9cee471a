import hashlib
import json
import logging
import os
from pathlib import Path

import pytest

from harness.checkpoints import digests as digests_module
from harness.checkpoints.digests import DigestMemory, file_digest


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_digest_is_read_once_and_again_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, kept = tmp_path / "weights", tmp_path / "cache" / "digests.json"
    file.write_text("one", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    reads: list[Path] = []

    def counted(path: Path, *, title: str) -> str:
        reads.append(path)
        return file_digest(path, title=title)

    monkeypatch.setattr(digests_module, "file_digest", counted)

    def fresh() -> str:
        memory = DigestMemory.load(kept)
        digest = memory.digest(file)
        memory.save()
        return digest

    assert [fresh(), fresh()] == [sha256("one")] * 2
    assert len(reads) == 1
    file.write_text("two", encoding="utf-8")
    os.utime(file, ns=(2, 2))
    assert fresh() == sha256("two")
    assert len(reads) == 2


def test_a_link_into_the_hubs_cache_is_remembered_by_its_blob(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_text("one", encoding="utf-8")
    (tmp_path / "link").symlink_to(blob)
    memory = DigestMemory.load(None)
    memory.digest(tmp_path / "link")
    assert list(memory.entries) == [str(blob.resolve())]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"x": 3}'])
def test_a_broken_memory_is_begun_anew(tmp_path: Path, content: str) -> None:
    kept, file = tmp_path / "digests.json", tmp_path / "weights"
    kept.write_text(content, encoding="utf-8")
    file.write_text("one", encoding="utf-8")
    memory = DigestMemory.load(kept)
    assert memory.digest(file) == sha256("one")
    memory.save()
    assert json.loads(kept.read_text(encoding="utf-8"))[str(file.resolve())][2] == sha256("one")


def test_a_memory_that_can_not_be_written_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "occupied").write_text("", encoding="utf-8")
    file = tmp_path / "weights"
    file.write_text("one", encoding="utf-8")
    memory = DigestMemory.load(tmp_path / "occupied" / "digests.json")
    memory.digest(file)
    memory.save()
    assert "can't be remembered" in caplog.text


def test_a_long_reading_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(digests_module, "WORTH_A_LINE_BYTES", 2)
    monkeypatch.setattr(digests_module, "REPORT_SECONDS", 0.0)
    file = tmp_path / "weights"
    file.write_text("one", encoding="utf-8")
    with caplog.at_level(logging.INFO):
        assert file_digest(file, title="unet") == sha256("one")
    assert "reading unet (0.0 GiB)" in caplog.text
    assert "100 %" in caplog.text
