"""The life of one container, call by call; nothing of what is said to it."""

import logging
import socket
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors

from harness.errors import EngineError, HarnessError, ImageBuildError, RunInterruptedError
from harness.records.printable import printable
from harness.records.submission import ContainerLimits
from harness.sandbox.engine import ENGINE_FAILURES, EngineDescription
from harness.sandbox.engine_events import EngineMemory, recall
from harness.sandbox.path_look import look
from harness.sandbox.wall_check import own_tmpfs, refuse_missing_walls
from harness.sandbox.walls import container_settings, host_settings
from harness.sandbox.wire import Wire

_LOG = logging.getLogger(__name__)
_FIRST_LOOK_SECONDS = 0.005
_LONGEST_LOOK_SECONDS = 0.1
_REMOVAL_PAUSES = (0.1, 0.5, 1.0)
"""Seconds between tries to remove a container that the engine answers for and does not remove."""
_TMP = "/tmp"  # noqa: S108 - the container's own
_SHOWN_CHARACTERS = 150
"""How much an error repeats of the beginning and of the end of the engine's own words."""


@dataclass(frozen=True, kw_only=True)
class ContainerState:
    """What the engine says of a container now."""

    running: bool
    """Whether it runs."""
    exit_code: int
    """Its exit code, once it does not run."""
    oom_killed: bool
    """Whether the kernel killed a process in it for its memory limit."""
    error: str
    """What the engine says of a failed start, fit to be repeated."""


