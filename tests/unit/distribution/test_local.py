import multiprocessing
import os
from functools import partial

import distribution_work as work
import pytest

from harness.distribution.local import map_here, map_in_processes, processors
from harness.errors import HarnessError, SourceDataError


def run(start, items, workers=2, **more):
    return map_in_processes(
        start, items, workers=workers, name_of=lambda item: f"item {item}", **more
    )


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_order(workers):
    numbers = list(range(12))
    assert list(run(work.start_uneven, numbers, workers)) == numbers


def test_here_and_there_give_the_same():
    numbers = [3, 1, 2]
    assert list(map_here(work.start_squaring, numbers)) == [9, 1, 4]
    assert list(run(work.start_squaring, numbers)) == [9, 1, 4]


def test_no_items_start_no_process():
    assert list(run(work.start_that_fails, [])) == []


def test_work_runs_elsewhere_on_one_thread_each(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    found = set(run(work.start_process_ids, range(8)))
    assert os.getpid() not in {process for process, _ in found}
    assert {threads for _, threads in found} == {"1"}
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"


@pytest.mark.parametrize(("asked", "found"), [(3, "3"), (None, "7")])
def test_threads_are_as_many_as_asked_or_left_alone(monkeypatch, asked, found):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    ((_, threads),) = run(work.start_process_ids, [0], workers=1, threads=asked)
    assert threads == found


def test_each_worker_knows_its_number():
    assert set(run(work.start_numbered, range(40))) == {0, 1}
    assert list(map_here(work.start_numbered, [7])) == [0]


def test_an_error_of_the_work_surfaces_as_itself():
    results = run(work.start_refusing, [1, 2, 3, 4], workers=1)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(SourceDataError, match="three is broken") as caught:
        next(results)
    assert caught.value.remedy == "Skip it."
    assert multiprocessing.active_children() == []


def test_an_error_of_the_system_keeps_its_file():
    with pytest.raises(PermissionError) as caught:
        list(run(work.start_refusing, [5]))
    assert caught.value.filename == "/five"


def test_an_error_at_the_start_surfaces():
    with pytest.raises(SourceDataError, match="no editor"):
        list(run(work.start_that_fails, [1]))


def test_a_killed_worker_names_its_item_and_ends_the_others():
    with pytest.raises(HarnessError, match="a worker process was ended by signal 9 at item 2"):
        list(run(work.start_dying, [1, 2, 3, 4]))
    assert multiprocessing.active_children() == []


def test_a_defect_in_the_work_names_its_item_and_shows_its_trace(capfd):
    with pytest.raises(HarnessError, match="a worker process exited 1 at item 0"):
        list(run(work.start_buggy, [0]))
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_closing_ends_the_workers():
    results = run(work.start_uneven, range(100))
    assert next(results) == 0
    results.close()
    assert multiprocessing.active_children() == []


def test_a_worker_that_is_ended_gives_back_what_it_took(tmp_path):
    results = run(partial(work.start_cleaning_up, tmp_path / "clean"), range(9), workers=1)
    assert next(results) == 0
    results.close()
    assert (tmp_path / "clean").exists()


def test_what_waits_for_an_earlier_result_is_bounded(tmp_path):
    """One worker is one result ahead, so at most its window of 4 pieces is worked on unasked."""
    results = run(partial(work.start_touching, tmp_path), range(50), workers=1)
    assert next(results) == 0
    results.close()
    assert len(list(tmp_path.iterdir())) <= 5


def test_processors_are_counted():
    assert processors() >= 1
