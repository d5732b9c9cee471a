"""Finds a model's files in a folder, the hub's cache or on the hub: as promised or not at all."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checkpoints.digests import DigestMemory
from harness.checkpoints.hub import HubRequest, cache_folder, cached_snapshot, fetch_snapshot
from harness.checkpoints.place import WeightsPlace
from harness.checkpoints.proof import FoundFiles, check_pins, prove
from harness.editing.diffusion.model_files import (
    NOT_FOUND,
    OTHER_BYTES,
    SUFFIXES,
    FileSet,
    collect,
)
from harness.errors import WeightsError

logger = logging.getLogger(__name__)


def find_files(
    sets: tuple[FileSet, ...], *, pinned: Mapping[str, str], place: WeightsPlace
) -> FoundFiles:
    """Return the files of `sets`, each of `pinned` with exactly the bytes that were promised.

    Raises:
        WeightsError: They are nowhere, incomplete, or other than promised.
        DiskFullError: There is no room for what the hub sends.
    """
    memory = DigestMemory.load(place.digests)
    try:
        found = [_Search(files, _pins_of(files, pinned), place, memory).run() for files in sets]
    finally:
        memory.save()
    paths = {name: path for one in found for name, path in one.paths.items()}
    digests = {name: digest for one in found for name, digest in one.digests.items()}
    check_pins(pinned, digests, remedy=OTHER_BYTES)
    return FoundFiles(paths=paths, digests=dict(sorted(digests.items())))


@dataclass(frozen=True)
class _Search:
    """The search for one set of files."""

    files: FileSet
    pinned: Mapping[str, str]
    place: WeightsPlace
    memory: DigestMemory

    def run(self) -> FoundFiles:
        """Return the files from the first place that has them as promised."""
        folder = self.place.folder
        if folder is not None:
            paths = collect(folder, self.files, prefix=self.files.prefix)
            return self._proven(paths)
        said: list[str] = []
        for repository in self.files.repositories:
            try:
                found = self._in_cache(repository)
            except WeightsError as error:
                said.append(f"{repository} in the cache: {str(error).rstrip('.')}")
                continue
            if found is not None:
                return found
        for repository in () if self.place.offline else self.files.repositories:
            try:
                return self._on_hub(repository)
            except WeightsError as error:
                said.append(f"{repository} on the hub: {str(error).rstrip('.')}")
        raise self._nowhere(said)

    def _in_cache(self, repository: str) -> FoundFiles | None:
        """Return the files of a whole snapshot in the cache; None where there is none."""
        for suffix in SUFFIXES:
            wanted = HubRequest(repository=repository, patterns=self.files.wanted(suffix))
            folder = cached_snapshot(wanted, self.place)
            if folder is None:
                continue
            try:
                paths = collect(folder, self.files, prefix="")
            except WeightsError:
                continue
            return self._proven(paths)
        return None

    def _on_hub(self, repository: str) -> FoundFiles:
        """Return the files from the hub; half precision only where there is nothing else."""
        logger.info("asking the hub for %s from %s", self.files.title, repository)
        # Settings first, so that a wrong one is known before gigabytes are fetched.
        settings = replace(self.files, weights=())
        small = collect(self._fetch(repository, settings.wanted("")), settings, prefix="")
        pinned = {name: digest for name, digest in self.pinned.items() if name in small}
        prove(small, pinned, self.memory, remedy=OTHER_BYTES)
        faults: list[WeightsError] = []
        for suffix in SUFFIXES:
            folder = self._fetch(repository, self.files.wanted(suffix))
            try:
                paths = collect(folder, self.files, prefix="")
            except WeightsError as error:
                faults.append(error)
            else:
                return self._proven(paths)
        raise faults[0]

    def _fetch(self, repository: str, names: tuple[str, ...]) -> Path:
        request = HubRequest(repository=repository, patterns=names)
        return fetch_snapshot(request, self.place, title=self.files.title, remedy=NOT_FOUND)

    def _proven(self, paths: Mapping[str, Path]) -> FoundFiles:
        return prove(paths, self.pinned, self.memory, remedy=OTHER_BYTES)

    def _nowhere(self, said: list[str]) -> WeightsError:
        listed = "; ".join([f"nothing of use in the hub's cache {cache_folder(self.place)}", *said])
        if self.place.offline:
            listed += f"; {', '.join(self.files.repositories)} not asked, as the hub is left alone"
        return WeightsError(f"{self.files.title} was not found: {listed}", remedy=NOT_FOUND)


def _pins_of(files: FileSet, pinned: Mapping[str, str]) -> dict[str, str]:
    """Return those of `pinned` that are of this set: ControlNet files begin with its prefix."""
    own = files.prefix or None
    return {
        name: digest
        for name, digest in pinned.items()
        if (name.startswith(own) if own else not name.startswith("controlnet/"))
    }
