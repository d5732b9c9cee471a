"""Ctrl-C once stops cleanly, twice at once; what was ignored stays ignored."""

import os
import signal
from contextlib import contextmanager

import click
import pytest

from harness.cli.interrupts import INTERRUPTED, Interrupts, StoppableRunner, interruptible
from harness.errors import RunStoppedError
from harness.records.submission import ContainerLimits
from harness.sandbox.runner import ContainerSlot


class Listening:
    """A runner that lets a signal come while it runs, and answers with its slot."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def run(self, image_digest, samples, *, limits, run_id, on_prediction, slot):
        del image_digest, samples, limits, run_id, on_prediction
        for number in self.numbers:
            signal.raise_signal(number)
        if slot.stop.is_set():
            msg = "stopped; 5 of 12 images are kept"
            raise RunStoppedError(msg, remedy="Run the same command again to go on.")
        return slot


def run(interrupts, *numbers, slot=None):
    return StoppableRunner(Listening(*numbers), interrupts).run(
        "sha256:0",
        [],
        limits=ContainerLimits(),
        run_id="0123456789ab",
        on_prediction=lambda _id, _png: None,
        slot=slot,
    )


@pytest.fixture(autouse=True)
def handlers():
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_container_runs_stops_it_and_ends_with_130(number, capfd):
    with pytest.raises(click.exceptions.Exit) as ended, interruptible() as interrupts:
        run(interrupts, number)
    assert ended.value.exit_code == INTERRUPTED == 130
    said = capfd.readouterr().err
    assert "once more ends it at once" in said
    assert "harness: stopped; 5 of 12 images are kept. Run the same command again" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_other_time_interrupts(number):
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)


def test_the_second_signal_ends_the_process_at_once(monkeypatch):
    codes = []

    def leave(code):
        codes.append(code)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit), interruptible() as interrupts:
        run(interrupts, signal.SIGINT, signal.SIGINT)
    assert codes == [130]


def test_a_signal_just_before_the_container_is_not_lost():
    interrupts = Interrupts()
    interrupts.stop.set()
    with pytest.raises(KeyboardInterrupt):
        run(interrupts)


def test_what_was_ignored_stays_ignored_and_handlers_come_back():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as interrupts:
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        signal.raise_signal(signal.SIGHUP)
        assert not interrupts.stop.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_stopped_by_something_else_is_an_error():
    stopped = RunStoppedError("stopped", remedy="Go on.")
    with pytest.raises(RunStoppedError), interruptible():
        raise stopped


def test_the_slot_keeps_its_number_and_gpus():
    interrupts = Interrupts()
    slot = run(interrupts, slot=ContainerSlot(number=3, gpu_ids=("1",)))
    assert (slot.number, slot.gpu_ids, slot.stop) == (3, ("1",), interrupts.stop)


def test_a_terminal_that_is_gone_stops_a_run_as_cleanly_as_ctrl_c(monkeypatch):
    """As where an ssh connection breaks: writing fails, and the shell sends SIGHUP once more."""
    monkeypatch.setattr(os, "_exit", lambda code: pytest.fail(f"left at once with {code}"))
    kept = os.dup(2)
    master, slave = os.openpty()
    try:
        os.dup2(slave, 2)
        os.close(master)
        with pytest.raises(RunStoppedError), _heard(Interrupts()) as interrupts:
            run(interrupts, signal.SIGHUP, signal.SIGHUP)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(slave)
    assert interrupts.stop.is_set()


@contextmanager
def _heard(interrupts):
    """Let SIGHUP go to `interrupts`, without the message at the end."""
    former = signal.signal(signal.SIGHUP, interrupts.receive)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGHUP, former)
