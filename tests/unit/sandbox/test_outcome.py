"""The table of states, most of them as Docker 20.10 (cgroup v1, runc, docker-init) gave them."""

import pytest

from harness.records.run import FailureReason
from harness.sandbox.conversation import Ending
from harness.sandbox.engine_events import EngineMemory
from harness.sandbox.fault import Fault
from harness.sandbox.outcome import ContainerEnd, find_disturbance, find_fault, was_disturbed


def ending(fault: FailureReason | None = None, *, answered=0, owed=2) -> Ending:
    return Ending(
        fault=Fault(reason=fault, detail="as seen", sample_id="s") if fault is not None else None,
        complete=fault is None and owed == 0,
        model_name="net",
        startup_seconds=1.0,
        predictions=answered,
        oldest_owed="first" if owed else None,
    )


def end(code: int | None, *, oom=False, disturbed: str | None = None) -> ContainerEnd:
    return ContainerEnd(exit_code=code, out_of_memory=oom, disturbed=disturbed)


def remember(*, killed=False, death=True) -> EngineMemory:
    return EngineMemory(out_of_memory=False, killed=killed, death=death)


ALL_ANSWERED = ending(answered=2, owed=0)
NOT_READY_YET = Ending(
    fault=None, complete=False, model_name=None, startup_seconds=None, predictions=0
)


@pytest.mark.parametrize(
    ("spoken", "state", "reason"),
    [
        # All answered: only the exit counts.
        (ALL_ANSWERED, end(0), None),
        (ALL_ANSWERED, end(0, oom=True), None),
        (ALL_ANSWERED, end(1), FailureReason.EXIT_CODE),
        (ALL_ANSWERED, end(139), FailureReason.EXIT_CODE),
        (ALL_ANSWERED, end(137, oom=True), FailureReason.OUT_OF_MEMORY),
        (ALL_ANSWERED, end(None), FailureReason.DID_NOT_EXIT),
        # Ended before everything was answered.
        (ending(), end(0), FailureReason.EXITED_EARLY),
        (ending(), end(1), FailureReason.EXITED_EARLY),
        (ending(), end(127), FailureReason.EXITED_EARLY),
        (ending(), end(255), FailureReason.EXITED_EARLY),
        (ending(), end(139), FailureReason.KILLED),
        (ending(), end(137), FailureReason.KILLED),
        (ending(), end(137, oom=True), FailureReason.OUT_OF_MEMORY),
        (ending(), end(1, oom=True), FailureReason.OUT_OF_MEMORY),
        (ending(), end(0, oom=True), FailureReason.OUT_OF_MEMORY),
        (ending(), end(None), FailureReason.EXITED_EARLY),
        # Ended before the ready line.
        (NOT_READY_YET, end(0), FailureReason.EXITED_EARLY),
        (NOT_READY_YET, end(1), FailureReason.EXITED_EARLY),
        (NOT_READY_YET, end(126), FailureReason.DID_NOT_START),
        (NOT_READY_YET, end(127), FailureReason.DID_NOT_START),
        (NOT_READY_YET, end(137, oom=True), FailureReason.OUT_OF_MEMORY),
        # A fault in what it said stays its fault, however it ended then.
        (ending(FailureReason.BAD_HEADER), end(None), FailureReason.BAD_HEADER),
        (ending(FailureReason.BAD_HEADER), end(0), FailureReason.BAD_HEADER),
        (ending(FailureReason.BAD_HEADER), end(137, oom=True), FailureReason.BAD_HEADER),
        (ending(FailureReason.WRONG_SIZE), end(1), FailureReason.WRONG_SIZE),
        (ending(FailureReason.EXTRA_OUTPUT), end(0), FailureReason.EXTRA_OUTPUT),
        # A silence is explained by a process that the kernel killed.
        (ending(FailureReason.IMAGE_TIMEOUT), end(None), FailureReason.IMAGE_TIMEOUT),
        (ending(FailureReason.IMAGE_TIMEOUT), end(None, oom=True), FailureReason.OUT_OF_MEMORY),
        (ending(FailureReason.NOT_READY), end(None, oom=True), FailureReason.OUT_OF_MEMORY),
        (ending(FailureReason.DID_NOT_EXIT), end(None, oom=True), FailureReason.OUT_OF_MEMORY),
        (ending(FailureReason.TOTAL_TIMEOUT), end(None, oom=True), FailureReason.TOTAL_TIMEOUT),
    ],
)
def test_each_state_has_its_reason(spoken, state, reason):
    fault = find_fault(spoken, state)

    assert (fault.reason if fault is not None else None) == reason


