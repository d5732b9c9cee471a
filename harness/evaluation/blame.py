"""Whose fault the end of a run is, beyond what the sandbox can say; nothing of containers."""

import signal

from harness.errors import HarnessError, UnexplainedKillError
from harness.evaluation.scoring import RejectedSampleError
from harness.records.run import FailureReason, RunOutcome, RunStatus

_KILLED_CODE = 128 + signal.SIGKILL


def rejected(outcome: RunOutcome, rejection: RejectedSampleError) -> RunOutcome:
    """Return `outcome` as the failure that the scoring threads found."""
    if outcome.status is RunStatus.HARNESS_FAILED:
        return outcome
    if (outcome.reason, outcome.sample_id) == (rejection.reason, rejection.sample_id):
        return outcome  # it says so already, and of several workers which one it was
    found = {
        "status": RunStatus.SUBMISSION_FAILED,
        "reason": FailureReason(rejection.reason),
        "sample_id": rejection.sample_id,
        "detail": rejection.detail,
    }
    return RunOutcome.model_validate(outcome.model_dump() | found)


def rejected_before(rejection: RejectedSampleError) -> RunOutcome:
    """Return the failure of a run one of whose kept predictions is not acceptable any more.

    The harness that kept it was laxer than this one, which would have refused it at once.
    """
    nothing_run = RunOutcome(status=RunStatus.COMPLETED, total_seconds=0.0, predictions=0)
    return rejected(nothing_run, rejection)


def refuse_unexplained_kill(outcome: RunOutcome, *, kills_before: int) -> None:
    """Raise where a run ended by a SIGKILL that may have come from the host, once in a run.

    A SIGKILL (exit code 137) for which neither the container's memory limit nor anybody's call to
    the engine accounts - both are told apart before - is one that the submission sent itself, or
    one from outside: the machine ran out of memory and the kernel chose the container, or somebody
    killed its process on the host. Nothing tells them apart. So the first one in a run interrupts
    it, and it can be gone on with; by the second one in the same run the submission is to blame.

    Raises:
        UnexplainedKillError: It is the first one.
    """
    killed = outcome.reason in (FailureReason.KILLED, FailureReason.EXIT_CODE)
    if not killed or outcome.exit_code != _KILLED_CODE or kills_before:
        return
    msg = (
        "the submission's container was ended by SIGKILL, and neither its memory limit nor the"
        " engine says why: this machine may have run out of memory, or somebody killed it"
    )
    raise UnexplainedKillError(
        msg,
        remedy="See whether the machine has memory to spare (`dmesg`), then run the same command"
        " again to go on; the second time it counts as the submission's failure.",
    )


def harness_failure(error: BaseException, *, predictions: int, seconds: float) -> RunOutcome:
    """Return how a run ended that `error` cut off, which is ours."""
    detail = error.one_line() if isinstance(error, HarnessError) else str(error)
    return RunOutcome(
        status=RunStatus.HARNESS_FAILED,
        detail=detail,
        total_seconds=seconds,
        predictions=predictions,
    )
