import pytest
from stored_results import header, run, samples

from harness.records.run import FailureReason, RunStatus
from harness.store.database import ResultsStore
from harness.store.run_search import RunFilter

OF = samples("ab")
MINI = header(OF)
OTHER = header(samples("cd"), name="camvid")
FAILED = {"status": RunStatus.SUBMISSION_FAILED, "reason": FailureReason.KILLED}
RUNS = (
    run(MINI.digest, "unet", minutes=5),
    run(MINI.digest, "unet", minutes=9, **FAILED),
    run(MINI.digest, "forest", minutes=1),
    run(OTHER.digest, "unet", minutes=7),
)


@pytest.fixture
def store(tmp_path):
    with ResultsStore.open(tmp_path / "results.duckdb") as opened:
        opened.add_benchmark(MINI, OF)
        opened.add_benchmark(OTHER, samples("cd"))
        for one in RUNS:
            opened.add_run(one, ())
        yield opened


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({}, [1, 3, 0, 2]),
        ({"benchmark": "mini"}, [1, 0, 2]),
        ({"submission": "unet"}, [1, 3, 0]),
        ({"submission": "unet", "benchmark": "camvid"}, [3]),
        ({"status": RunStatus.COMPLETED}, [3, 0, 2]),
        ({"status": RunStatus.HARNESS_FAILED}, []),
        ({"submission": "un"}, []),
    ],
)
def test_runs_that_fit_come_by_their_end_the_newest_first(store, wanted, places):
    found = store.latest_runs(RunFilter(**wanted), limit=10)
    assert list(found) == [RUNS[place] for place in places]
    assert store.count_runs(RunFilter(**wanted)) == len(places)


def test_no_more_than_asked_for_come(store):
    assert store.latest_runs(RunFilter(), limit=2) == (RUNS[1], RUNS[3])
    assert store.count_runs(RunFilter()) == 4


def test_runs_are_found_by_the_beginning_of_their_id(store):
    wanted = RUNS[0]
    assert store.runs_beginning(wanted.run_id, limit=5) == (wanted,)
    by_id = sorted(RUNS, key=lambda one: one.run_id)
    assert store.runs_beginning("", limit=9) == tuple(by_id)
    assert store.runs_beginning("", limit=2) == tuple(by_id[:2])
    assert store.runs_beginning("%", limit=2) == ()
