"""Reads the benchmark's images in the order in which a submission sees them."""

import queue
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Semaphore

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.evaluation.sample_table import SampleTable
from harness.records.base import sha256_hex
from harness.records.run import StreamedSample
from harness.sandbox.hidden_ids import HiddenIds

SAMPLES_AHEAD = 16
"""How many samples are read before the container can take them."""

_Ready = queue.SimpleQueue[StreamedSample | None]
"""What has been read; None is the end, by an error or without."""


def scored_samples(folder: BenchmarkFolder) -> SampleTable:
    """Return the sources and accepted edits by opaque id, ascending.

    Raises:
        BenchmarkError: The benchmark is not built, or its manifest is broken.
    """
    return SampleTable.of(folder.each_sample())


def stream_samples(
    folder: BenchmarkFolder,
    samples: SampleTable,
    *,
    image_digest: str,
    answered: Container[str] = (),
) -> Iterator[StreamedSample]:
    """Yield each sample's PNG bytes, proven against the manifest as they are read.

    They come in the order of the ids that the image sees, which is another one for every image and
    benchmark: an order that is known beforehand would say which sample comes when.

    Args:
        folder: The benchmark.
        samples: Its scored samples.
        image_digest: The submission's image.
        answered: The ids of those that are left out, because they were predicted before.

    Raises:
        BenchmarkError: A file is not the one that the manifest promises.
    """
    ids = HiddenIds(image_digest, salt=folder.header().digest)
    for sample in samples.without(answered, place=ids.place):
        png = folder.image_png(sample.id)
        if sha256_hex(png) != sample.image_sha256:
            msg = (
                f"image {sample.id} of benchmark {folder.path.name!r} is not the one in its"
                " manifest"
            )
            raise BenchmarkError(
                msg,
                remedy=f"Run `harness verify {folder.path.name}`, then build it again.",
            )
        yield StreamedSample(id=sample.id, png=png)


@contextmanager
def reading_ahead(samples: Iterable[StreamedSample]) -> Iterator[Iterator[StreamedSample]]:
    """Give an iterator of `samples`, which are read on a thread of their own, a few ahead.

    Order and errors are as they were. Leaving the block ends the thread, wherever it is.
    """
    ready: _Ready = queue.SimpleQueue()
    room, left = Semaphore(SAMPLES_AHEAD), Event()
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as pool:
        reading = pool.submit(_read, samples, ready=ready, room=room, left=left)
        try:
            yield _taken(ready, room, reading)
        finally:
            left.set()
            room.release()


def _read(
    samples: Iterable[StreamedSample], *, ready: _Ready, room: Semaphore, left: Event
) -> None:
    try:
        for sample in samples:
            room.acquire()
            if left.is_set():
                return
            ready.put(sample)
    finally:
        ready.put(None)


def _taken(ready: _Ready, room: Semaphore, reading: Future[None]) -> Iterator[StreamedSample]:
    while (sample := ready.get()) is not None:
        room.release()
        yield sample
    reading.result()
