"""What of a benchmark is exported, in what order and under which names; nothing of layouts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.records.attributes import Edit
from harness.records.base import sha256_hex
from harness.records.manifest import BenchmarkHeader, Sample

_UNREADABLE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_LENGTH = 60


class Selection(StrEnum):
    """Which edits are exported."""

    ACCEPTED = "accepted"
    """Those that are scored."""
    ALL = "all"
    """The rejected ones, too."""


@dataclass(frozen=True, kw_only=True)
class ExportContent:
    """The samples of an export."""

    folder: BenchmarkFolder
    """The benchmark."""
    header: BenchmarkHeader
    """Its header."""
    samples: tuple[Sample, ...]
    """The samples, by the source's name: each source before its edits, and these as the header
    orders them."""
    selection: Selection
    """Which edits are among them."""
    left_out: int
    """Number of rejected edits that are not."""

    @cached_property
    def sources(self) -> dict[str, Sample]:
        """The sources, by id."""
        return {sample.id: sample for sample in self.samples if sample.edit is None}

    def edits_made(self) -> tuple[Edit, ...]:
        """Return the edits that some sample has, as the header orders them."""
        made = {sample.edit for sample in self.samples}
        return tuple(edit for edit in self.header.edits if edit in made)

    def of(self, edit: Edit) -> Iterator[Sample]:
        """Yield the samples with this edit."""
        return (sample for sample in self.samples if sample.edit == edit)

    def image_png(self, sample: Sample) -> bytes:
        """Return the bytes of a sample's image, proven against the manifest.

        Raises:
            BenchmarkError: They are missing or others.
        """
        return self._proven(self.folder.image_path(sample.id), sample.image_sha256)

    def label_png(self, sample: Sample) -> bytes:
        """Return the bytes of the label that a sample is scored by, proven alike.

        Raises:
            BenchmarkError: They are missing or others.
        """
        digest = sample.filtered_label_sha256 or sample.label_sha256
        return self._proven(self.folder.label_path(sample), digest)

    def mask_png(self, sample: Sample) -> bytes | None:
        """Return the bytes of its object's mask, proven alike; None where it has none.

        Raises:
            BenchmarkError: They are missing or others.
        """
        path = self.folder.mask_path(sample)
        if path is None or sample.mask_sha256 is None:
            return None
        return self._proven(path, sample.mask_sha256)

    def _proven(self, path: Path, digest: str) -> bytes:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
        if sha256_hex(data) != digest:
            msg = f"{path} is missing or not the file in its manifest"
            remedy = f"`harness verify {self.header.name}` names all that is not as promised."
            raise BenchmarkError(msg, remedy=remedy)
        return data


def read_content(folder: BenchmarkFolder, selection: Selection) -> ExportContent:
    """Return what of the benchmark in `folder` is exported.

    Raises:
        BenchmarkError: It is not built, or its manifest is broken or another.
    """
    folder.assert_whole()
    header, every = folder.header(), folder.samples()
    kept = every if selection is Selection.ALL else tuple(s for s in every if s.accepted)
    places = {edit: place for place, edit in enumerate(header.edits)}

    def place(sample: Sample) -> tuple[str, str, int]:
        nth = -1 if sample.edit is None else places.get(sample.edit, len(places))
        return (sample.source_name, sample.source_id, nth)

    return ExportContent(
        folder=folder,
        header=header,
        samples=tuple(sorted(kept, key=place)),
        selection=selection,
        left_out=len(every) - len(kept),
    )


def source_stem(sample: Sample) -> str:
    """Return a readable file name for the sample's source, without its ending.

    The source's id is in it, so that it is the only one of its kind and leads back to the manifest.
    """
    readable = _UNREADABLE.sub("-", sample.source_name).strip(".-")[:_NAME_LENGTH].rstrip(".-")
    return f"{readable}_{sample.source_id}" if readable else sample.source_id


def condition_name(edit: Edit | None) -> str:
    """Return the name of a condition's folder: `clean`, or attribute and value."""
    return "clean" if edit is None else f"{edit.attribute.value}_{edit.value}"
