"""The hub and its cache through the hub's own client; nothing of what a model is made of."""

import errno
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is its HTTP client's
    EntryNotFoundError,
    HfHubHTTPError,
    HTTPError,
)

from harness.checkpoints.place import WeightsPlace
from harness.errors import DiskFullError, WeightsError

_FAULTS = (HTTPError, HfHubHTTPError, EntryNotFoundError, OSError, ValueError)
"""What the hub's client raises where it has no answer."""


@dataclass(frozen=True, kw_only=True)
class HubRequest:
    """Files of one repository."""

    repository: str
    """Its name on the hub."""
    patterns: tuple[str, ...]
    """The names of the files, with * for any characters."""
    revision: str | None = None
    """Branch, tag or commit; None is the main branch."""


def cache_folder(place: WeightsPlace) -> Path:
    """Return the folder of the hub's cache."""
    return place.hub_cache or Path(HF_HUB_CACHE)


def cached_snapshot(request: HubRequest, place: WeightsPlace) -> Path | None:
    """Return the folder of the snapshot in the cache, whole or not; None where there is none."""
    try:
        return _snapshot(request, place, offline=True)
    except _FAULTS:
        return None


def fetch_snapshot(request: HubRequest, place: WeightsPlace, *, title: str, remedy: str) -> Path:
    """Return the folder of the snapshot, with the files that the hub has of those asked for.

    Args:
        request: What is wanted.
        place: Where the cache is.
        title: What the files are called in messages.
        remedy: What the user can do where the hub has no answer, as a sentence.

    Raises:
        WeightsError: The hub has no such repository or revision, or does not answer.
        DiskFullError: There is no room for what it sends.
    """
    try:
        return _snapshot(request, place, offline=False)
    except _FAULTS as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            msg = f"there is no room for {title} in the hub's cache {cache_folder(place)}"
            said = "Free some space, or point HF_HOME at a disk that has it."
            raise DiskFullError(msg, remedy=said) from error
        msg = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WeightsError(msg, remedy=remedy) from error


def _snapshot(request: HubRequest, place: WeightsPlace, *, offline: bool) -> Path:
    folder = snapshot_download(
        request.repository,
        revision=request.revision,
        cache_dir=place.hub_cache,
        local_files_only=offline,
        allow_patterns=list(request.patterns),
    )
    return Path(str(folder))
