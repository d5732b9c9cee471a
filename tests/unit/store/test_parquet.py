"""Parquet shards: every row once and in order, in pieces of a bounded size."""

import duckdb
import pytest

from harness.errors import DiskFullError, OutputError
from harness.store import parquet
from harness.store.parquet import ColumnType, ParquetTable, write_shards

COLUMNS = {
    "id": ColumnType.INTEGER,
    'it\'s "so"': ColumnType.TEXT,
    "real": ColumnType.REAL,
    "truth": ColumnType.TRUTH,
    "file": ColumnType.FILE,
}


def row(number):
    data = bytes([number % 256]) * 1000
    file = None if number % 7 == 0 else {"bytes": data, "path": f"{number}.png"}
    return (number, None if number % 5 == 0 else f"ü{number}", number / 4, number % 2 == 0, file)


def write(tmp_path, rows, **sizes):
    for name in ("data", "scratch"):
        (tmp_path / name).mkdir()
    table = ParquetTable(columns=COLUMNS, metadata={"k'ey": "{'a': 1}"}, **sizes)
    return write_shards(table, rows, folder=tmp_path / "data", scratch=tmp_path / "scratch")


def read(path):
    return duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()


def groups(path):
    found = duckdb.execute(
        "SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(?) ORDER BY 1",
        [str(path)],
    )
    return [count for _, count in found.fetchall()]


def test_rows_come_back_in_order_over_shards_and_row_groups(tmp_path):
    rows = [row(number) for number in range(100)]
    files = write(tmp_path, iter(rows), shard_bytes=30_000, row_group_bytes=5_000)
    assert [file.name for file in files] == [f"{n:05d}.parquet" for n in range(len(files))]
    assert len(files) == 3
    assert [found for file in files for found in read(file)] == rows
    assert all(max(groups(file)) <= 7 for file in files)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_one_large_row_makes_a_shard_of_its_own(tmp_path):
    rows = [(n, None, None, None, {"bytes": b"x" * 50_000, "path": "p"}) for n in range(3)]
    files = write(tmp_path, rows, shard_bytes=30_000, row_group_bytes=5_000)
    assert [len(read(file)) for file in files] == [1, 1, 1]


def test_shards_have_one_schema_whether_or_not_they_hold_nulls(tmp_path):
    (file,) = write(tmp_path, [row(1), row(2)])
    kinds = duckdb.execute(
        "SELECT DISTINCT repetition_type FROM parquet_schema(?) WHERE name IN ('id', 'file')",
        [str(file)],
    )
    assert kinds.fetchall() == [("OPTIONAL",)]


def test_metadata_and_names_need_no_care(tmp_path):
    (file,) = write(tmp_path, [row(1)])
    found = duckdb.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(file)]).fetchall()
    assert (b"k'ey", b"{'a': 1}") in [(_bytes(k), _bytes(v)) for k, v in found]
    names = duckdb.execute("SELECT * FROM read_parquet(?)", [str(file)]).description
    assert [name for name, *_ in names] == list(COLUMNS)


def _bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def test_rows_are_taken_one_by_one(tmp_path):
    taken = []

    def rows():
        for number in range(20):
            taken.append(number)
            yield row(number)

    sizes = []
    stream = rows()
    (tmp_path / "data").mkdir()
    (tmp_path / "scratch").mkdir()
    table = ParquetTable(columns=COLUMNS, metadata={}, shard_bytes=3_000, row_group_bytes=1_000)

    def watched():
        for item in stream:
            sizes.append(len(list((tmp_path / "data").iterdir())))
            yield item

    write_shards(table, watched(), folder=tmp_path / "data", scratch=tmp_path / "scratch")
    assert taken == list(range(20))
    assert sizes[0] == 0
    assert sizes[-1] >= 4


def test_no_rows_make_no_shard(tmp_path):
    assert write(tmp_path, []) == ()


def test_what_duckdb_refuses_is_our_error(tmp_path):
    (tmp_path / "scratch").mkdir()
    table = ParquetTable(columns=COLUMNS, metadata={})
    with pytest.raises(OutputError, match=r"00000\.parquet can't be written"):
        write_shards(table, [row(1)], folder=tmp_path / "nope", scratch=tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_full_disk_is_said_to_be_full():
    error = duckdb.IOException("Could not write file: No space left on device\nmore")
    found = parquet._as_harness_error(error, tmp := parquet.Path("x.parquet"))
    assert isinstance(found, DiskFullError)
    assert str(tmp) in str(found)
