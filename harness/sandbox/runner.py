"""What runs a submission, for whoever evaluates one; nothing of any engine."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from harness.records.run import RunOutcome, StreamedSample
from harness.records.submission import ContainerLimits

PredictionSink = Callable[[str, bytes], None]
"""Takes (sample id, PNG bytes) of one answer; raises PredictionRejectedError to refuse it."""


@dataclass(frozen=True, kw_only=True)
class ContainerSlot:
    """Which of a run's containers one is, and how it is told to end."""

    number: int = 0
    """Its number, from 0."""
    gpu_ids: tuple[str, ...] = ()
    """The GPUs that it gets, as the engine names them; empty leaves the choice to the engine."""
    stop: Event = field(default_factory=Event)
    """Set from any thread: the container is given up at once."""


ONLY_CONTAINER = ContainerSlot()
"""The slot of a run that has one container and is never told to stop."""


class SubmissionRunner(Protocol):
    """Runs one image over a stream of samples (DESIGN.md, Prediction stream)."""

    def run(
        self,
        image_digest: str,
        samples: Iterable[StreamedSample],
        *,
        limits: ContainerLimits,
        run_id: str,
        on_prediction: PredictionSink,
        slot: ContainerSlot = ONLY_CONTAINER,
    ) -> RunOutcome:
        """Return how the container fared; `on_prediction` is called once per answer, in any order.

        A fault of the submission is a value in the outcome; ours is raised.

        Raises:
            EngineError: The engine is down or refuses.
            ImageBuildError: There is no such image, or it is not one that can be run.
            RunInterruptedError: The engine was lost while the container ran.
            RunStoppedError: `slot.stop` was set.
        """
        ...
