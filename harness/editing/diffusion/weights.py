"""Finds a model's files in a folder, the hub's cache or on the hub: as promised or not at all."""

import errno
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is its HTTP client's
    EntryNotFoundError,
    HfHubHTTPError,
    HTTPError,
)

from harness.checkpoints.digests import DigestMemory
from harness.checkpoints.place import WeightsPlace
from harness.editing.diffusion.model_files import (
    NOT_FOUND,
    SUFFIXES,
    FileSet,
    FoundFiles,
    check_pins,
    collect,
    prove,
)
from harness.errors import DiskFullError, WeightsError

logger = logging.getLogger(__name__)

HUB_FAULTS = (HTTPError, HfHubHTTPError, EntryNotFoundError, OSError, ValueError)
"""What the hub's client raises where it has no answer."""


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
    check_pins(pinned, digests)
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
            return prove(paths, self.pinned, self.memory)
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
            wanted = self.files.wanted(suffix)
            try:
                folder = self._snapshot(repository, wanted, offline=True)
                paths = collect(folder, self.files, prefix="")
            except (*HUB_FAULTS, WeightsError):
                continue
            return prove(paths, self.pinned, self.memory)
        return None

    def _on_hub(self, repository: str) -> FoundFiles:
        """Return the files from the hub; half precision only where there is nothing else."""
        logger.info("asking the hub for %s from %s", self.files.title, repository)
        # Settings first, so that a wrong one is known before gigabytes are fetched.
        settings = replace(self.files, weights=())
        small = collect(self._fetch(repository, settings.wanted("")), settings, prefix="")
        prove(small, {n: d for n, d in self.pinned.items() if n in small}, self.memory)
        faults: list[WeightsError] = []
        for suffix in SUFFIXES:
            folder = self._fetch(repository, self.files.wanted(suffix))
            try:
                paths = collect(folder, self.files, prefix="")
            except WeightsError as error:
                faults.append(error)
            else:
                return prove(paths, self.pinned, self.memory)
        raise faults[0]

    def _fetch(self, repository: str, names: tuple[str, ...]) -> Path:
        try:
            return self._snapshot(repository, names, offline=False)
        except HUB_FAULTS as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                msg = f"there is no room for {self.files.title} in the hub's cache {self._cache()}"
                remedy = "Free some space, or point HF_HOME at a disk that has it."
                raise DiskFullError(msg, remedy=remedy) from error
            msg = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise WeightsError(msg, remedy=NOT_FOUND) from error

    def _snapshot(self, repository: str, names: tuple[str, ...], *, offline: bool) -> Path:
        folder = snapshot_download(
            repository,
            cache_dir=self.place.hub_cache,
            local_files_only=offline,
            allow_patterns=list(names),
        )
        return Path(str(folder))

    def _cache(self) -> Path | str:
        return self.place.hub_cache or HF_HUB_CACHE

    def _nowhere(self, said: list[str]) -> WeightsError:
        listed = "; ".join([f"nothing of use in the hub's cache {self._cache()}", *said])
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
