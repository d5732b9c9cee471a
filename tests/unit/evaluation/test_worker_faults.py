"""Several containers share one run: whose fault counts, and who is told to end."""

import signal
import threading

import pytest
from worker_fakes import (
    PATIENCE,
    SAMPLES,
    Stage,
    answer_all,
    done,
    failed,
    play,
    take_one_until_stopped,
    until_stopped,
    wait_for,
)

from harness.errors import (
    BenchmarkError,
    EngineError,
    PredictionRejectedError,
    RunInterruptedError,
    RunStoppedError,
)
from harness.evaluation.scoring import RejectedSampleError
from harness.records.run import FailureReason, RunStatus
from harness.sandbox.runner import ContainerSlot

IDS = [sample.id for sample in SAMPLES]


def test_the_first_fault_ends_the_others_and_is_the_outcome():
    def fall(samples, sink, slot):
        del slot
        first, second = next(iter(samples)), next(iter(samples))
        sink(first.id, first.png)
        return failed(sample_id=second.id, log="my last words\n", predictions=1)

    stage = Stage({0: take_one_until_stopped, 1: fall, 2: take_one_until_stopped})

    outcome = play(stage, workers=3)

    assert (outcome.status, outcome.reason) == (
        RunStatus.SUBMISSION_FAILED,
        FailureReason.EXITED_EARLY,
    )
    assert outcome.detail == "it exited with code 1 (worker 2 of 3)"
    assert outcome.sample_id in IDS
    assert (outcome.predictions, outcome.exit_code) == (1, 1)
    assert outcome.log == "=== worker 2 of 3 ===\nmy last words\n"
    assert sorted(stage.left) == [0, 1, 2]


def test_the_log_of_the_fault_stands_last_and_all_stay_bounded():
    fallen = threading.Event()

    def fall(samples, sink, slot):
        del samples, sink, slot
        fallen.set()
        return failed(log="a" * 5000 + "the end\n")

    def chatty(samples, sink, slot):
        del samples, sink
        wait_for(fallen)
        wait_for(slot.stop)
        return failed(log="b" * 5000 + "\n")

    outcome = play(Stage({0: fall, 1: chatty}), log_bytes=1000)

    assert outcome.log.index("worker 2 of 2") < outcome.log.index("worker 1 of 2")
    assert outcome.log.endswith("the end\n")
    assert "bytes left out" in outcome.log
    assert len(outcome.log) < 1000 + 200


