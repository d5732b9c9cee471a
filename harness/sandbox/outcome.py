"""Why a run ended as it did, from the conversation and the engine's state; nothing of printed text.

Everything here is a pure table: it is tested against recorded states, without an engine.
"""

import signal
from dataclasses import dataclass

from harness.records.run import FailureReason
from harness.sandbox.conversation import Ending
from harness.sandbox.engine_events import EngineMemory
from harness.sandbox.fault import Fault

_COMMAND_CANNOT_RUN = 126
_COMMAND_NOT_FOUND = 127
_SIGNAL_BASE = 128
"""A shell's and an init's exit code for a child that signal N ended is 128 + N."""

_SILENCES = (
    *(FailureReason.NOT_READY, FailureReason.IMAGE_TIMEOUT),
    *(FailureReason.TOTAL_TIMEOUT, FailureReason.DID_NOT_EXIT),
)
"""The faults of one that said nothing wrong: whoever is paused is late as well."""


@dataclass(frozen=True, kw_only=True)
class ContainerEnd:
    """What the engine says of a container after the conversation."""

    exit_code: int | None
    """Its exit code; None where it had to be killed by us."""
    out_of_memory: bool
    """Whether the kernel killed a process in it for the memory limit."""
    disturbed: str | None = None
    """What someone else did to it, in a few words, as `was killed through the engine`."""


def find_fault(ending: Ending, end: ContainerEnd) -> Fault | None:
    """Return what the submission did wrong, or None for a completed run."""
    if end.out_of_memory and not _completed(ending, end):
        return _memory_fault(ending, end)
    if ending.fault is not None:
        return ending.fault
    if ending.complete:
        return _fault_after_answers(end)
    return _fault_before_answers(ending, end)


def was_disturbed(ending: Ending, end: ContainerEnd) -> bool:
    """Return whether the run says nothing of the submission, because someone interfered."""
    said = ending.fault is not None and ending.fault.reason not in _SILENCES
    by_itself = said or end.out_of_memory or _completed(ending, end)
    return end.disturbed is not None and not by_itself


def find_disturbance(ending: Ending, exit_code: int | None, memory: EngineMemory) -> str | None:
    """Return what someone else did to a container, from what the engine remembers of it.

    `memory` is of the time before we killed it, if we did. A program may end with any exit code
    when it is told to stop; only an end by a signal can be that of a lost engine.
    """
    if memory.killed:
        return "was ended or paused through the engine by someone else"
    by_signal = ending.fault is None and exit_code is not None and exit_code > _SIGNAL_BASE
    return "was ended by a restart of the engine" if by_signal and not memory.death else None


def _completed(ending: Ending, end: ContainerEnd) -> bool:
    return ending.fault is None and ending.complete and end.exit_code == 0


def _memory_fault(ending: Ending, end: ContainerEnd) -> Fault | None:
    """Return the memory fault, unless the conversation found one that memory does not explain."""
    explained = (FailureReason.NOT_READY, FailureReason.IMAGE_TIMEOUT, FailureReason.DID_NOT_EXIT)
    if ending.fault is not None and ending.fault.reason not in explained:
        return ending.fault
    then = f"; then {ending.fault.detail}" if ending.fault is not None else ""
    code = f" (exit code {end.exit_code})" if end.exit_code is not None else ""
    return Fault(
        reason=FailureReason.OUT_OF_MEMORY,
        detail=f"the kernel killed a process of it for the memory limit{code}{then}",
        sample_id=ending.oldest_owed,
    )


def _fault_after_answers(end: ContainerEnd) -> Fault | None:
    if end.exit_code == 0:
        return None
    if end.exit_code is None:
        return Fault(
            reason=FailureReason.DID_NOT_EXIT,
            detail="it answered everything and closed its outputs, but did not exit",
        )
    return Fault(
        reason=FailureReason.EXIT_CODE,
        detail=f"it answered everything, but {_describe_exit(end.exit_code)}",
    )


def _fault_before_answers(ending: Ending, end: ContainerEnd) -> Fault:
    """Return the fault of one that left, probably at work on what it had owed for longest."""
    ready = ending.startup_seconds is not None
    when = f"after {ending.predictions} predictions" if ready else "before its ready line"
    code = end.exit_code
    if code is None:
        return Fault(
            reason=FailureReason.EXITED_EARLY,
            detail=f"it closed its outputs {when} and did not exit",
            sample_id=ending.oldest_owed,
        )
    if not ready and code in (_COMMAND_CANNOT_RUN, _COMMAND_NOT_FOUND):
        cause = "was not found" if code == _COMMAND_NOT_FOUND else "can't be executed"
        return Fault(
            reason=FailureReason.DID_NOT_START,
            detail=f"the image's command {cause} (exit code {code})",
        )
    reason = FailureReason.KILLED if _signal_name(code) else FailureReason.EXITED_EARLY
    return Fault(
        reason=reason,
        detail=f"it {_describe_exit(code)} {when}",
        sample_id=ending.oldest_owed,
    )


def _describe_exit(code: int) -> str:
    name = _signal_name(code)
    return f"was ended by {name} (exit code {code})" if name else f"exited with code {code}"


def _signal_name(code: int) -> str | None:
    try:
        return signal.Signals(code - _SIGNAL_BASE).name
    except ValueError:
        return None
