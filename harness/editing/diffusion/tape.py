"""What is read from a UNet while it runs and what is put in its place: plug-and-play's features.

The tape knows nothing of modules; `taps` wires it to them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True, kw_only=True)
class QueryKey:
    """What a self-attention compares, split into heads."""

    query: torch.Tensor
    """[N, heads, cells, width]."""
    key: torch.Tensor
    """[N, heads, cells, width]."""


@dataclass(kw_only=True)
class Recording:
    """The features of one pass, by module."""

    attention: dict[str, QueryKey] = field(default_factory=dict)
    """Of each tapped self-attention; empty where they are not wanted."""
    features: torch.Tensor | None = None
    """[N, C, h, w]; None where they are not wanted."""

    def nbytes(self) -> int:
        """Return the bytes that it takes."""
        pairs = [pair for kept in self.attention.values() for pair in (kept.query, kept.key)]
        features = [] if self.features is None else [self.features]
        return sum(tensor.nbytes for tensor in [*pairs, *features])

    def of_row(self, row: int) -> "Recording":
        """Return what belongs to one image of the batch."""
        part = slice(row, row + 1)
        return Recording(
            attention={
                name: QueryKey(query=kept.query[part].clone(), key=kept.key[part].clone())
                for name, kept in self.attention.items()
            },
            features=None if self.features is None else self.features[part].clone(),
        )

    def to(self, device: torch.device) -> "Recording":
        """Return the recording on `device`."""
        return Recording(
            attention={
                name: QueryKey(query=kept.query.to(device), key=kept.key.to(device))
                for name, kept in self.attention.items()
            },
            features=None if self.features is None else self.features.to(device),
        )


@dataclass(frozen=True, kw_only=True)
class Group:
    """Consecutive images of a batch that follow one source."""

    rows: int
    """How many there are; with a source branch, the first of them is the source itself."""
    recording: Recording | None
    """What they follow; None where the first row is the source."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is recorded or injected in one pass."""

    attention: bool
    """The query and key of the tapped self-attentions."""
    features: bool
    """The tapped module's output."""


class MapsCompleteError(Exception):
    """Ends a pass: every cross-attention map that was asked for is there."""


@dataclass(kw_only=True)
class Tape:
    """What the tapped modules of one UNet do in the pass at hand; idle unless told."""

    recording: Recording | None = None
    """Where features are written."""
    groups: tuple[Group, ...] = ()
    """Whom the rows follow, in the order of the batch; empty where nobody follows."""
    wanted: Wanted = field(default_factory=lambda: Wanted(attention=False, features=False))
    """What of it."""
    maps: dict[str, torch.Tensor] | None = None
    """Where cross-attention maps are written, [N, heads, cells, tokens]."""
    last_map: str | None = None
    """The map after which the pass is over."""

    @contextmanager
    def record(self, wanted: Wanted) -> Iterator[Recording]:
        """Record the features of the passes inside."""
        self.recording, self.wanted = Recording(), wanted
        try:
            yield self.recording
        finally:
            self._rest()

    @contextmanager
    def follow(self, groups: tuple[Group, ...], wanted: Wanted) -> Iterator[None]:
        """Put the sources' features in place of the rows' own, in the passes inside."""
        self.groups, self.wanted = groups, wanted
        try:
            yield
        finally:
            self._rest()

    @contextmanager
    def collect_maps(self, last: str) -> Iterator[dict[str, torch.Tensor]]:
        """Collect cross-attention maps; the pass ends with `MapsCompleteError` after `last`."""
        self.maps, self.last_map = {}, last
        try:
            yield self.maps
        finally:
            self._rest()

    def _rest(self) -> None:
        self.recording, self.groups, self.maps, self.last_map = None, (), None, None
        self.wanted = Wanted(attention=False, features=False)
