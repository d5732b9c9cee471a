"""A benchmark on disk against what it promises: every byte, every pixel; nothing is repaired."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.acceptance.void_signature import void_signature
from harness.benchmark.index_check import ManifestOnDisk, check_index, finding
from harness.benchmark.leftovers import extra_files
from harness.benchmark.locking import (
    BUILT_OF_ANOTHER_RECIPE,
    LOCK_OF_ANOTHER_RECIPE,
    compare_with_lock,
    describe,
)
from harness.benchmark.unit_record import promised_files
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import (
    decode_label,
    decode_mask,
    decode_rgb,
    object_signature,
    pixel_sha256,
    signature,
)
from harness.errors import SourceDataError
from harness.records.base import sha256_hex
from harness.records.manifest import (
    BenchmarkHeader,
    Lock,
    Sample,
    SampleVerdict,
    Verdict,
    VerificationReport,
    manifest_digest,
)
from harness.records.recipe import LockRule, Recipe

_SHARED = ("label_sha256", "label_pixel_sha256", "mask_sha256")
"""What an appearance edit has in common with its source."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a benchmark is held against, beside its own manifest."""

    recipe: Recipe | None
    """The recipe as it reads now; None where there is none any more."""
    lock: Lock | None
    """The lock of the released build; None where there is none."""


def verify_benchmark(path: Path, promise: Promise, *, threads: int) -> VerificationReport:
    """Return what differs, is missing or is extra in the benchmark in the folder `path`.

    Raises:
        BenchmarkError: Nothing is built there.
    """
    folder = BenchmarkFolder(path)
    if not folder.header_path.is_file():
        folder.header()
    manifest = ManifestOnDisk.read(folder)
    header, findings = check_index(folder, manifest)
    findings += [*manifest.findings, *_check_recipe(header, promise)]
    owners = {sample.id: sample for sample in manifest.samples}
    with ThreadPoolExecutor(threads) as pool:
        checks = pool.map(partial(_check_sample, folder, owners), manifest.samples)
        findings += [found for check in checks for found in check]
    if not manifest.findings:  # a line that can't be read may be what a file belongs to
        files = frozenset(promised_files(folder, manifest.samples))
        findings += [
            finding(str(file.relative_to(path)), Verdict.EXTRA, "belongs to no sample")
            for file in extra_files(path, expected=files)
        ]
    return _report(folder, manifest, promise, findings)


def _check_recipe(header: BenchmarkHeader | None, promise: Promise) -> Iterator[SampleVerdict]:
    if promise.recipe is None:
        return
    digest = promise.recipe.content_digest()
    if header is not None and header.recipe_digest != digest:
        yield BUILT_OF_ANOTHER_RECIPE
    if promise.lock is not None and promise.lock.recipe_digest != digest:
        yield LOCK_OF_ANOTHER_RECIPE


def _check_sample(
    folder: BenchmarkFolder, owners: dict[str, Sample], sample: Sample
) -> list[SampleVerdict]:
    """Return what is wrong with a sample; the files it shares are its owner's to check."""
    findings = [_check_image(folder, sample)]
    if sample.label_id == sample.id:
        findings += [_check_label(folder, sample), _check_mask(folder, sample)]
    else:
        findings.append(_check_shared(owners, sample))
    findings.append(_check_filtered(folder, sample))
    return [found for found in findings if found is not None]


def _check_shared(owners: dict[str, Sample], sample: Sample) -> SampleVerdict | None:
    owner = owners.get(sample.label_id)
    if owner is None:
        detail = f"{describe(sample)}: its source {sample.source_id} is not in the manifest"
        return finding(sample.id, Verdict.DIFFERENT, detail)
    if any(getattr(owner, name) != getattr(sample, name) for name in _SHARED):
        detail = f"{describe(sample)}: the manifest has other digests of its source's label or mask"
        return finding(sample.id, Verdict.DIFFERENT, detail)
    return None


def _check_image(folder: BenchmarkFolder, sample: Sample) -> SampleVerdict | None:
    path = folder.image_path(sample.id)
    data = _bytes(path)
    if data is None:
        return _about(sample, path, Verdict.MISSING, "is missing")
    try:
        pixels = decode_rgb(data, name=path.name)
    except SourceDataError:
        return _about(sample, path, Verdict.DIFFERENT, "can't be decoded")
    if pixel_sha256(pixels) != sample.pixel_sha256:
        return _about(sample, path, Verdict.DIFFERENT, "has other pixels than the manifest says")
    if sha256_hex(data) != sample.image_sha256:
        return _about(sample, path, Verdict.DIFFERENT, "has the same pixels in other bytes")
    if signature(pixels) != sample.signature:
        return _about(sample, path, Verdict.DIFFERENT, "has another signature in the manifest")
    return _check_object(folder, sample, pixels)


