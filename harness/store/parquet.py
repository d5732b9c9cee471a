"""Rows as Parquet shards of a bounded size, in bounded memory; nothing of what the rows mean."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import duckdb

from harness.errors import DiskFullError, HarnessError, OutputError
from harness.store.connection import NO_EXTENSIONS

ParquetValue = str | int | float | bool | Mapping[str, bytes | str] | None
"""What a cell may hold."""

_SCRATCH = "shard.duckdb"
_MEMORY = "512MB"


class ColumnType(StrEnum):
    """The types of columns, as SQL spells them."""

    TEXT = "VARCHAR"
    INTEGER = "BIGINT"
    REAL = "DOUBLE"
    TRUTH = "BOOLEAN"
    FILE = 'STRUCT("bytes" BLOB, "path" VARCHAR)'
    """A file's content under `bytes` and its name under `path`."""


@dataclass(frozen=True, kw_only=True)
class ParquetTable:
    """What every shard of a table has in common."""

    columns: Mapping[str, ColumnType]
    """The type of each column by its name, in order."""
    metadata: Mapping[str, str]
    """Key-value metadata of the files."""
    shard_bytes: int = 256 * 2**20
    """The size of content at which a shard is full."""
    row_group_bytes: int = 16 * 2**20
    """The same of a row group, which is what a reader that streams holds at once."""


def write_shards(
    table: ParquetTable, rows: Iterable[Sequence[ParquetValue]], *, folder: Path, scratch: Path
) -> tuple[Path, ...]:
    """Write `rows` in their order as `00000.parquet`, `00001.parquet`, ...; return the files.

    One shard at a time is gathered in a database on disk, so that memory does not grow with it.

    Args:
        table: Columns, metadata and sizes.
        rows: The cells of each row, in the order of the columns; taken one by one.
        folder: The folder the shards are written to.
        scratch: An empty folder for what is gathered; it is left empty.

    Raises:
        DiskFullError: The disk is full.
        OutputError: DuckDB can't write there.
    """
    files: list[Path] = []
    waiting = iter(rows)
    first = next(waiting, None)
    while first is not None:
        path = folder / f"{len(files):05d}.parquet"
        with _gathering(path, scratch) as connection:
            gathered = _gather(connection, table, first, waiting)
            _copy(connection, table, path, groups=gathered.groups)
        first = gathered.following
        files.append(path)
    return tuple(files)


@dataclass(frozen=True, kw_only=True)
class _Gathered:
    """What lies in the database."""

    groups: int
    """Number of row groups, each a table of its own."""
    following: Sequence[ParquetValue] | None
    """The row after the last; None at the end."""


def _gather(
    connection: duckdb.DuckDBPyConnection,
    table: ParquetTable,
    first: Sequence[ParquetValue],
    waiting: Iterator[Sequence[ParquetValue]],
) -> _Gathered:
    """Insert `first` and what follows until the shard is full.

    DuckDB holds 2,048 rows of a table at once, however large; so a row group is a table.
    """
    row: Sequence[ParquetValue] | None = first
    size = groups = 0
    while row is not None and size < table.shard_bytes:
        _create(connection, table, groups)
        marks = ", ".join("?" for _ in table.columns)
        insert = f"INSERT INTO {_group(groups)} VALUES ({marks})"  # noqa: S608 - no value in it
        in_group = 0
        connection.begin()
        bound = min(table.row_group_bytes, table.shard_bytes - size)
        while row is not None and in_group < bound:
            connection.execute(insert, list(row))
            in_group += sum(_size(value) for value in row)
            row = next(waiting, None)
        connection.commit()
        size, groups = size + in_group, groups + 1
    return _Gathered(groups=groups, following=row)


def _create(connection: duckdb.DuckDBPyConnection, table: ParquetTable, number: int) -> None:
    typed = ", ".join(f"{_quoted(name)} {kind.value}" for name, kind in table.columns.items())
    connection.execute(f"CREATE TABLE {_group(number)} ({typed})")


def _copy(
    connection: duckdb.DuckDBPyConnection, table: ParquetTable, path: Path, *, groups: int
) -> None:
    # Images are compressed already: the cheapest codec is for the words. A group that is written
    # as soon as it is full ends with its table, because a table comes in one piece.
    size = f"ROW_GROUP_SIZE_BYTES {table.row_group_bytes // 2}"
    options = ["FORMAT parquet", "COMPRESSION snappy", size]
    if table.metadata:
        pairs = (f"{_quoted(key)}: {_literal(text)}" for key, text in table.metadata.items())
        options.append(f"KV_METADATA {{{', '.join(pairs)}}}")
    # Knowing that a shard holds no NULL, DuckDB would call its columns required, and shards of one
    # table would differ in their schema.
    connection.execute("SET disabled_optimizers = 'statistics_propagation'")
    rows = " UNION ALL ".join(f"FROM {_group(number)}" for number in range(groups))
    connection.execute(f"COPY ({rows}) TO {_literal(str(path))} ({', '.join(options)})")


def _group(number: int) -> str:
    return f"row_group_{number}"


@contextmanager
def _gathering(path: Path, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database on disk that is gone afterwards; what DuckDB refuses is our error."""
    place = scratch / _SCRATCH
    config = NO_EXTENSIONS | {"memory_limit": _MEMORY, "threads": 1}
    try:
        with duckdb.connect(str(place), config=config) as connection:
            yield connection
    except duckdb.Error as error:
        raise _as_harness_error(error, path) from error
    finally:
        for left in scratch.glob(f"{_SCRATCH}*"):
            left.unlink()


def _as_harness_error(error: duckdb.Error, path: Path) -> HarnessError:
    said = str(error).strip().splitlines()[0]
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DiskFullError(
            f"the disk is full, writing {path}", remedy="Free some space and export again."
        )
    return OutputError(f"{path} can't be written: {said}", remedy="Choose another folder.")


def _size(value: ParquetValue) -> int:
    if isinstance(value, Mapping):
        return sum(len(part) for part in value.values())
    return len(value) if isinstance(value, str) else 8


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
