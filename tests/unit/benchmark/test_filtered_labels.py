"""Filtered labels on disk: promised, verified byte by byte, removed when nobody wants them."""

import numpy as np
import pytest
from noise_scenes import BAD, LABEL, MASK, VIOLET, RedReader, Scenes

from harness.acceptance.void_signature import void_signature
from harness.benchmark.leftovers import extra_files, remove_leftovers
from harness.benchmark.unit_record import promised_files
from harness.benchmark.verify import Promise, verify_benchmark
from harness.dataset.image_io import encode_gray_png
from harness.errors import BenchmarkError


@pytest.fixture
def scenes(tmp_path):
    """One car."""
    scenes = Scenes(tmp_path)
    scenes.add("a", [[8, 8, 8, 9], [4, 12, 9, 9]], LABEL, MASK)
    return scenes


def verified(scenes):
    return verify_benchmark(scenes.folder.path, Promise(recipe=None, lock=None), threads=1)


@pytest.fixture
def filtered(scenes):
    """A benchmark with one filtered label, the sample of which is `filtered.edit`."""
    own = scenes.add("a", BAD, LABEL, MASK, edit=VIOLET)
    found = scenes.filter(RedReader())
    scenes.edit, scenes.filtered_samples = found[own], tuple(found.values())
    return scenes


def test_filtered_labels_are_promised_and_what_is_left_over_is_removed(filtered):
    folder = filtered.folder
    promised = promised_files(folder, filtered.filtered_samples)
    own = folder.label_path(filtered.edit)
    left = own.with_name(f"{'0' * 16}.png")
    left.write_bytes(b"of a former build")

    assert promised[own] == filtered.edit.filtered_label_sha256
    assert promised[folder.original_label_path(filtered.edit)] == filtered.edit.label_sha256
    assert list(extra_files(folder.path, expected=frozenset(promised))) == [left]
    assert remove_leftovers(folder.path, expected=frozenset(promised)) == 1
    assert own.exists()


def test_a_benchmark_that_was_never_filtered_has_no_such_folder(scenes):
    expected = frozenset(promised_files(scenes.folder, tuple(scenes.samples)))

    assert remove_leftovers(scenes.folder.path, expected=expected) == 0
    assert not (scenes.folder.path / "filtered").exists()


def test_verify_sees_every_byte_of_a_filtered_label(filtered):
    def about(report):
        return [f.detail for f in report.findings if f.subject == filtered.edit.id]

    path = filtered.folder.label_path(filtered.edit)
    whole = path.read_bytes()
    assert about(verified(filtered)) == []

    path.write_bytes(encode_gray_png(np.array(LABEL, np.uint8)))
    assert f"filtered/{filtered.edit.id}.png has other ids" in about(verified(filtered))[0]
    path.write_bytes(whole[:20])
    assert "can't be decoded" in about(verified(filtered))[0]
    path.unlink()
    assert "is missing" in about(verified(filtered))[0]


def test_verify_holds_the_voids_signature_against_the_label(filtered):
    moved = void_signature(np.zeros((2, 4), np.bool_), np.array(MASK, np.bool_))
    other = filtered.edit.model_copy(update={"filtered_label_signature": moved})
    rest = tuple(s for s in filtered.filtered_samples if s.id != other.id)
    filtered.write_index((*rest, other))

    told = [f.detail for f in verified(filtered).findings if f.subject == other.id]

    assert told == [
        f"a color=violet: filtered/{other.id}.png has another signature in the manifest"
    ]


def test_verify_does_not_take_half_a_promise(filtered):
    torn = filtered.edit.model_copy(update={"filtered_label_sha256": None})
    rest = tuple(s for s in filtered.filtered_samples if s.id != torn.id)
    filtered.write_index((*rest, torn))

    told = [f.detail for f in verified(filtered).findings if f.subject == torn.id]

    assert "one digest of its filtered label" in told[0]
    with pytest.raises(BenchmarkError, match="is not the label in its manifest"):
        filtered.folder.label(torn)