def _check_object(
    folder: BenchmarkFolder, sample: Sample, pixels: NDArray[np.uint8]
) -> SampleVerdict | None:
    """Hold the object's signature against the pixels; the mask's own faults are its check's."""
    path = folder.mask_path(sample)
    data = None if path is None else _bytes(path)
    if sample.object_signature is None or path is None or data is None:
        return None
    try:
        mask = decode_mask(data, name=path.name)
    except SourceDataError:
        return None
    if mask.shape != pixels.shape[:2] or not mask.any():
        return None
    if object_signature(pixels, mask) != sample.object_signature:
        image = folder.image_path(sample.id)
        return _about(
            sample, image, Verdict.DIFFERENT, "has another object signature in the manifest"
        )
    return None


def _check_label(folder: BenchmarkFolder, sample: Sample) -> SampleVerdict | None:
    promised = _Label(sample.label_sha256, sample.label_pixel_sha256)
    return _check_ids(sample, folder.original_label_path(sample), promised)


def _check_filtered(folder: BenchmarkFolder, sample: Sample) -> SampleVerdict | None:
    promised = _Label(sample.filtered_label_sha256, sample.filtered_label_pixel_sha256)
    if promised == _Label(None, None):
        return None
    if None in promised:
        detail = f"{describe(sample)}: the manifest has one digest of its filtered label, not both"
        return finding(sample.id, Verdict.DIFFERENT, detail)
    return _check_ids(sample, folder.label_path(sample), promised) or _check_voids(folder, sample)


def _check_voids(folder: BenchmarkFolder, sample: Sample) -> SampleVerdict | None:
    """Hold the filtered label's signature against its pixels; other files' faults are theirs."""
    path, own_mask = folder.label_path(sample), folder.mask_path(sample)
    if sample.filtered_label_signature is None or own_mask is None:
        return None
    files = [_bytes(file) for file in (path, folder.original_label_path(sample), own_mask)]
    try:
        filtered, original = (decode_label(data or b"", name=path.name) for data in files[:2])
        mask = decode_mask(files[2] or b"", name=own_mask.name)
    except SourceDataError:
        return None
    if not filtered.shape == original.shape == mask.shape or not mask.any():
        return None
    if void_signature((filtered != original) & mask, mask) != sample.filtered_label_signature:
        return _about(sample, path, Verdict.DIFFERENT, "has another signature in the manifest")
    return None


class _Label(NamedTuple):
    """What the manifest says of a label."""

    file: str | None
    """The sha256 of its PNG file."""
    pixels: str | None
    """That of its decoded bytes."""


def _check_ids(sample: Sample, path: Path, promised: _Label) -> SampleVerdict | None:
    data = _bytes(path)
    if data is None:
        return _about(sample, path, Verdict.MISSING, "is missing")
    try:
        pixels = decode_label(data, name=path.name)
    except SourceDataError:
        return _about(sample, path, Verdict.DIFFERENT, "can't be decoded")
    if pixel_sha256(pixels) != promised.pixels:
        return _about(sample, path, Verdict.DIFFERENT, "has other ids than the manifest says")
    if sha256_hex(data) != promised.file:
        return _about(sample, path, Verdict.DIFFERENT, "has the same ids in other bytes")
    return None


def _check_mask(folder: BenchmarkFolder, sample: Sample) -> SampleVerdict | None:
    path = folder.mask_path(sample)
    if path is None:
        return None
    data = _bytes(path)
    if data is None:
        return _about(sample, path, Verdict.MISSING, "is missing")
    if sha256_hex(data) != sample.mask_sha256:
        return _about(sample, path, Verdict.DIFFERENT, "is not the mask the manifest says")
    return None


def _report(
    folder: BenchmarkFolder,
    manifest: ManifestOnDisk,
    promise: Promise,
    findings: list[SampleVerdict],
) -> VerificationReport:
    verdicts: tuple[SampleVerdict, ...] = ()
    if promise.lock is not None:
        rule = promise.recipe.lock if promise.recipe is not None else LockRule()
        verdicts = compare_with_lock(manifest.samples, promise.lock, rule)
    findings = [*findings, *(v for v in verdicts if not v.verdict.agrees)]
    wrong = {found.subject for found in findings}
    equivalent = {v.subject for v in verdicts if v.verdict is Verdict.EQUIVALENT} - wrong
    sound = {sample.id for sample in manifest.samples} - wrong
    return VerificationReport(
        benchmark=folder.path.name,
        digest=manifest_digest(manifest.samples) if manifest.samples else None,
        locked=promise.lock is not None,
        samples=len(manifest.samples),
        identical=len(sound - equivalent),
        equivalent=len(equivalent),
        findings=tuple(findings),
    )


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _about(sample: Sample, path: Path, verdict: Verdict, detail: str) -> SampleVerdict:
    where = f"{path.parent.name}/{path.name}"
    return finding(sample.id, verdict, f"{describe(sample)}: {where} {detail}")
