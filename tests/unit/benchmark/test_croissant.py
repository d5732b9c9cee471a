"""The metadata of a built benchmark, read by the format's own reference reader."""

import json
import logging
import warnings

import pytest
from benchmark_fakes import build_request

from harness.benchmark.build import build_benchmark, find_sources
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.croissant import promised_index

with warnings.catch_warnings():
    # Its dependencies deprecate each other at import; that is nothing of ours.
    warnings.simplefilter("ignore")
    import mlcroissant


@pytest.fixture
def built(tmp_path):
    request = build_request(tmp_path)
    build_benchmark(request, find_sources(request), on_unit=lambda _: None)
    return BenchmarkFolder(request.folder)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
def test_the_reference_reader_finds_nothing_to_say(built, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(jsonld=built.croissant_path)
    issues = dataset.metadata.ctx.issues
    assert issues.errors == set()
    # A build has no date: the same recipe gives the same bytes on any day.
    assert all("datePublished" in warning for warning in issues.warnings)
    assert all("datePublished" in record.getMessage() for record in caplog.records)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
def test_the_reference_reader_reads_the_samples(built):
    dataset = mlcroissant.Dataset(jsonld=built.croissant_path)
    records = list(dataset.records("samples"))
    expected = {s.id: s for s in built.samples()}
    assert len(records) == len(expected)
    for record in records:
        sample = expected[record["samples/id"].decode()]
        assert record["samples/image_sha256"].decode() == sample.image_sha256
        assert record["samples/width"] == sample.width
        assert record["samples/accepted"] == sample.accepted


def test_the_index_files_are_promised_by_digest(built):
    promised = promised_index(built.croissant_path.read_bytes())
    assert set(promised) == {"manifest.jsonl", "benchmark.json"}


@pytest.mark.parametrize("text", ["{", "[]", '{"distribution": [3]}'])
def test_what_is_no_metadata_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        promised_index(text.encode())


def test_it_names_licence_and_identity(built):
    document = json.loads(built.croissant_path.read_text())
    assert document["license"] == "CC0-1.0"
    assert document["citeAs"] == "Tests, 2026."
    assert document["identifier"] == f"sha256:{built.header().digest}"
