"""A run that has ended while another process holds the database is kept, and stored later."""

import subprocess
import sys

import numpy as np
import pytest
from fakes import FakeRunner, write_tiny_benchmark

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.errors import DatabaseBusyError
from harness.evaluation.evaluate import evaluate
from harness.evaluation.target import EvaluationPlaces, EvaluationTarget
from harness.records.run import RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest

HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("holding", flush=True)
sys.stdin.read()
"""
TARGET = EvaluationTarget(
    manifest=SubmissionManifest(name="m", title="M", authors=("A",), label_space="street"),
    image_digest="sha256:" + "a" * 64,
    limits=ContainerLimits(),
)


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.evaluation.part.STORING_PATIENCE_SECONDS", 0.0)
    write_tiny_benchmark(tmp_path / "tiny")
    return EvaluationPlaces(
        benchmark=BenchmarkFolder(tmp_path / "tiny"),
        database=tmp_path / "results.duckdb",
        runs=tmp_path / "runs",
    )


def run(places, runner):
    return evaluate(
        TARGET,
        places,
        runner=runner,
        engine="none",
        run_id="0123456789ab",
        on_scored=lambda _count: None,
    )


def test_a_run_that_can_not_be_stored_yet_is_not_lost(places):
    prediction = encode_gray_png(np.zeros((12, 16), np.uint8))
    holders = []

    def predict(_sample_id):
        if not holders:  # somebody opens the database while the submission runs
            holder = subprocess.Popen(
                [sys.executable, "-c", HOLD, str(places.database)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert holder.stdout.readline() == "holding\n"
            holders.append(holder)
        return prediction

    with pytest.raises(DatabaseBusyError) as caught:
        run(places, FakeRunner(predict))
    (holder,) = holders
    holder.communicate()

    assert "run 0123456789ab has ended and is kept, but not stored" in str(caught.value)
    assert f"process {holder.pid} (python" in str(caught.value)
    assert "nothing is run again" in caught.value.remedy

    again = FakeRunner(predict)
    record = run(places, again)
    assert again.seen == []
    assert (record.run_id, record.outcome.status) == ("0123456789ab", RunStatus.COMPLETED)
    assert record.outcome.predictions == 12
