import subprocess
import sys

import numpy as np
import pytest

from harness.benchmark.assessing.embedding_cache import EmbeddingCache

MODEL = "ab" * 32


def vectors(count, seed=0, length=6):
    return np.random.default_rng(seed).normal(size=(count, length)).astype(np.float32)


def open_cache(tmp_path, model=MODEL):
    return EmbeddingCache(tmp_path / "clip", model)


def files_of(tmp_path):
    return {path.suffix: path for path in (tmp_path / "clip").iterdir()}


def test_what_is_kept_comes_back_bit_by_bit(tmp_path):
    kept = vectors(3)
    with open_cache(tmp_path) as cache:
        assert cache.get("a") is None
        cache.put(["a", "b"], kept[:2])
        cache.put(["c"], kept[2:])
        cache.put([], kept[:0])
    with open_cache(tmp_path) as cache:
        for name, row in zip("abc", kept, strict=True):
            assert cache.get(name).tobytes() == row.tobytes()
        assert cache.get("d") is None
    assert len(files_of(tmp_path)) == 2


def test_embedders_do_not_share(tmp_path):
    with open_cache(tmp_path) as cache:
        cache.put(["a"], vectors(1))
    with open_cache(tmp_path, "cd" * 32) as cache:
        assert cache.get("a") is None


def test_an_embedding_without_its_entry_is_not_there_and_its_place_is_taken(tmp_path):
    with open_cache(tmp_path) as cache:
        cache.put(["a"], vectors(1))
    with files_of(tmp_path)[".vectors"].open("ab") as file:
        file.write(b"\1" * 17)  # killed while it wrote the next one
    with open_cache(tmp_path) as cache:
        cache.put(["b"], vectors(1, seed=1))
    with open_cache(tmp_path) as cache:
        assert cache.get("a").tobytes() == vectors(1).tobytes()
        assert cache.get("b").tobytes() == vectors(1, seed=1).tobytes()


@pytest.mark.parametrize("cut", range(1, 25))
def test_half_an_entry_is_none(tmp_path, cut):
    with open_cache(tmp_path) as cache:
        cache.put(["a", "b"], vectors(2))
    entries = files_of(tmp_path)[".entries"]
    entries.write_bytes(entries.read_bytes()[:-cut])
    with open_cache(tmp_path) as cache:
        assert cache.get("b") is None
        cache.put(["c"], vectors(1, seed=2))
    with open_cache(tmp_path) as cache:
        assert cache.get("a").tobytes() == vectors(2)[0].tobytes()
        assert cache.get("c").tobytes() == vectors(1, seed=2).tobytes()


@pytest.mark.parametrize("damage", ["cut", "flipped", "zeroed"])
def test_a_damaged_embedding_is_missing_and_can_be_kept_again(tmp_path, damage):
    with open_cache(tmp_path) as cache:
        cache.put(["a", "b"], vectors(2))
    file = files_of(tmp_path)[".vectors"]
    data = bytearray(file.read_bytes())
    if damage == "cut":
        del data[-1:]
    elif damage == "flipped":
        data[-2] ^= 1
    else:
        data[24:] = bytes(24)
    file.write_bytes(data)
    with open_cache(tmp_path) as cache:
        assert cache.get("b") is None
        assert cache.get("a").tobytes() == vectors(2)[0].tobytes()
        cache.put(["b"], vectors(2)[1:])
        assert cache.get("b").tobytes() == vectors(2)[1].tobytes()
    with open_cache(tmp_path) as cache:
        assert cache.get("b").tobytes() == vectors(2)[1].tobytes()


def test_entries_of_zeros_are_none(tmp_path):
    with open_cache(tmp_path) as cache:
        cache.put(["a"], vectors(1))
    with files_of(tmp_path)[".entries"].open("ab") as file:
        file.write(bytes(24))  # the length of the file survived a power cut, what was in it did not
    with open_cache(tmp_path) as cache:
        cache.put(["b"], vectors(1, seed=1))
    with open_cache(tmp_path) as cache:
        assert cache.get("a").tobytes() == vectors(1).tobytes()
        assert cache.get("b").tobytes() == vectors(1, seed=1).tobytes()


def test_several_may_write_at_a_time(tmp_path):
    first, second = open_cache(tmp_path), open_cache(tmp_path)
    with first, second:
        for number in range(5):
            first.put([f"first {number}"], vectors(1, seed=number))
            second.put([f"second {number}"], vectors(1, seed=100 + number))
        assert second.get("second 4").tobytes() == vectors(1, seed=104).tobytes()
    with open_cache(tmp_path) as cache:
        for number in range(5):
            assert cache.get(f"first {number}").tobytes() == vectors(1, seed=number).tobytes()
            expected = vectors(1, seed=100 + number).tobytes()
            assert cache.get(f"second {number}").tobytes() == expected


def test_a_killed_process_leaves_whole_embeddings_only(tmp_path):
    code = (
        "import os, sys, pathlib, numpy as np\n"
        "from harness.benchmark.assessing.embedding_cache import EmbeddingCache\n"
        f"cache = EmbeddingCache(pathlib.Path(sys.argv[1]), {MODEL!r})\n"
        "cache.put(['a'], np.ones((1, 6), np.float32))\n"
        "write = os.pwrite\n"
        "def dying(file, data, at):\n"
        "    write(file, bytes(data)[:len(data) // 2], at)\n"
        "    os._exit(9)\n"
        "os.pwrite = dying\n"
        "cache.put(['b'], np.ones((1, 6), np.float32))\n"
    )
    program = [sys.executable, "-c", code, str(tmp_path / "clip")]
    assert subprocess.run(program, check=False).returncode == 9
    with open_cache(tmp_path) as cache:
        assert cache.get("a").tobytes() == np.ones(6, np.float32).tobytes()
        assert cache.get("b") is None


def test_every_key_is_found_again_those_that_end_in_zeros_too(tmp_path):
    names = [f"text {number}" for number in range(1500)]
    kept = vectors(1500)
    with open_cache(tmp_path) as cache:
        cache.put(names, kept)
    with open_cache(tmp_path) as cache:
        found = np.stack([cache.get(name) for name in names])
    np.testing.assert_array_equal(found, kept)
