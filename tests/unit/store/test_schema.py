"""A database of another schema is migrated or refused, and another program's is left alone."""

import duckdb
import pytest
from stored_results import EDITS, header, random_counts, random_paired_counts, run, sample, samples

from harness.errors import DatabaseError
from harness.leaderboard.board import build_board
from harness.records.attributes import Attribute, Edit
from harness.store import benchmarks, schema
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


LEFT = Edit(attribute=Attribute.POSITION, value="left")
JUDGED = (
    *samples("cd", rejected={("d", EDITS[1])}, filtered={("c", EDITS[0]), ("d", EDITS[1])}),
    sample("c", LEFT, filtered=True),
    # A name that reads like the key that the migration looks for.
    sample('"filtered_label_pixel_sha256":"', EDITS[0]),
    sample('"filtered_label_pixel_sha256":"'),
)
JUDGED_HEADER = header(JUDGED, name="judged", edits=(*EDITS, LEFT))


def test_results_from_before_sources_were_judged_by_filtered_labels(path, monkeypatch):
    """Schema 3 to 4: whatever was not filtered keeps its scores, the rest is to be run again."""
    known = schema.migrations()
    assert known[3].name == "0004_paired_counts.sql"
    plain, judged = run(HEADER.digest), run(JUDGED_HEADER.digest)
    own = random_counts(JUDGED, seed=1)
    with monkeypatch.context() as before:
        before.setattr(schema, "migrations", lambda: known[:3])
        before.setattr(benchmarks, "_insert_filtered_edits", lambda *_: None)
        with ResultsStore.open(path) as store:
            store.add_benchmark(HEADER, SAMPLES)
            store.add_benchmark(JUDGED_HEADER, JUDGED)
            store.add_run(plain, random_counts(SAMPLES, seed=1))
            store.add_run(judged, own)
        with duckdb.connect(str(path), read_only=True) as connection:
            views = "SELECT * FROM drop_overall WHERE run_id = ?"
            former = connection.execute(views, [plain.run_id]).fetchall()
            assert len(connection.execute("SELECT run_id FROM rank_overall").fetchall()) == 2

    with ResultsStore.open_read_only(path) as store:
        assert store.unpaired_runs(HEADER.digest) == frozenset()
        assert store.unpaired_runs(JUDGED_HEADER.digest) == {judged.run_id}
        board = build_board(store, benchmark_digest=HEADER.digest, resamples=0)
        assert [row.run_id for row in (*board.ranked, *board.unranked)] == [plain.run_id]
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute("SELECT * FROM filtered_edit").fetchall()
        assert found == [(JUDGED_HEADER.digest, sample("c", EDITS[0]).id)]
        (now,) = connection.execute(views, [plain.run_id]).fetchall()
        assert now == pytest.approx(former[0])
        for view in ("iou", "miou", "drop_by_value", "drop_overall", "rank_overall"):
            scored = connection.execute(f"SELECT DISTINCT run_id FROM {view}").fetchall()  # noqa: S608
            assert scored == [(plain.run_id,)]

    again = run(JUDGED_HEADER.digest, minutes=5)
    with ResultsStore.open(path) as store:
        store.add_run(again, own, paired=random_paired_counts(JUDGED, own, seed=2))
        board = build_board(store, benchmark_digest=JUDGED_HEADER.digest, resamples=0)
    assert [row.run_id for row in (*board.ranked, *board.unranked)] == [again.run_id]
    assert board.failed == ()
