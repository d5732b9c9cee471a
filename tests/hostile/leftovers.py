"""What an attack could leave behind: containers, images, volumes, processes, files."""

from collections.abc import Iterable
from pathlib import Path

import docker

from harness.sandbox.owner import RUN_LABEL

SUITE_LABEL = "harness.test.hostile"
"""On every image of the suite, with its mark."""
PROBED = tuple(map(Path, ("/", "/root", "/tmp", "/var/tmp", "/dev/shm")))
"""Folders of this machine in which a file that got out of a container would show."""


class Leftovers:
    """Looks for what is of the suite, and of nobody else who uses the same engine."""

    def __init__(self, engine: docker.DockerClient, mark: str) -> None:
        """Look for what carries `mark`, which every process of the suite has in its environment."""
        self._api = engine.api
        self._mark = mark
        self._wanted_images: set[str] = set()
        self._run_ids: set[str] = set()
        self._volumes: set[str] = set()

    def keep_images(self) -> None:
        """Take the images that are there now for the suite's own."""
        self._wanted_images = set(self._images_there())

    def keep_no_images(self) -> None:
        """From now on, no image may be there."""
        self._wanted_images = set()

    def of_runs(self, run_ids: Iterable[str]) -> None:
        """Look for containers of these runs, too."""
        self._run_ids.update(run_ids)

    def of_volumes(self, names: Iterable[str]) -> None:
        """Look for these volumes, too: those that a container of the suite was seen with."""
        self._volumes.update(names)

    def found(self) -> list[str]:
        """Return what is there, each in a few words."""
        return [*self._containers(), *self._images(), *self._volumes_there(), *self.on_machine()]

    def _containers(self) -> list[str]:
        there = self._api.containers(all=True, filters={"label": RUN_LABEL})
        ours = [entry for entry in there if entry["Labels"][RUN_LABEL] in self._run_ids]
        return [f"container {entry['Id']}" for entry in ours]

    def _images(self) -> list[str]:
        there = self._images_there()
        return [f"image {image}" for image in there if image not in self._wanted_images]

    def _images_there(self) -> list[str]:
        ours = {"label": f"{SUITE_LABEL}={self._mark}"}
        return self._api.images(quiet=True, all=True, filters=ours)

    def _volumes_there(self) -> list[str]:
        there = {volume["Name"] for volume in self._api.volumes()["Volumes"] or ()}
        return [f"volume {name}" for name in there & self._volumes]

    def on_machine(self) -> list[str]:
        """Return processes and files of this machine; of a remote engine's they can't be seen."""
        environs = Path("/proc").glob("[0-9]*/environ")
        processes = [f"process {path.parent.name}" for path in environs if self._is_ours(path)]
        files = [path for place in PROBED for path in place.glob(f"*{self._mark}*")]
        return [*processes, *(f"file {path}" for path in files)]

    def _is_ours(self, environ: Path) -> bool:
        try:
            return f"HOSTILE_MARK={self._mark}".encode() in environ.read_bytes()
        except OSError:  # it has just ended, or is another user's
            return False
