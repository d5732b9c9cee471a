import pytest

from harness.dataset.lock_file import lock_bytes, read_lock
from harness.errors import BenchmarkError
from harness.records.manifest import Lock, LockedSample

LOCK = Lock(
    benchmark="tiny",
    digest="1" * 64,
    recipe_digest="2" * 64,
    samples=tuple(
        LockedSample(
            id=letter * 16,
            accepted=True,
            pixel_sha256="3" * 64,
            label_pixel_sha256="4" * 64,
            signature="AAAA",
        )
        for letter in "abc"
    ),
)


def test_a_lock_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "tiny.lock.json"
    path.write_bytes(lock_bytes(LOCK))
    assert read_lock(path) == LOCK


def test_each_sample_has_a_line_of_its_own():
    lines = lock_bytes(LOCK).decode().splitlines()
    assert len(lines) == 1 + 3 + 1
    assert all(f'"{letter * 16}"' in line for letter, line in zip("abc", lines[1:4], strict=True))


def test_no_lock_is_none_and_a_broken_one_an_error(tmp_path):
    assert read_lock(tmp_path / "none.lock.json") is None
    path = tmp_path / "tiny.lock.json"
    path.write_bytes(lock_bytes(LOCK)[:-20])
    with pytest.raises(BenchmarkError, match=r"tiny\.lock\.json is no lock"):
        read_lock(path)
