"""A benchmark as Parquet shards that `datasets` reads; nothing of other layouts."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from harness.benchmark.export.content import ExportContent, source_stem
from harness.benchmark.export.destination import Placement, write
from harness.benchmark.export.hub_card import front_matter, usage
from harness.benchmark.export.words import licence_text, readme_text
from harness.records.acceptance import AcceptanceScores
from harness.records.manifest import Sample
from harness.store.parquet import ColumnType, ParquetTable, ParquetValue, write_shards

SPLIT = "test"
_DATA = "data"
_SCRATCH = ".scratch"
_PLAIN = {
    "id": ColumnType.TEXT,
    "source_id": ColumnType.TEXT,
    "source_name": ColumnType.TEXT,
    "attribute": ColumnType.TEXT,
    "value": ColumnType.TEXT,
    "object_class": ColumnType.TEXT,
    "caption": ColumnType.TEXT,
    "target_prompt": ColumnType.TEXT,
    "width": ColumnType.INTEGER,
    "height": ColumnType.INTEGER,
    "accepted": ColumnType.TRUTH,
    "rejection": ColumnType.TEXT,
}
_SCORES = dict.fromkeys(AcceptanceScores.model_fields, ColumnType.REAL)
_FILES = dict.fromkeys(("image", "label", "mask"), ColumnType.FILE)
COLUMNS: Mapping[str, ColumnType] = _PLAIN | _SCORES | _FILES
"""The columns of the table, in order."""

_FEATURES = {
    ColumnType.TEXT: {"dtype": "string", "_type": "Value"},
    ColumnType.INTEGER: {"dtype": "int64", "_type": "Value"},
    ColumnType.REAL: {"dtype": "float64", "_type": "Value"},
    ColumnType.TRUTH: {"dtype": "bool", "_type": "Value"},
    ColumnType.FILE: {"_type": "Image"},
}


def export_huggingface(
    content: ExportContent,
    folder: Path,
    *,
    shard_bytes: int,
    on_sample: Callable[[], None],
) -> None:
    """Write the export into the empty `folder`: `data/*.parquet`, a data card, the classes' names.

    One row a sample, each source before its edits, so that a reader that streams meets them
    together.

    Args:
        content: What is exported.
        folder: The folder.
        shard_bytes: The size at which a shard is full.
        on_sample: Called for each sample that is read.

    Raises:
        BenchmarkError: A file of the benchmark is not the promised one.
        OutputError: A shard can't be written.
        OSError: A file can't be written.
    """
    data, scratch = folder / _DATA, folder / _SCRATCH
    data.mkdir()
    scratch.mkdir()
    features = {name: _FEATURES[kind] for name, kind in COLUMNS.items()}
    table = ParquetTable(
        columns=COLUMNS,
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
        shard_bytes=shard_bytes,
    )
    rows = _rows(content, on_sample)
    shards = write_shards(table, rows, folder=data, scratch=scratch)
    for number, shard in enumerate(shards):
        shard.rename(data / f"{SPLIT}-{number:05d}-of-{len(shards):05d}.parquet")
    scratch.rmdir()
    text = readme_text(content, usage=usage(content, SPLIT), placement=Placement.COPY)
    size = sum(shard.stat().st_size for shard in data.iterdir())
    card = front_matter(content, COLUMNS, split=SPLIT, size_bytes=size)
    write(folder / "README.md", (card + text).encode())
    write(folder / "LICENSE", licence_text(content).encode())
    names = {str(found.id): found.name for found in content.header.label_space.classes}
    write(folder / "id2label.json", json.dumps(names, indent=2, ensure_ascii=False).encode())


def _rows(
    content: ExportContent, on_sample: Callable[[], None]
) -> Iterator[tuple[ParquetValue, ...]]:
    for sample in content.samples:
        yield tuple(_row(content, sample).values())
        on_sample()


def _row(content: ExportContent, sample: Sample) -> dict[str, ParquetValue]:
    """Return a sample's cells by column, in the columns' order."""
    edit, scores = sample.edit, sample.scores
    plain: dict[str, ParquetValue] = {
        "id": sample.id,
        "source_id": sample.source_id,
        "source_name": sample.source_name,
        "attribute": None if edit is None else edit.attribute.value,
        "value": None if edit is None else edit.value,
        "object_class": sample.object_class,
        "caption": sample.caption,
        "target_prompt": sample.target_prompt,
        "width": sample.width,
        "height": sample.height,
        "accepted": sample.accepted,
        "rejection": None if sample.rejection is None else sample.rejection.value,
    }
    numbers: dict[str, ParquetValue] = {
        name: None if scores is None else getattr(scores, name) for name in _SCORES
    }
    return plain | numbers | _files(content, sample)


def _files(content: ExportContent, sample: Sample) -> dict[str, ParquetValue]:
    name = source_stem(sample)
    if sample.edit is not None:
        name += f".{sample.edit.attribute.value}-{sample.edit.value}"
    mask = content.mask_png(sample)
    return {
        "image": _file(name, content.image_png(sample)),
        "label": _file(f"{name}.label", content.label_png(sample)),
        "mask": None if mask is None else _file(f"{name}.mask", mask),
    }


def _file(stem: str, data: bytes) -> Mapping[str, bytes | str]:
    return {"bytes": data, "path": f"{stem}.png"}
