"""Samples in columns read as the manifest wrote them, and take next to no memory."""

import gc
import tracemalloc

import pytest
from noise_scenes import VIOLET
from stored_results import sample

from harness.dataset.benchmark_folder import LabelFile
from harness.errors import BenchmarkError
from harness.evaluation.sample_table import SampleTable
from harness.records.attributes import Attribute, Edit, Scope
from harness.records.base import sha256_hex

SOURCE, EDIT, FILTERED = sample("a"), sample("a", VIOLET), sample("b", VIOLET, filtered=True)
MOVED = sample("a", Edit(attribute=Attribute.POSITION, value="left"))


def test_a_sample_reads_as_it_was_written():
    assert MOVED.edit.scope is Scope.GEOMETRY
    table = SampleTable.of([SOURCE, EDIT, FILTERED, MOVED])
    assert len(table) == 4
    for one in (SOURCE, EDIT, FILTERED, MOVED):
        found = table[one.id]
        assert (found.id, found.width, found.height) == (one.id, one.width, one.height)
        assert found.image_sha256 == one.image_sha256
        assert found.label == LabelFile.of(one)


def test_the_order_is_that_of_ids_whatever_the_manifest_s_is():
    samples = [SOURCE, EDIT, FILTERED, MOVED]
    ids = sorted(one.id for one in samples)
    for given in (samples, samples[::-1]):
        table = SampleTable.of(given)
        assert list(table) == ids
        assert [one.id for one in table.without(())] == ids
        assert [one.id for one in table.without({ids[0], ids[2]})] == [ids[1], ids[3]]


def test_samples_come_in_the_order_of_their_places():
    table = SampleTable.of([SOURCE, EDIT, FILTERED, MOVED])
    ids = list(table)
    places = dict(zip(ids, (2**64 - 1, 7, 2**63, 0), strict=True))

    placed = [one.id for one in table.without({ids[1]}, place=places.__getitem__)]

    assert placed == [ids[3], ids[2], ids[0]]


def test_what_was_rejected_is_not_scored():
    table = SampleTable.of([SOURCE, EDIT.model_copy(update={"accepted": False})])
    assert list(table) == [SOURCE.id]
    assert EDIT.id not in table


@pytest.mark.parametrize("stranger", ["", "x", "0" * 16, "f" * 16, "f" * 17, "F" * 16, "0x1"])
def test_a_stranger_is_no_key(stranger):
    table = SampleTable.of([SOURCE, EDIT])
    assert stranger not in table
    with pytest.raises(KeyError):
        table[stranger]


def test_ids_are_text_of_one_form_only():
    table = SampleTable.of([SOURCE.model_copy(update={"id": "00000000000000ab"})])
    assert "00000000000000ab" in table
    assert not {"ab", "00000000000000AB", " 0000000000000ab", 171} & set(table)
    assert all(stranger not in table for stranger in ("ab", "00000000000000AB", "0xab", 171))


def test_filtered_edits_that_stay_judge_their_source():
    late = sample("a", VIOLET, filtered=True).model_copy(update={"id": "f" * 16})
    table = SampleTable.of([SOURCE, late, EDIT, FILTERED, MOVED])
    assert [one.id for one in table.judging(SOURCE.id)] == [late.id]
    assert [one.id for one in table.judging(FILTERED.source_id)] == [FILTERED.id]
    assert table.judging(EDIT.id) == ()


def test_one_id_twice_is_refused():
    with pytest.raises(BenchmarkError, match=SOURCE.id):
        SampleTable.of([SOURCE, EDIT, SOURCE])


def test_no_samples_are_an_empty_table():
    table = SampleTable.of([])
    assert (len(table), list(table), list(table.without(()))) == (0, [], [])


def test_a_sample_takes_less_than_200_bytes():
    count = 3000
    digests = [sha256_hex(b"%d" % number) for number in range(count)]
    gc.collect()
    tracemalloc.start()
    try:
        table = SampleTable.of(
            SOURCE.model_copy(update={"id": digest[:16], "image_sha256": digest})
            for digest in digests
        )
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(table) == count
    assert size / count < 200
