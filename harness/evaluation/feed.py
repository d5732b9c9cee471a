"""Reads the benchmark's images in the order in which a submission sees them."""

from collections.abc import Iterator

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.records.base import sha256_hex
from harness.records.manifest import Sample
from harness.records.run import StreamedSample


def scored_samples(folder: BenchmarkFolder) -> dict[str, Sample]:
    """Return the sources and accepted edits by opaque id, ascending.

    The order says nothing of what a sample is, because ids are digests.
    """
    accepted = [sample for sample in folder.samples() if sample.accepted]
    return {sample.id: sample for sample in sorted(accepted, key=lambda sample: sample.id)}


def stream_samples(folder: BenchmarkFolder, samples: dict[str, Sample]) -> Iterator[StreamedSample]:
    """Yield each sample's PNG bytes, proven against the manifest as they are read.

    Raises:
        BenchmarkError: A file is not the one that the manifest promises.
    """
    for sample in samples.values():
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
