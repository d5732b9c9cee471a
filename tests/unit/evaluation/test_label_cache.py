import numpy as np
import pytest
from fakes import write_tiny_benchmark

from harness.dataset.benchmark_folder import BenchmarkFolder, LabelFile
from harness.errors import BenchmarkError
from harness.evaluation.label_cache import LabelCache

LABEL_BYTES = 12 * 16 + 1024


@pytest.fixture
def folder(tmp_path):
    write_tiny_benchmark(tmp_path / "tiny")
    return BenchmarkFolder(tmp_path / "tiny")


@pytest.fixture
def files(folder):
    return list(dict.fromkeys(LabelFile.of(sample) for sample in folder.samples()))


@pytest.fixture
def reads(folder, monkeypatch):
    """The files that were read from the disk."""
    read, found = folder.read_label, []

    def note(file):
        found.append(file)
        return read(file)

    monkeypatch.setattr(folder, "read_label", note)
    return found


def test_a_label_is_read_once(folder, files, reads):
    cache = LabelCache(folder)
    first = cache.read(files[0])
    assert cache.read(files[0]) is first
    assert reads == [files[0]]
    np.testing.assert_array_equal(first, BenchmarkFolder(folder.path).read_label(files[0]))
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


def test_the_label_that_was_asked_for_longest_ago_makes_room(folder, files, reads):
    cache = LabelCache(folder, kept_bytes=2 * LABEL_BYTES)
    one, two, three = files[:3]
    for file in (one, two, one, three, one, two):
        cache.read(file)
    assert reads == [one, two, three, two]


def test_a_label_larger_than_the_room_is_not_kept(folder, files, reads):
    cache = LabelCache(folder, kept_bytes=LABEL_BYTES - 1)
    for _ in range(2):
        cache.read(files[0])
    assert reads == [files[0]] * 2


def test_a_label_that_is_promised_otherwise_is_another(folder, files):
    cache = LabelCache(folder)
    cache.read(files[0])
    with pytest.raises(BenchmarkError, match="is not the label in its manifest"):
        cache.read(files[0]._replace(pixel_sha256="0" * 64))