class Container:
    """One hardened container that is created, attached to, started, watched and removed."""

    def __init__(
        self,
        client: docker.DockerClient,
        name: str,
        *,
        engine: EngineDescription,
        waived: Collection[str] = (),
    ) -> None:
        """Make nothing yet; `waived` are the walls that the engine may leave out."""
        self._api = client.api
        self._name = name
        self._engine = engine
        self._waived = waived
        self._attached: Any = None
        self._wire: Wire | None = None

    def create(
        self,
        image_digest: str,
        limits: ContainerLimits,
        *,
        labels: Mapping[str, str],
        gpu_ids: Sequence[str] = (),
    ) -> None:
        """Create it, with every wall around it; `gpu_ids` says which GPUs it gets, if not any.

        Raises:
            EngineError: The engine refuses, or left out a wall.
            ImageBuildError: There is no such image, or it is not one that can be run.
        """
        with _asking("create a container", EngineError):
            config = self._image_config(image_digest)
            walls = host_settings(limits, gpu_ids=gpu_ids)
            walls["tmpfs"] |= own_tmpfs(self._engine)
            host = self._api.create_host_config(**walls)
            settings = container_settings(limits, image_environment=_environment(config))
            self._api.create_container(
                image_digest,
                name=self._name,
                labels=dict(labels),
                host_config=host,
                use_config_proxy=False,
                **settings,
            )
            made = self._api.inspect_container(self._name)
        refuse_missing_walls(
            host, made, user=settings["user"], engine=self._engine, waived=self._waived
        )
        self._refuse_odd_tmp()

    def attach(self) -> Wire:
        """Return the connection to its stdin and outputs; before the start, so nothing is missed.

        Raises:
            EngineError: The engine refuses, or is reached in a way that carries no input's end.
        """
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with _asking("attach to a container", EngineError):
            # Kept, because the connection closes when the SDK's object is collected.
            self._attached = self._api.attach_socket(self._name, params=wanted)
        connection = getattr(self._attached, "_sock", self._attached)
        if not isinstance(connection, socket.socket):
            msg = f"the engine at {self._api.base_url} offers no socket to speak with a container"
            raise EngineError(
                msg,
                remedy="Forward its socket (`ssh -L /tmp/engine.sock:/var/run/docker.sock HOST`) "
                "and set DOCKER_HOST=unix:///tmp/engine.sock.",
            )
        self._wire = Wire(connection)
        return self._wire

    def start(self) -> bool:
        """Start it; returns whether its command runs.

        Raises:
            EngineError: The engine can't start any container like this.
            RunInterruptedError: The engine was lost.
        """
        with _asking("start a container", EngineError):
            try:
                self._api.start(self._name)
            except docker.errors.APIError:
                if self.state().exit_code in (126, 127):
                    return False
                raise
        return True

    def state(self) -> ContainerState:
        """Return how it stands.

        Raises:
            RunInterruptedError: The engine was lost, or the container removed by someone else.
        """
        with _asking("ask for a container's state", RunInterruptedError):
            state = self._api.inspect_container(self._name)["State"]
        return ContainerState(
            running=bool(state.get("Running")),
            exit_code=int(state.get("ExitCode") or 0),
            oom_killed=bool(state.get("OOMKilled")),
            error=_shown(str(state.get("Error") or "")),
        )

    def wait(self, seconds: float) -> ContainerState:
        """Return its state as soon as it has exited, or after `seconds`.

        Raises:
            RunInterruptedError: The engine was lost, or the container removed by someone else.
        """
        until, pause = time.monotonic() + seconds, _FIRST_LOOK_SECONDS
        while (state := self.state()).running and time.monotonic() < until:
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_LOOK_SECONDS)
        return state

    def kill(self) -> None:
        """End it, if it still runs.

        Raises:
            RunInterruptedError: The engine was lost.
        """
        with _asking("kill a container", RunInterruptedError):
            try:
                self._api.kill(self._name)
            except docker.errors.APIError as error:
                if not error.is_client_error():
                    raise

    def memory(self) -> EngineMemory:
        """Return what the engine remembers of its life.

        Raises:
            RunInterruptedError: The engine was lost.
        """
        with _asking("ask for a container's events", RunInterruptedError):
            return recall(self._api, self._name, engine=self._engine)

    def remove(self) -> None:
        """Remove it with its volumes, running or not; what fails is logged: the next run tries."""
        if self._wire is not None:
            # First: an engine that can't get rid of a container's output does not let go of it.
            # An encrypted socket stays open for as long as the SDK's answer holds on to it.
            answer = getattr(self._attached, "_response", None)
            for held in (self._wire, answer, self._attached):
                # Whatever has been closed already, the container goes.
                with suppress(OSError, ValueError):
                    if held is not None:
                        held.close()
        for pause in (*_REMOVAL_PAUSES, None):
            try:
                self._api.remove_container(self._name, force=True, v=True)
            except docker.errors.NotFound:
                return
            except ENGINE_FAILURES as error:
                # Podman refuses for as long as it deals with a container's own end.
                if pause is not None and isinstance(error, docker.errors.APIError):
                    time.sleep(pause)
                    continue
                # As text: a kept log record would keep the error's frames and their sockets alive.
                _LOG.warning("the container %s could not be removed: %s", self._name, str(error))
            return

    def _refuse_odd_tmp(self) -> None:
        """Refuse an image whose /tmp is a link: an engine follows it, and fails as if at fault."""
        with _asking("look into a container", EngineError):
            tmp = look(self._api, self._name, _TMP)
        if tmp is not None and (tmp.target is not None or not tmp.folder):
            msg = f"the image's {_TMP} is no folder of its own: it is a link or a file"
            raise ImageBuildError(
                msg,
                remedy=f"Leave {_TMP} as the base image has it: a submission gets an empty one.",
            )

    def _image_config(self, image_digest: str) -> dict[str, Any]:
        try:
            # no-untyped-call: the SDK's stubs leave it out
            image: dict[str, Any] = self._api.inspect_image(image_digest)  # type: ignore[no-untyped-call]
        except docker.errors.ImageNotFound as error:
            msg = f"the engine has no image {image_digest}"
            raise ImageBuildError(
                msg,
                remedy="Build the submission again, or pull the image.",
            ) from error
        config: dict[str, Any] = image.get("Config") or {}
        if not config.get("Cmd") and not config.get("Entrypoint"):
            msg = f"the image {image_digest} says no command to run"
            raise ImageBuildError(
                msg,
                remedy='End its Dockerfile with a CMD, as in `CMD ["python3", "predict.py"]`.',
            )
        if config.get("Volumes"):
            volumes = ", ".join(sorted(config["Volumes"]))
            # The engine would give each one a writable folder on its disk, without a limit.
            msg = f"the image {image_digest} declares volumes: {volumes}"
            raise ImageBuildError(
                msg,
                remedy="Take VOLUME out of its Dockerfile, or use a base image without; a "
                "submission writes to /tmp only.",
            )
        return config


def _environment(config: Mapping[str, Any]) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in config.get("Env") or ())
    return {name: value for name, _, value in pairs}


@contextmanager
def _asking(what: str, kind: type[HarnessError]) -> Iterator[None]:
    try:
        yield
    except ENGINE_FAILURES as error:
        raise _refused(what, error, kind) from error


def _refused(what: str, error: Exception, kind: type[HarnessError]) -> HarnessError:
    said = _shown(str(getattr(error, "explanation", None) or error) or type(error).__name__)
    if kind is RunInterruptedError:
        return RunInterruptedError(
            f"the container engine was lost while a submission ran (to {what}): {said}",
            remedy="See whether the engine runs (`harness doctor`). What was predicted is kept: "
            "run the same command again to go on.",
        )
    return EngineError(
        f"the container engine refuses to {what}: {said}",
        remedy="`harness doctor` shows what the engine offers; ask for limits that it can give.",
    )


def _shown(text: str) -> str:
    """Return the engine's words; they may repeat names out of an image, hostile and endless."""
    plain = printable(" ".join(text.split()))
    if len(plain) <= 2 * _SHOWN_CHARACTERS:
        return plain
    return f"{plain[:_SHOWN_CHARACTERS]} ... {plain[-_SHOWN_CHARACTERS:]}"
