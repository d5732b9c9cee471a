"""A database of another schema is migrated or refused, and another program's is left alone."""

import duckdb
import pytest
from stored_results import header, samples

from harness.errors import DatabaseError
from harness.store import schema
from harness.store.database import ResultsStore
from harness.store.schema import newest_version

SAMPLES = samples("ab")
HEADER = header(SAMPLES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "leaderboard" / "results.duckdb"


def test_another_programs_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE run (price INTEGER)")
    for opened in (ResultsStore.open, ResultsStore.open_read_only):
        with pytest.raises(DatabaseError, match=r"another program's .* run"), opened(path):
            pass
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("run",)]


def test_a_newer_schema_names_both_versions(path):
    with ResultsStore.open(path):
        pass
    newer = newest_version() + 1
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO harness_schema VALUES (?, 'later.sql')", [newer])
    says = f"version {newer}; this harness knows up to {newest_version()}"
    for opened in (ResultsStore.open, ResultsStore.open_read_only):
        with pytest.raises(DatabaseError, match=says), opened(path):
            pass


def test_an_older_schema_is_migrated_even_for_reading(path, monkeypatch):
    known = schema.migrations()
    monkeypatch.setattr(schema, "migrations", lambda: known[:1])
    with ResultsStore.open(path) as store:
        store.add_benchmark(HEADER, SAMPLES)
    monkeypatch.setattr(schema, "migrations", lambda: known)
    with ResultsStore.open_read_only(path) as store:
        assert store.benchmarks() == (HEADER,)
    with duckdb.connect(str(path), read_only=True) as connection:
        versions = connection.execute("SELECT version FROM harness_schema ORDER BY 1").fetchall()
        assert versions == [(m.version,) for m in known]


def test_a_migration_that_fails_leaves_the_older_schema(path, monkeypatch):
    with ResultsStore.open(path):
        pass
    broken = schema.Migration(
        version=newest_version() + 1, name="broken.sql", sql="CREATE TABLE half (a INT); nonsense;"
    )
    known = schema.migrations()
    monkeypatch.setattr(schema, "migrations", lambda: (*known, broken))
    with pytest.raises(DatabaseError), ResultsStore.open(path):
        pass
    monkeypatch.setattr(schema, "migrations", lambda: known)
    with ResultsStore.open(path):
        pass
    with duckdb.connect(str(path), read_only=True) as connection:
        assert ("half",) not in connection.execute("SHOW TABLES").fetchall()