def test_the_sentences_say_how_it_ended():
    assert (
        find_fault(ending(answered=3), end(1)).detail == "it exited with code 1 after 3 predictions"
    )
    assert (
        find_fault(NOT_READY_YET, end(139)).detail
        == "it was ended by SIGSEGV (exit code 139) before its ready line"
    )
    assert (
        find_fault(NOT_READY_YET, end(127)).detail
        == "the image's command was not found (exit code 127)"
    )
    assert find_fault(ending(FailureReason.NOT_READY), end(None, oom=True)).detail == (
        "the kernel killed a process of it for the memory limit; then as seen"
    )
    assert find_fault(ending(FailureReason.BAD_HEADER), end(None)).sample_id == "s"


@pytest.mark.parametrize(
    ("spoken", "state", "disturbed"),
    [
        (ending(), end(137, disturbed="was stopped"), True),
        (ALL_ANSWERED, end(143, disturbed="was stopped"), True),
        (ending(), end(137), False),
        (ending(), end(137, oom=True, disturbed="was stopped"), False),
        (ALL_ANSWERED, end(0, disturbed="was stopped"), False),
        (ending(), end(0, disturbed="was stopped"), True),
        (ending(), end(1, disturbed="was stopped"), True),
        (ALL_ANSWERED, end(1, disturbed="was stopped"), True),
        (ending(FailureReason.BAD_HEADER), end(137, disturbed="was stopped"), False),
        (ending(FailureReason.IMAGE_TIMEOUT), end(None, disturbed="was paused"), True),
        (ending(FailureReason.NOT_READY), end(None, disturbed="was paused"), True),
        (ending(FailureReason.IMAGE_TIMEOUT), end(None), False),
    ],
)
def test_someone_elses_doing_is_not_the_submissions(spoken, state, disturbed):
    assert was_disturbed(spoken, state) is disturbed


@pytest.mark.parametrize(
    ("spoken", "code", "remembered", "said"),
    [
        # told to stop, it ends with whatever code its author chose
        *((ending(), code, remember(killed=True), "by someone else") for code in (0, 1, 143, None)),
        (ALL_ANSWERED, 1, remember(killed=True), "by someone else"),
        (ending(FailureReason.IMAGE_TIMEOUT), None, remember(killed=True), "by someone else"),
        # the engine was gone when it ended
        (ending(), 137, remember(death=False), "by a restart of the engine"),
        # its own doing
        *((ending(), code, remember(), None) for code in (0, 1, 137, None)),
        (ending(), 1, remember(death=False), None),
        (ending(FailureReason.IMAGE_TIMEOUT), 137, remember(death=False), None),
    ],
)
def test_what_the_engine_did_for_someone_else_is_named(spoken, code, remembered, said):
    found = find_disturbance(spoken, code, remembered)

    assert (found is None) if said is None else found.endswith(said)


@pytest.mark.parametrize(
    "state", [end(1), end(139), end(None), end(137, oom=True)], ids=["left", "died", "mute", "full"]
)
def test_one_that_ends_early_was_at_work_on_what_it_owed_for_longest(state):
    fault = find_fault(ending(), state)

    assert fault is not None
    assert fault.sample_id == "first"


def test_one_that_never_was_ready_was_at_work_on_nothing():
    fault = find_fault(NOT_READY_YET, end(1))

    assert fault is not None
    assert fault.sample_id is None
