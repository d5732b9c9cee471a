"""Weights are found by content, remembered, downloaded once, and never taken for others."""

import hashlib
import io
import json
import os
import urllib.error
from pathlib import Path

import pytest

from harness.errors import WeightsError
from harness.records.submission import WeightFile
from harness.sandbox import weights
from harness.sandbox.weights import WeightsStore

CONTENT = b"the promised weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WEIGHT = WeightFile(file="model.bin", sha256=SHA256)
DOWNLOADABLE = WeightFile(file="model.bin", sha256=SHA256, url="https://example.org/model.bin")


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    folder = tmp_path / "weights"
    folder.mkdir()
    return WeightsStore(cache_dir=tmp_path / "cache", weights_dir=folder)


def served(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    asked: list[str] = []

    def urlopen(request: object, *, timeout: float) -> io.BytesIO:
        asked.append(f"{request.full_url} {timeout}")  # type: ignore[attr-defined]
        return io.BytesIO(content)

    monkeypatch.setattr(weights.urllib.request, "urlopen", urlopen)
    return asked


def put(store: WeightsStore, name: str, content: bytes) -> Path:
    assert store.weights_dir is not None
    path = store.weights_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_is_found_by_its_bytes_whatever_its_name(store: WeightsStore) -> None:
    put(store, "model.bin", b"old weights of the same name")
    right = put(store, "deep/below/epoch-90.pth", CONTENT)
    assert store.locate(WEIGHT) == right


def test_a_file_with_the_name_and_other_bytes_is_refused_by_name(store: WeightsStore) -> None:
    impostor = put(store, "model.bin", b"other")
    with pytest.raises(WeightsError) as raised:
        store.locate(DOWNLOADABLE)
    line = raised.value.one_line()
    assert f"{impostor} is not the promised model.bin" in line
    assert hashlib.sha256(b"other").hexdigest() in line
    assert SHA256 in line


def test_missing_weights_name_file_digest_and_both_remedies(store: WeightsStore) -> None:
    with pytest.raises(WeightsError) as raised:
        store.locate(WEIGHT)
    line = raised.value.one_line()
    for part in ("model.bin", SHA256, "--weights-dir", "`url`"):
        assert part in line


def test_digests_are_remembered_until_a_file_changes(
    store: WeightsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(store, "a.bin", CONTENT)
    assert store.locate(WEIGHT) == path
    read: list[Path] = []
    digest = weights.file_digest

    def counting(path: Path) -> str:
        read.append(path)
        return digest(path)

    monkeypatch.setattr(weights, "file_digest", counting)
    again = WeightsStore(cache_dir=tmp_path / "cache", weights_dir=store.weights_dir)
    assert again.locate(WEIGHT) == path
    assert read == []
    path.write_bytes(b"changed, so no longer it")
    os.utime(path, (10, 10))
    with pytest.raises(WeightsError):
        again.locate(WEIGHT)
    assert path in read


def test_a_broken_memory_is_forgotten(store: WeightsStore, tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "weights" / "digests.json"
    memory.parent.mkdir(parents=True)
    memory.write_text("{not json")
    path = put(store, "a.bin", CONTENT)
    assert store.locate(WEIGHT) == path
    assert json.loads(memory.read_text())[str(path.resolve())][2] == SHA256


def test_a_download_is_checked_kept_and_not_repeated(
    store: WeightsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = served(monkeypatch, CONTENT)
    first = store.locate(DOWNLOADABLE)
    assert first.read_bytes() == CONTENT
    assert store.locate(DOWNLOADABLE) == first
    assert asked == [f"https://example.org/model.bin {weights.DOWNLOAD_TIMEOUT_SECONDS}"]
    first.write_bytes(b"damaged on disk")
    assert store.locate(DOWNLOADABLE).read_bytes() == CONTENT
    assert len(asked) == 2


def test_a_download_of_other_bytes_is_refused_and_leaves_nothing(
    store: WeightsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch, b"an error page")
    with pytest.raises(WeightsError, match="sent other bytes than promised"):
        store.locate(DOWNLOADABLE)
    assert list((tmp_path / "cache" / "weights").iterdir()) == []


def test_a_server_that_refuses_is_an_error_with_a_remedy(
    store: WeightsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urlopen(*_: object, **__: object) -> None:
        msg = "no route to host"
        raise urllib.error.URLError(msg)

    monkeypatch.setattr(weights.urllib.request, "urlopen", urlopen)
    with pytest.raises(WeightsError, match="can't be downloaded") as raised:
        store.locate(DOWNLOADABLE)
    assert "--weights-dir" in raised.value.remedy


def test_a_url_that_is_no_web_address_is_refused(store: WeightsStore) -> None:
    weight = WeightFile(file="model.bin", sha256=SHA256, url="file:///etc/passwd")
    with pytest.raises(WeightsError, match="no http or https address"):
        store.locate(weight)
