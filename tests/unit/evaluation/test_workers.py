"""Several containers share one run: who gets what, and what is told of them together."""

import threading
import time

import pytest
from worker_fakes import (
    PATIENCE,
    SAMPLES,
    Stage,
    answer_all,
    done,
    failed,
    play,
    until_stopped,
    wait_for,
)

from harness.evaluation.worker_plan import WorkerPlan
from harness.evaluation.workers import ParallelRunner
from harness.records.run import FailureReason, RunStatus, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.runner import ContainerSlot

IDS = [sample.id for sample in SAMPLES]


def test_one_worker_is_the_runner_itself():
    stage = Stage()
    seen = []
    stop = threading.Event()

    def only(samples, sink, _slot):
        seen.extend((samples, sink))
        return done(detail="as it was")

    stage.parts = {0: only}
    sink = seen.append

    assert play(stage, workers=1, sink=sink, slot=ContainerSlot(stop=stop)) == done(
        detail="as it was"
    )
    assert seen[0] is SAMPLES
    assert seen[1] is sink
    assert stage.slots[0].stop is stop
    assert stage.threads == [threading.main_thread()]


def test_every_sample_goes_to_exactly_one_container():
    samples = [StreamedSample(id=str(n), png=b"") for n in range(3000)]
    taken = []
    stage = Stage()

    outcome = play(
        stage, workers=5, samples=iter(samples), sink=lambda id_, _png: taken.append(id_)
    )

    assert outcome.status is RunStatus.COMPLETED
    assert outcome.predictions == 3000
    assert sorted(taken, key=int) == [sample.id for sample in samples]
    assert sorted(slot.number for slot in stage.slots) == [0, 1, 2, 3, 4]
    assert threading.main_thread() not in stage.threads


def test_a_slow_container_holds_back_nobody():
    others_done = threading.Event()

    def slow(samples, sink, slot):
        sample = next(iter(samples))
        wait_for(others_done)  # it answers its one sample when all others are answered
        sink(sample.id, sample.png)
        return answer_all(samples, sink, slot)

    taken = []

    def sink(sample_id, _png):
        taken.append(sample_id)
        if len(taken) == 5:
            others_done.set()

    assert play(Stage({0: slow}), sink=sink).status is RunStatus.COMPLETED
    assert set(taken) == set(IDS)


def test_the_sink_is_never_called_twice_at_a_time():
    busy = threading.Lock()
    clashes = []

    def sink(sample_id, _png):
        if not busy.acquire(blocking=False):
            clashes.append(sample_id)
            return
        time.sleep(0)  # lets another thread in
        busy.release()

    samples = [StreamedSample(id=str(n), png=b"") for n in range(2000)]
    play(Stage(), workers=4, samples=samples, sink=sink)
    assert clashes == []


@pytest.mark.parametrize(("count", "started"), [(0, [0]), (1, [0]), (2, [0, 1]), (6, [0, 1, 2, 3])])
def test_no_container_starts_for_nothing(count, started):
    stage = Stage()

    outcome = play(stage, workers=4, samples=(sample for sample in SAMPLES[:count]))

    assert (outcome.status, outcome.predictions) == (RunStatus.COMPLETED, count)
    assert sorted(slot.number for slot in stage.slots) == started


def test_each_container_knows_its_number_and_gpus():
    stage = Stage()
    play(stage, gpu_ids=(("0", "1"), ("2", "3")))
    assert {slot.number: slot.gpu_ids for slot in stage.slots} == {0: ("0", "1"), 1: ("2", "3")}


@pytest.mark.parametrize(
    ("workers", "count", "in_flight"), [(1, 24, 16), (3, 24, 1), (2, 100, 6), (4, 6000, 16)]
)
def test_few_samples_are_handed_out_in_small_helpings(workers, count, in_flight):
    stage = Stage()
    limits = ContainerLimits(max_in_flight=16)

    ParallelRunner(stage, WorkerPlan(gpu_ids=((),) * workers), samples=count).run(
        "sha256:0",
        SAMPLES,
        limits=limits,
        run_id="0123456789ab",
        on_prediction=lambda _id, _png: None,
    )

    assert {told.max_in_flight for told in stage.limits} == {in_flight}


def test_a_run_of_several_is_told_as_one():
    met = threading.Barrier(2)

    def part(**outcome):
        def act(samples, sink, slot):
            met.wait(PATIENCE)
            return answer_all(samples, sink, slot).model_copy(update=outcome)

        return act

    stage = Stage(
        {
            0: part(startup_seconds=2.5, log="zero\n", model_name="net"),
            1: part(startup_seconds=7.5, log="one", model_name="net", total_seconds=500.0),
        }
    )

    outcome = play(stage)

    assert outcome.startup_seconds == 7.5
    assert (outcome.predictions, outcome.exit_code, outcome.model_name) == (6, 0, "net")
    assert outcome.total_seconds < 500  # by the clock, not by the sum
    assert outcome.log == "=== worker 1 of 2 ===\nzero\n=== worker 2 of 2 ===\none\n"


@pytest.mark.parametrize("late_end", [done(), failed(FailureReason.EXIT_CODE, log="confused\n")])
def test_a_container_that_finds_nothing_left_is_no_failure(late_end):
    all_taken, late_left = threading.Event(), threading.Event()
    late_threads = []

    def first(samples, sink, slot):
        outcome = answer_all(samples, sink, slot)
        all_taken.set()
        wait_for(late_left)
        late_threads[0].join(PATIENCE)  # so that its end is known before this one's
        return outcome

    def late(samples, sink, slot):
        del sink, slot
        wait_for(all_taken)
        assert list(samples) == []
        late_threads.append(threading.current_thread())
        late_left.set()
        return late_end

    outcome = play(Stage({0: first, 1: late}))

    assert (outcome.status, outcome.exit_code, outcome.predictions) == (RunStatus.COMPLETED, 0, 6)


def test_nobody_waits_for_a_container_that_is_not_ready_when_all_is_answered():
    stage = Stage({1: until_stopped, 2: until_stopped})

    outcome = play(stage, workers=3)

    assert (outcome.status, outcome.predictions) == (RunStatus.COMPLETED, 6)
    assert sorted(stage.left) == [0, 1, 2]
