"""Every error of the harness, with its exit code and remedy; there are no others."""

from functools import partial


class HarnessError(Exception):
    """What went wrong, for what, and what to do about it.

    Attributes:
        exit_code: The process's exit code (README, "Exit codes").
        remedy: What the user can do, as a sentence.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        """Return how it is rebuilt in another process, remedy included."""
        return (partial(type(self), remedy=self.remedy), (str(self),))

    def one_line(self) -> str:
        """Return message and remedy on one line."""
        message = str(self).rstrip(".")
        return " ".join(f"{message}. {self.remedy}".split())


class VerificationError(HarnessError):
    """A benchmark is not the promised one."""

    exit_code = 3


class RecipeError(HarnessError):
    """A recipe is unknown or says something that can't be built."""

    exit_code = 4


class SubmissionError(HarnessError):
    """A submission is unknown or its folder is not a valid one."""

    exit_code = 5


class ImageBuildError(HarnessError):
    """A submission's image can't be built or found."""

    exit_code = 6


class EngineError(HarnessError):
    """The container engine is down or refuses."""

    exit_code = 7


class DiskFullError(HarnessError):
    """A disk is full."""

    exit_code = 8


class PermissionRefusedError(HarnessError):
    """A folder or file can't be written or read."""

    exit_code = 9


class DatabaseError(HarnessError):
    """The results database can't be used."""

    exit_code = 10


class DatabaseBusyError(HarnessError):
    """Another process writes the results database."""

    exit_code = 11


class RunBusyError(DatabaseBusyError):
    """Another process evaluates the same image on the same benchmark under the same limits."""


class SourceDataError(HarnessError):
    """Source images or labels are missing or broken."""

    exit_code = 12


class SubmissionFailedError(HarnessError):
    """A submission failed while it ran; the run is stored."""

    exit_code = 13


class RunInterruptedError(HarnessError):
    """The harness could not finish a run; it is safe to run again."""

    exit_code = 14


class RunStoppedError(RunInterruptedError):
    """A container was given up because its run was told to stop."""


class UnexplainedKillError(RunInterruptedError):
    """A container was ended by a SIGKILL that nobody explains, for the first time in its run."""


class BenchmarkError(HarnessError):
    """A benchmark is not built or its files can't be read."""

    exit_code = 15


class ImageEditError(HarnessError):
    """An edit can't be made of this image, mask and value."""

    exit_code = 16


class WeightsError(HarnessError):
    """Weights are missing or not the promised bytes."""

    exit_code = 17


class DeviceError(HarnessError):
    """There is no such GPU, or too little memory."""

    exit_code = 18


class OutputError(HarnessError):
    """An output folder holds something already, or can't take what it is to hold."""

    exit_code = 19


class OperatorError(HarnessError):
    """The operator's file says something that it can't."""

    exit_code = 20


class RunError(HarnessError):
    """A run is not stored, or its predictions can't be scored anew."""

    exit_code = 21


class PredictionRejectedError(Exception):
    """A prediction is not acceptable; the sandbox turns it into the run's outcome.

    Attributes:
        reason: The `FailureReason` value.
        detail: The reason in a sentence.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
