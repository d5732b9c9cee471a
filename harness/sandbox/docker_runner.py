"""Runs a submission in a hardened container of a Docker-compatible engine; nothing of scores."""

import time
from collections.abc import Collection, Iterable
from functools import cached_property

import docker

from harness.errors import RunInterruptedError
from harness.records.run import FailureReason, RunOutcome, RunStatus, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.container import Container
from harness.sandbox.conversation import Conversation, Ending
from harness.sandbox.deadlines import ContainerClock
from harness.sandbox.engine import EngineDescription, describe
from harness.sandbox.frames import FramingError
from harness.sandbox.hidden_ids import HiddenIds
from harness.sandbox.orphans import new_labels, remove_orphans
from harness.sandbox.outcome import ContainerEnd, find_disturbance, find_fault, was_disturbed
from harness.sandbox.owner import container_name
from harness.sandbox.runner import ONLY_CONTAINER, ContainerSlot, PredictionSink
from harness.sandbox.wall_check import refuse_unenforced

_KILL_SECONDS = 10.0


class DockerRunner:
    """A `SubmissionRunner` over one engine; it keeps only what that engine is."""

    def __init__(
        self,
        client: docker.DockerClient,
        *,
        salt: str = "",
        allow_unenforced: Collection[str] = (),
    ) -> None:
        """Run on `client`'s engine; `allow_unenforced` are the walls that it need not enforce.

        `salt` is the digest of the benchmark that is streamed: ids are hidden under it.
        """
        self._client = client
        self._salt = salt
        self._allow_unenforced = allow_unenforced

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
        """Return how the container fared; `on_prediction` is called in this thread.

        While `on_prediction` or `samples` keeps it, the container's deadlines stand still. It sees
        ids that say nothing to it (see `hidden_ids`). The container is gone when this returns or
        raises. Orphans of earlier runs are removed first.

        Raises:
            EngineError: The engine is down, refuses, or does not build a wall it was asked for.
            ImageBuildError: There is no such image, or it is not one that can be run.
            RunInterruptedError: The engine was lost, or someone ended the container.
            RunStoppedError: `slot.stop` was set.
        """
        remove_orphans(self._client)
        container = self._container(container_name(run_id, slot.number))
        labels = new_labels(self._client, run_id, limits=limits)
        try:
            container.create(image_digest, limits, labels=labels, gpu_ids=slot.gpu_ids)
            wire = container.attach()
            if not container.start():
                return _never_started(container.state().error)
            ids = HiddenIds(image_digest, salt=self._salt)
            conversation = Conversation(
                wire,
                ids.hiding(samples),
                limits=limits,
                clock=ContainerClock(time.monotonic),
                on_prediction=lambda hidden, png: on_prediction(ids.reveal(hidden), png),
                stop=slot.stop,
            )
            return ids.revealing(_watch(container, conversation, limits))
        finally:
            container.remove()

    def _container(self, name: str) -> Container:
        refuse_unenforced(self._engine, waived=self._allow_unenforced)
        return Container(self._client, name, engine=self._engine, waived=self._allow_unenforced)

    @cached_property
    def _engine(self) -> EngineDescription:
        return describe(self._client)


def _watch(container: Container, conversation: Conversation, limits: ContainerLimits) -> RunOutcome:
    began = time.monotonic()
    try:
        ending = conversation.hold()
    except FramingError as error:
        msg = f"the container engine garbled a submission's output: {error}"
        raise RunInterruptedError(
            msg,
            remedy="What was predicted is kept: run the same command again to go on.",
        ) from error
    with conversation.draining():
        end = _find_end(container, ending, limits)
    if was_disturbed(ending, end):
        msg = f"the submission's container {end.disturbed} while it ran"
        raise RunInterruptedError(
            msg,
            remedy="What was predicted is kept: run the same command again to go on.",
        )
    fault = find_fault(ending, end)
    return RunOutcome(
        status=RunStatus.COMPLETED if fault is None else RunStatus.SUBMISSION_FAILED,
        reason=fault.reason if fault is not None else None,
        sample_id=fault.sample_id if fault is not None else None,
        detail=fault.detail if fault is not None else "",
        log=conversation.log.text(),
        exit_code=end.exit_code,
        model_name=ending.model_name,
        startup_seconds=ending.startup_seconds,
        total_seconds=time.monotonic() - began,
        predictions=ending.predictions,
    )


def _find_end(container: Container, ending: Ending, limits: ContainerLimits) -> ContainerEnd:
    """Return how the container ended; it is killed where it did not end by itself in time."""
    # After a fault nothing is waited for; an exit that is already there still counts.
    state = container.wait(0.0 if ending.fault is not None else limits.exit_seconds)
    exit_code = None if state.running else state.exit_code
    if exit_code == 0 and ending.fault is None and ending.complete:
        return ContainerEnd(exit_code=exit_code, out_of_memory=state.oom_killed)
    memory = container.memory()
    disturbed = find_disturbance(ending, exit_code, memory)
    if state.running:  # only now: our own kill is nobody else's
        container.kill()
        state = container.wait(_KILL_SECONDS)
        memory = container.memory()
    return ContainerEnd(
        exit_code=exit_code,
        out_of_memory=state.oom_killed or memory.out_of_memory,
        disturbed=disturbed,
    )


def _never_started(error: str) -> RunOutcome:
    return RunOutcome(
        status=RunStatus.SUBMISSION_FAILED,
        reason=FailureReason.DID_NOT_START,
        detail=f"the engine could not start the image's command: {error}",
        total_seconds=0.0,
        predictions=0,
    )
