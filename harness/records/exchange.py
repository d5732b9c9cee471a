"""Benchmarks on their way to and from other tools: what is printed of it, and benchmark.toml."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from harness.records.base import Record
from harness.records.label_space import LabelSpace
from harness.records.manifest import SHA256_PATTERN
from harness.records.recipe import NAME_PATTERN


class ExportFormat(StrEnum):
    """The layouts that a benchmark can be exported in."""

    MMSEG = "mmseg"
    """A data set folder of mmsegmentation with its config, one condition an edit."""
    HUGGINGFACE = "huggingface"
    """Parquet shards with a data card, which `datasets.load_dataset` reads."""
    FOLDER = "folder"
    """Plain pictures, labels and masks with a pairs.csv: what `harness import` reads."""


class ExportReport(Record):
    """What an export wrote."""

    benchmark: str
    """The benchmark's name."""
    digest: str = Field(pattern=SHA256_PATTERN)
    """The benchmark's identity."""
    format: ExportFormat
    """The layout."""
    output: str
    """The folder that was filled."""
    sources: int
    """Number of source images in it."""
    edits: int
    """Number of edits in it."""
    left_out: int
    """Number of rejected edits that were left out."""
    files: int
    """Number of files."""
    size_bytes: int
    """Their size in bytes; a linked file's is its target's."""


class ImportLayout(StrEnum):
    """The layouts that a benchmark can be taken in from."""

    PAIRS = "pairs"
    """A pairs.csv with its pictures and a benchmark.toml."""
    BUILT = "built"
    """A copy of a built benchmark's folder."""


class ImportReport(Record):
    """What an import took in."""

    benchmark: str
    """The name it has here."""
    digest: str = Field(pattern=SHA256_PATTERN)
    """The benchmark's identity."""
    layout: ImportLayout
    """What it was read from."""
    folder: str
    """Where it lies now."""
    sources: int
    """Number of source images."""
    edits: int
    """Number of accepted edits."""
    rejected: int
    """Number of edits that its author had rejected."""
    replaced: bool
    """Whether it took the place of another benchmark of that name."""


def _kind_of_label_space(value: object) -> str:
    return "name" if isinstance(value, str) else "table"


class FolderHeader(Record):
    """What stands in the benchmark.toml beside a pairs.csv."""

    schema_version: Literal[1] = 1
    """The version of this format."""
    name: str = Field(pattern=NAME_PATTERN)
    """The benchmark's name."""
    title: str = Field(min_length=1)
    """The name people read."""
    description: str
    """What the benchmark shows."""
    license: str = Field(min_length=1)
    """The licence of its images."""
    citation: str = ""
    """How its sources want to be cited; empty where they don't say."""
    publish_images: bool
    """Whether the leaderboard site may show its images."""
    qualifying_miou: float = Field(ge=0, le=1)
    """The clean mIoU (ratio) a submission needs to be ranked."""
    label_space: Annotated[
        Annotated[str, Tag("name")] | Annotated[LabelSpace, Tag("table")],
        Discriminator(_kind_of_label_space),
    ]
    """The label space of its labels: the name of one that comes with the harness, or its table."""
    exported_digest: str | None = Field(default=None, pattern=SHA256_PATTERN)
    """The identity of the benchmark that it was exported from; None where it was not."""
