"""Every record set of croissant.json as the format's own reference reader yields it."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from pair_folders import imported

with warnings.catch_warnings():
    # Its dependencies deprecate each other at import; that is nothing of ours.
    warnings.simplefilter("ignore")
    import mlcroissant

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def dataset(benchmark):
    return mlcroissant.Dataset(jsonld=benchmark.croissant_path)


def text(value):
    return None if value is None else value.decode()


def test_mlcroissant_validates_it(benchmark):
    answer = subprocess.run(
        [
            str(Path(sys.executable).with_name("mlcroissant")),
            *("validate", "--jsonld", str(benchmark.croissant_path)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert "Done." in answer.stderr + answer.stdout


def test_samples_say_what_was_edited(benchmark, dataset):
    samples = {s.id: s for s in benchmark.samples()}
    records = list(dataset.records("samples"))
    assert len(records) == len(samples)
    for record in records:
        sample = samples[text(record["samples/id"])]
        edit = sample.edit
        assert text(record["samples/attribute"]) == (None if edit is None else edit.attribute)
        assert text(record["samples/value"]) == (None if edit is None else edit.value)
        assert text(record["samples/source_name"]) == sample.source_name


def test_pictures_are_the_samples_images(benchmark, dataset):
    records = list(dataset.records("pictures"))
    assert {text(r["pictures/id"]) for r in records} == {s.id for s in benchmark.samples()}
    for record in records:
        image = np.asarray(record["pictures/image"])
        assert np.array_equal(image, benchmark.image(text(record["pictures/id"])))


def test_classes_have_their_names(dataset):
    records = list(dataset.records("classes"))
    found = {int(r["classes/id"]): r["classes/name"] for r in records}
    assert found == {0: "water", 2: "boat", 7: "quay"}


def test_filtered_labels_are_described_where_there_are_some(benchmark):
    sets = [
        str(node.id) for node in mlcroissant.Dataset(benchmark.croissant_path).metadata.file_sets
    ]
    assert sets == ["images", "labels", "masks", "filtered"]