@pytest.mark.parametrize(
    "error",
    [
        EngineError("the engine refuses", remedy="Mend it."),
        RunInterruptedError("the engine was lost", remedy="Again."),
        RunStoppedError("nobody told it to", remedy="Again."),
        OSError("the disk"),
        MemoryError(),
        KeyboardInterrupt(),
        AssertionError("a defect of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_ours_ends_the_others_and_is_raised_as_it_was(error):
    def breaks(samples, sink, slot):
        del samples, sink, slot
        raise error

    stage = Stage({0: take_one_until_stopped, 1: breaks, 2: until_stopped})

    with pytest.raises(type(error)) as caught:
        play(stage, workers=3)
    assert caught.value is error
    assert sorted(stage.left) == [0, 1, 2]


def test_what_the_sink_raises_is_raised_as_it_was():
    error = OSError("the archive's disk is full")

    def sink(_sample_id, _png):
        raise error

    with pytest.raises(OSError, match="archive") as caught:
        play(Stage({1: until_stopped}), sink=sink)
    assert caught.value is error


def test_who_tells_the_run_to_stop_stops_all_of_it():
    told = ContainerSlot()
    stage = Stage({0: take_one_until_stopped, 1: take_one_until_stopped})
    threading.Timer(0.01, told.stop.set).start()

    with pytest.raises(RunStoppedError):
        play(stage, slot=told)
    assert sorted(stage.left) == [0, 1]


def interrupt_the_main_thread():
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


def test_ctrl_c_reaches_the_main_thread_and_ends_every_container():
    def interrupted(samples, sink, slot):
        interrupt_the_main_thread()
        return until_stopped(samples, sink, slot)

    stage = Stage({0: take_one_until_stopped, 1: interrupted})

    with pytest.raises(KeyboardInterrupt):
        play(stage)
    assert sorted(stage.left) == [0, 1]


def test_a_second_ctrl_c_does_not_wait_for_a_container_that_is_not_removed():
    engine_answers = threading.Event()

    def impatient(samples, sink, slot):
        interrupt_the_main_thread()
        wait_for(slot.stop)
        interrupt_the_main_thread()
        return until_stopped(samples, sink, slot)

    def stuck(samples, sink, slot):
        del samples, sink, slot
        wait_for(engine_answers)
        return done()

    stage = Stage({0: stuck, 1: impatient})
    try:
        with pytest.raises(KeyboardInterrupt):
            play(stage)
        assert 0 not in stage.left
        assert all(thread.daemon for thread in stage.threads)
    finally:
        engine_answers.set()
        for thread in stage.threads:
            thread.join(PATIENCE)


def test_a_container_that_fails_to_start_fails_the_run():
    def never_ready(samples, sink, slot):
        del samples, sink, slot
        return failed(FailureReason.NOT_READY, detail="no ready line within 120 s")

    outcome = play(Stage({0: take_one_until_stopped, 1: never_ready}))

    assert outcome.reason is FailureReason.NOT_READY
    assert outcome.detail == "no ready line within 120 s (worker 2 of 2)"


def test_a_refusal_is_blamed_on_the_sample_and_container_that_it_is_about():
    answered = threading.Event()
    wrong = []

    def first(samples, sink, slot):
        sample = next(iter(samples))
        wrong.append(sample.id)
        sink(sample.id, sample.png)
        answered.set()
        return until_stopped(samples, sink, slot)

    def second(samples, sink, slot):
        wait_for(answered)
        return answer_all(samples, sink, slot)

    def sink(sample_id, _png):
        # as the scorer, which looks at an answer while others are coming in
        if sample_id not in wrong:
            refusal = PredictionRejectedError(FailureReason.WRONG_SIZE, "it is 3x3, not 16x12")
            raise RejectedSampleError(refusal, wrong[0])

    outcome = play(Stage({0: first, 1: second}), sink=sink)

    assert outcome.reason is FailureReason.WRONG_SIZE
    assert outcome.sample_id == wrong[0]
    assert outcome.detail == "it is 3x3, not 16x12 (worker 1 of 2)"
    assert outcome.predictions == 1


def test_samples_that_can_not_be_read_are_ours_whoever_asked_for_them():
    error = BenchmarkError("image 3 is not the one in its manifest", remedy="Build again.")
    answered, met = threading.Event(), threading.Event()
    first_threads = []

    def torn():
        yield from SAMPLES[:3]
        raise error

    def first(samples, sink, slot):
        for sample in (next(samples), next(samples), next(samples)):
            sink(sample.id, sample.png)
        first_threads.append(threading.current_thread())
        answered.set()
        wait_for(met)
        return answer_all(samples, sink, slot)  # for it there are no more, and it completes

    def second(samples, sink, slot):
        del sink, slot
        wait_for(answered)
        try:
            next(samples)
        except BenchmarkError:
            met.set()
            first_threads[0].join(PATIENCE)
            raise
        return done()

    with pytest.raises(BenchmarkError) as caught:
        play(Stage({0: first, 1: second}), samples=torn())
    assert caught.value is error


def test_a_run_is_not_complete_while_an_answer_is_missing():
    def forgetful(samples, sink, slot):
        del slot
        for sample in samples:
            if sample.id != IDS[3]:
                sink(sample.id, sample.png)
        return done()

    with pytest.raises(RunInterruptedError, match="6 samples taken and 5 answered"):
        play(Stage({0: forgetful, 1: forgetful}))


def test_a_thread_that_can_not_be_started_ends_those_that_were(monkeypatch):
    stage = Stage({0: take_one_until_stopped})
    start = threading.Thread.start

    def only_one(thread):
        if stage.threads or threading.active_count() > before:
            message = "can't start new thread"
            raise RuntimeError(message)
        start(thread)

    before = threading.active_count()
    monkeypatch.setattr(threading.Thread, "start", only_one)
    with pytest.raises(RuntimeError, match="can't start"):
        play(stage)
    assert stage.left == [0]


def test_a_container_that_fails_with_nothing_left_to_do_fails_the_run_as_one_worker_does():
    def fail_at_the_end(samples, _sink, _slot):
        assert list(samples) == []
        return failed(FailureReason.EXIT_CODE)

    found = [play(Stage({0: fail_at_the_end}), workers=n, samples=[]) for n in (1, 2)]
    told = [(o.status, o.reason, o.exit_code, o.predictions) for o in found]
    assert told == [(RunStatus.SUBMISSION_FAILED, FailureReason.EXIT_CODE, 1, 0)] * 2
