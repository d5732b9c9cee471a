"""Where weights are looked for; nothing of what they are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class WeightsPlace:
    """Where to look."""

    folder: Path | None = None
    """The user's folder; nowhere else is looked if it is given."""
    hub_cache: Path | None = None
    """The hub's cache; None is its own, as HF_HOME and HF_HUB_CACHE say."""
    offline: bool = False
    """Whether the hub is left alone; HF_HUB_OFFLINE=1 does the same."""
    digests: Path | None = None
    """The file that remembers digests; None reads the files anew each time."""
