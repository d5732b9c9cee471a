"""Measures how long a manifest takes to be proven and read, beside straightforward ways.

Run it as `python -m benchmarks manifest`, or as `python benchmarks/manifest.py --samples 100000`.
The samples are made up, 28 a source. Each way runs in a process of its own, so that its memory is
its own; what a benchmark's evaluation does is to prove the manifest and then to need its samples
twice, for the stream and for the database.
"""

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from harness.dataset.benchmark_folder import HEADER, MANIFEST, BenchmarkFolder, header_bytes
from harness.dataset.manifest_file import quick_digest
from harness.records.acceptance import AcceptanceScores
from harness.records.attributes import Attribute, Edit
from harness.records.base import canonical_json, sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample, manifest_digest

EDITS = 27
SIGNATURE = "A" * 432


def made_up(number: int) -> Sample:
    """Return the `number`th sample."""
    source, nth = divmod(number, EDITS + 1)
    digest = sha256_hex(str(number).encode())
    edit = None if nth == 0 else Edit(attribute=Attribute.COLOR, value=f"value-{nth}")
    own = f"{number:016x}"
    return Sample(
        id=own,
        source_id=f"{source * (EDITS + 1):016x}",
        source_name=f"photo-{source:06d}",
        edit=edit,
        object_class="car",
        caption="a photo of a car",
        target_prompt=None if edit is None else f"a photo of a {edit.value} car",
        seed=number,
        width=480,
        height=360,
        accepted=number % 10 != 9,
        scores=None if edit is None else AcceptanceScores(object_change=0.25, background_psnr=None),
        image_sha256=digest,
        pixel_sha256=digest,
        label_sha256=digest,
        label_pixel_sha256=digest,
        mask_sha256=digest,
        signature=SIGNATURE,
    )


def write_folder(folder: Path, samples: int) -> None:
    """Write manifest and header of so many samples, never holding them at once."""
    with (folder / MANIFEST).open("wb") as file:
        for number in range(samples):
            file.write(canonical_json(made_up(number).model_dump(mode="json")) + b"\n")
    digest = quick_digest(folder / MANIFEST)
    if digest is None:
        msg = "the harness does not write its manifest as it reads it"
        raise click.ClickException(msg)
    header = BenchmarkHeader(
        name="made-up",
        title="Made up",
        description="",
        license="CC0-1.0",
        publish_images=False,
        digest=digest,
        recipe_digest="0" * 64,
        qualifying_miou=0,
        label_space=LabelSpace(name="none", ignore_id=255, classes=()),
        edits=(),
        environment=BuildEnvironment(harness_version="", python="", platform="", packages={}),
    )
    (folder / HEADER).write_bytes(header_bytes(header))


def all_lines(folder: Path) -> tuple[Sample, ...]:
    """Return the samples as they were read before: the whole file, line by line."""
    lines = (folder / MANIFEST).read_bytes().splitlines()
    samples = [Sample.model_validate_json(line) for line in lines]
    return tuple(sorted(samples, key=lambda sample: sample.id))


def plainly_proven(folder: Path) -> int:
    """Prove the manifest by its samples."""
    samples = all_lines(folder)
    if manifest_digest(samples) != BenchmarkFolder(folder).header().digest:
        msg = "the two digests disagree"
        raise click.ClickException(msg)
    return len(samples)


def plainly_evaluated(folder: Path) -> int:
    """Prove the manifest, then read its samples for the stream and again for the database."""
    plainly_proven(folder)
    streamed = [sample for sample in all_lines(folder) if sample.accepted]
    return len(streamed) + len(all_lines(folder))


def proven(folder: Path) -> int:
    """Prove the manifest as the harness does."""
    BenchmarkFolder(folder).assert_whole()
    return 0


def read(folder: Path) -> int:
    """Read its samples as the harness does."""
    return len(BenchmarkFolder(folder).samples())


def evaluated(folder: Path) -> int:
    """Prove it and read its samples twice as the harness does."""
    benchmark = BenchmarkFolder(folder)
    benchmark.assert_whole()
    streamed = [sample for sample in benchmark.samples() if sample.accepted]
    return len(streamed) + len(benchmark.samples())


WAYS: dict[str, Callable[[Path], int]] = {
    "proven: samples, then their digest": plainly_proven,
    "proven: harness": proven,
    "samples: whole file, line by line": lambda folder: len(all_lines(folder)),
    "samples: harness": read,
    "evaluation: each time anew": plainly_evaluated,
    "evaluation: harness": evaluated,
}


def measured(name: str, folder: Path) -> dict[str, float]:
    """Return seconds and peak memory of one way; called in a fresh process."""
    started = time.perf_counter()
    WAYS[name](folder)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": round(seconds, 2), "peak GiB": round(peak, 2)}


@click.command()
@click.option("--samples", default=1_000_000, show_default=True, help="Number of samples.")
def main(samples: int) -> None:
    """Print seconds and peak memory of each way to read a manifest of made-up samples."""
    figures: dict[str, object] = {"samples": samples}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_folder(folder, samples)
        figures["MiB"] = round((folder / MANIFEST).stat().st_size / 2**20)
        context = multiprocessing.get_context("spawn")
        for name in WAYS:
            with context.Pool(1) as pool:
                figures[name] = pool.apply(partial(measured, name, folder))
    click.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
