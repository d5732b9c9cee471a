"""How many images go through the UNet at a time, and which; nothing of what is done to them."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.editing.diffusion.canvas import Canvas
from harness.editing.diffusion.model import DiffusionModel

_FORWARD_NUMBERS = 80
"""Numbers that one image holds at a time in a forward pass, by latent cell and first channel.

Skip connections are about 5, the widest feed-forward layer with its gate 32, its copies the rest;
measured by benchmarks/editing.py on a GPU where there is one, and generous.
"""
_BACKWARD_NUMBERS = 1200
"""The same for a guidance pass, which keeps what its gradient needs down to the deepest block."""
MOST_ROWS = 64
"""Beyond this a GPU gains nothing."""
_CPU_ROWS = 16
"""Beyond this a CPU's caches lose more than the shared work gains."""


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """The most images at a time."""

    rows: int
    """Of a forward pass, at least 1."""
    guided_rows: int
    """Of a guidance pass, at least 1."""
    alone: bool
    """Whether each source and each edit is computed by itself: the same bits in any company."""

    def halved(self) -> "BatchLimits":
        """Return half of it, for another try where memory ran out."""
        return BatchLimits(
            rows=max(1, self.rows // 2), guided_rows=max(1, self.guided_rows // 2), alone=self.alone
        )


def find_limits(
    model: DiffusionModel, canvas: Canvas, *, working_bytes: int, deterministic: bool
) -> BatchLimits:
    """Return how many images of `canvas` fit into `working_bytes` beside the weights."""
    height, width = canvas.latent_shape
    first = int(model.unet.config["block_out_channels"][0])
    unit = height * width * first * model.dtype.itemsize
    most = _CPU_ROWS if model.device.type == "cpu" else MOST_ROWS
    return BatchLimits(
        rows=max(1, min(most, working_bytes // 2 // (unit * _FORWARD_NUMBERS))),
        guided_rows=max(1, min(most, working_bytes // 2 // (unit * _BACKWARD_NUMBERS))),
        alone=deterministic,
    )


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
