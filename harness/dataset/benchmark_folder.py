"""A built benchmark on disk: where each file lies and what it says; nothing of building it."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.dataset.image_io import decode_label, decode_mask, decode_rgb, pixel_sha256
from harness.dataset.label_space import strange_id
from harness.dataset.manifest_file import collection_paused, quick_digest
from harness.errors import BenchmarkError, SourceDataError
from harness.records.base import canonical_json, first_fault, sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.manifest import BenchmarkHeader, Sample, manifest_digest

HEADER = "benchmark.json"
MANIFEST = "manifest.jsonl"
CROISSANT = "croissant.json"
IMAGES, LABELS, MASKS = "images", "labels", "masks"
FILTERED = "filtered"
"""The labels from which the noise filter took pixels; not there where it took none."""


class LabelFile(NamedTuple):
    """Which label a sample is scored by, and what is promised of it."""

    name: str
    """Its file, relative to the benchmark's folder."""
    sha256: str | None
    """The sha256 of its PNG file."""
    pixel_sha256: str | None
    """That of its decoded bytes, which is part of the benchmark's identity; the file's is not."""

    @classmethod
    def of(cls, sample: Sample) -> "LabelFile":
        """Return the label that `sample` is scored by: the filtered one, if there is."""
        if sample.filtered_label_pixel_sha256 is None:
            return cls.original_of(sample)
        name = f"{FILTERED}/{sample.id}.png"
        return cls(name, sample.filtered_label_sha256, sample.filtered_label_pixel_sha256)

    @classmethod
    def original_of(cls, sample: Sample) -> "LabelFile":
        """Return the label of `sample` before the noise filter."""
        name = f"{LABELS}/{sample.label_id}.png"
        return cls(name, sample.label_sha256, sample.label_pixel_sha256)


