"""How many images go through the UNet at a time, and which; nothing of what is done to them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.editing.diffusion.canvas import Canvas
from harness.editing.diffusion.model import DiffusionModel

_FORWARD_NUMBERS = 80
"""Numbers that one image holds at a time in a forward pass, by latent cell and first channel.

Reckoned, not measured: skip connections are about 5, the widest feed-forward layer with its gate
32, its copies the rest. Where it is too little, a GPU's error halves the batch.
"""
_BACKWARD_NUMBERS = 1200
"""The same for a guidance pass, which keeps what its gradient needs down to the deepest block."""
_MOST_ROWS = 64
_CPU_ROWS = 16
"""A CPU gains by the work that rows share, and gains little from more of them."""
_UP_BLOCK = re.compile(r"up_blocks\.(\d+)\.")


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """The most images at a time."""

    rows: int
    """Of a forward pass, at least 1."""
    guided_rows: int
    """Of a guidance pass, at least 1."""
    sources: int
    """Sources whose features are kept at a time, at least 1."""
    alone: bool
    """Whether each source and each edit is computed by itself: the same bits in any company."""

    @property
    def least(self) -> bool:
        """Whether nothing less can be done at a time."""
        return self.rows == self.guided_rows == self.sources == 1

    def halved(self, times: int = 1) -> "BatchLimits":
        """Return half of it, so many times over."""
        return BatchLimits(
            rows=max(1, self.rows >> times),
            guided_rows=max(1, self.guided_rows >> times),
            sources=max(1, self.sources >> times),
            alone=self.alone,
        )


@dataclass(frozen=True, kw_only=True)
class Room:
    """Memory beside the weights, in bytes."""

    device: int
    """On the device."""
    main: int
    """In main memory, for what does not fit on a GPU."""


def find_limits(
    model: DiffusionModel, canvas: Canvas, *, room: Room, recorded_bytes: int, alone: bool
) -> BatchLimits:
    """Return how many images of `canvas` are computed at a time.

    A third of the device's room is for the features of sources, the rest for batches.

    Args:
        model: The model.
        canvas: The size of the images.
        room: The memory there is.
        recorded_bytes: What the features of one source take.
        alone: Whether each source and each edit is computed by itself.
    """
    height, width = canvas.latent_shape
    first = int(model.unet.config["block_out_channels"][0])
    unit = height * width * first * model.dtype.itemsize
    on_cpu = model.device.type == "cpu"
    most = _CPU_ROWS if on_cpu else _MOST_ROWS
    rows = max(1, min(most, room.device // 2 // (unit * _FORWARD_NUMBERS)))
    kept = room.device // 3 if on_cpu else max(room.device // 3, room.main // 2)
    return BatchLimits(
        rows=rows,
        guided_rows=max(1, min(most, room.device // 2 // (unit * _BACKWARD_NUMBERS))),
        sources=max(1, min(rows, kept // max(1, recorded_bytes))),
        alone=alone,
    )


def recorded_bytes(
    model: DiffusionModel, canvas: Canvas, *, attention_steps: int, feature_steps: int
) -> int:
    """Return the bytes of one source's features, from the shapes of the tapped modules."""
    taps = model.profile.taps
    attention = sum(2 * _numbers(model, canvas, name) for name in taps.self_attention)
    features = _numbers(model, canvas, taps.features)
    numbers = attention * attention_steps + features * feature_steps
    return numbers * int(model.dtype.itemsize)


def _numbers(model: DiffusionModel, canvas: Canvas, module: str) -> int:
    """Return how many numbers a module of the UNet's upward half gives for one image."""
    channels = tuple(reversed(model.unet.config["block_out_channels"]))
    found = _UP_BLOCK.match(module)
    block = int(found[1]) if found else len(channels) - 1
    height, width = canvas.latent_shape
    shrunk = 1 << (len(channels) - 1 - block)
    return -(-height // shrunk) * -(-width // shrunk) * int(channels[block])


@dataclass(frozen=True, kw_only=True)
class Share:
    """The edits of one source that a batch holds."""

    source: int
    """The source's number."""
    edits: tuple[int, ...]
    """The numbers of its edits."""


def batches(
    counts: tuple[int, ...], *, sources_branch: int, limits: BatchLimits
) -> Iterator[tuple[Share, ...]]:
    """Yield batches that cover all edits in order, each of as many rows as there may be.

    Args:
        counts: The number of edits of each source.
        sources_branch: Rows that each source takes itself, 0 or 1; an edit takes 2.
        limits: The most rows; a batch of one edit is made whatever it takes.
    """
    batch: list[Share] = []
    rows = 0
    for source, count in enumerate(counts):
        edit = 0
        while edit < count:
            room = 1 if limits.alone else max(0, limits.rows - rows - sources_branch) // 2
            if batch and (limits.alone or room == 0):
                yield tuple(batch)
                batch, rows = [], 0
                continue
            taken = min(count - edit, max(1, room))
            batch.append(Share(source=source, edits=tuple(range(edit, edit + taken))))
            rows += sources_branch + 2 * taken
            edit += taken
    if batch:
        yield tuple(batch)