class _FileState(NamedTuple):
    """What changes when a file does."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True, kw_only=True)
class _ReadSamples:
    """Samples that were read, and the file they were read from."""

    state: _FileState
    samples: tuple[Sample, ...]


class BenchmarkFolder:
    """Reads the benchmark in one folder, each file when it is asked for."""

    def __init__(self, path: Path, *, label_space: LabelSpace | None = None) -> None:
        """Say where the benchmark lies; nothing is read yet.

        Args:
            path: Its folder.
            label_space: That of its labels, for whoever builds it; None asks the header.
        """
        self.path = path
        self._given_label_space = label_space
        self._read_samples: _ReadSamples | None = None

    def __getstate__(self) -> dict[str, object]:
        """Return what another process is sent: not what was read."""
        return self.__dict__ | {"_read_samples": None}

    @property
    def header_path(self) -> Path:
        """The header, benchmark.json."""
        return self.path / HEADER

    @property
    def manifest_path(self) -> Path:
        """The manifest: one sample a line."""
        return self.path / MANIFEST

    @property
    def croissant_path(self) -> Path:
        """The Croissant metadata."""
        return self.path / CROISSANT

    def image_path(self, sample_id: str) -> Path:
        """Return where the image of a sample lies."""
        return self.path / IMAGES / f"{sample_id}.png"

    def label_path(self, sample: Sample) -> Path:
        """Return where the label lies that a sample is scored by: the filtered one, if there is."""
        return self.path / LabelFile.of(sample).name

    def original_label_path(self, sample: Sample) -> Path:
        """Return where the label of a sample lies: the source's, unless the object moved."""
        return self.path / LabelFile.original_of(sample).name

    def mask_path(self, sample: Sample) -> Path | None:
        """Return where the object mask of a sample lies, or None where it has no object."""
        if sample.mask_sha256 is None:
            return None
        return self.path / MASKS / f"{sample.label_id}.png"

    def header(self) -> BenchmarkHeader:
        """Return what benchmark.json says.

        Raises:
            BenchmarkError: The benchmark is not built, or the header is broken.
        """
        data = self._read(self.header_path)
        try:
            return BenchmarkHeader.model_validate_json(data)
        except ValidationError as error:
            raise self._broken(str(self.header_path), error) from error

    def samples(self) -> tuple[Sample, ...]:
        """Return the manifest's samples by id, sources and rejected edits included.

        Raises:
            BenchmarkError: The benchmark is not built, or a line is no sample.
        """
        try:
            with self.manifest_path.open("rb") as lines, collection_paused():
                state = _file_state(lines.fileno())
                if self._read_samples is None or self._read_samples.state != state:
                    samples = tuple(sorted(self._parsed(lines), key=lambda sample: sample.id))
                    self._read_samples = _ReadSamples(state=state, samples=samples)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing(self.manifest_path) from error
        return self._read_samples.samples

    def each_sample(self) -> Iterator[Sample]:
        """Yield the samples in the manifest's order, one by one: nothing is kept of them.

        Raises:
            BenchmarkError: As for `samples`.
        """
        try:
            with self.manifest_path.open("rb") as lines:
                yield from self._parsed(lines)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing(self.manifest_path) from error

    def _parsed(self, lines: Iterable[bytes]) -> Iterator[Sample]:
        for number, line in enumerate(lines, start=1):
            try:
                yield Sample.model_validate_json(line)
            except ValidationError as error:
                msg = f"{self.manifest_path}, line {number}"
                raise self._broken(msg, error) from error

    def assert_whole(self) -> None:
        """Check that the manifest is the one that the header names.

        Raises:
            BenchmarkError: It is another, or the benchmark is not built or broken.
        """
        promised, found = self.header().digest, self._manifest_digest()
        if found != promised:
            msg = (
                f"{self.manifest_path} is not the manifest of {HEADER} (digest {found[:12]}…, "
                f"promised {promised[:12]}…)"
            )
            raise BenchmarkError(msg, remedy=self._remedy())

    def _manifest_digest(self) -> str:
        try:
            quick = quick_digest(self.manifest_path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing(self.manifest_path) from error
        return quick or manifest_digest(self.samples())

    def image_png(self, sample_id: str) -> bytes:
        """Return the bytes of a sample's image file.

        Raises:
            BenchmarkError: It is missing.
        """
        return self._read(self.image_path(sample_id))

    def image(self, sample_id: str) -> NDArray[np.uint8]:
        """Return a sample's RGB pixels, [H, W, 3].

        Raises:
            BenchmarkError: The file is missing.
            SourceDataError: It is no image.
        """
        path = self.image_path(sample_id)
        return decode_rgb(self._read(path), name=str(path))

    def label(self, sample: Sample) -> NDArray[np.uint8]:
        """Return the class ids that a sample is scored by, [H, W], all of the label space.

        Raises:
            BenchmarkError: The file is missing, broken or another than the manifest's, or an id in
                it is no class.
        """
        return self.read_label(LabelFile.of(sample))

    def original_label(self, sample: Sample) -> NDArray[np.uint8]:
        """Return a sample's class ids as they were before the noise filter, [H, W].

        Raises:
            BenchmarkError: As for `label`.
        """
        return self.read_label(LabelFile.original_of(sample))

    def read_label(self, file: LabelFile) -> NDArray[np.uint8]:
        """Return the class ids in the label `file`, [H, W], all of the label space.

        Raises:
            BenchmarkError: As for `label`.
        """
        path = self.path / file.name
        data = self._read(path)
        try:
            label = decode_label(data, name=str(path))
        except SourceDataError as error:
            raise self._unsound(str(error)) from error
        if (sha256_hex(data), pixel_sha256(label)) != (file.sha256, file.pixel_sha256):
            what = f"{path} is not the label in its manifest"
            raise self._unsound(what)
        odd = strange_id(label, self._label_space)
        if odd is not None:
            what = f"{path} holds id {odd}, which is no class of {HEADER}"
            raise self._unsound(what)
        return label

    def mask(self, sample: Sample) -> NDArray[np.bool_] | None:
        """Return where a sample's edited object is, [H, W]; None where it has none.

        Raises:
            BenchmarkError: The file is missing.
            SourceDataError: It is no mask.
        """
        path = self.mask_path(sample)
        return None if path is None else decode_mask(self._read(path), name=str(path))

    @cached_property
    def _label_space(self) -> LabelSpace:
        return self._given_label_space or self.header().label_space

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing(path) from error

    def _missing(self, path: Path) -> BenchmarkError:
        built = self.header_path.is_file()
        what = f"{path} is missing" if built else f"there is no benchmark in {self.path}"
        return BenchmarkError(what, remedy=self._remedy())

    def _broken(self, where: str, error: ValidationError) -> BenchmarkError:
        return BenchmarkError(f"{where} is broken: {first_fault(error)}", remedy=self._remedy())

    def _unsound(self, what: str) -> BenchmarkError:
        remedy = f"`harness verify {self.path.name}` names all that is not as promised."
        return BenchmarkError(what, remedy=remedy)

    def _remedy(self) -> str:
        return f"Run `harness build-benchmark {self.path.name}`."


def _file_state(descriptor: int) -> _FileState:
    found = os.fstat(descriptor)
    return _FileState(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def manifest_bytes(samples: tuple[Sample, ...]) -> bytes:
    """Return the content of manifest.jsonl: one sample a line, sorted by id."""
    ordered = sorted(samples, key=lambda sample: sample.id)
    return b"".join(canonical_json(sample.model_dump(mode="json")) + b"\n" for sample in ordered)


def header_bytes(header: BenchmarkHeader) -> bytes:
    """Return the content of benchmark.json."""
    return header.model_dump_json(indent=2).encode() + b"\n"
