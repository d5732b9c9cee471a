"""The views give the published numbers: those of the metrics, and those of plain Python."""

import duckdb
import pytest
from slow_scores import pooled, slow_scores
from stored_results import (
    EDITS,
    SPACE,
    counts,
    header,
    random_counts,
    random_paired_counts,
    run,
    sample,
    samples,
)

from harness.leaderboard.board import build_board
from harness.records.run import ClassCounts, FailureReason, RunStatus
from harness.store.database import ResultsStore

REJECTED = {("b", EDITS[1]), ("c", EDITS[0]), ("d", EDITS[2])}
SAMPLES = samples("abcdef", rejected=REJECTED)
HEADER = header(SAMPLES)
SKILLS = {"strong": 0.9, "middling": 0.7, "weak": 0.25}


def ask(path, query, *parameters):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query, list(parameters)).fetchall()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A database of three submissions, with their counts by run id."""
    path = tmp_path_factory.mktemp("views") / "results.duckdb"
    of_run = {}
    with ResultsStore.open(path) as store:
        store.add_benchmark(HEADER, SAMPLES)
        for seed, (name, skill) in enumerate(SKILLS.items()):
            record = run(HEADER.digest, name)
            of_run[record.run_id] = random_counts(SAMPLES, seed=seed, skill=skill)
            store.add_run(record, of_run[record.run_id])
    return path, of_run


@pytest.fixture(scope="module")
def board(stored):
    with ResultsStore.open_read_only(stored[0]) as store:
        return build_board(store, benchmark_digest=HEADER.digest, resamples=0)


def close(value):
    return None if value is None else pytest.approx(float(value), abs=1e-12)


def test_iou_pools_the_counts_of_a_condition(stored):
    path, of_run = stored
    sources = {s.id for s in SAMPLES if s.edit is None}
    for run_id, given in of_run.items():
        found = ask(
            path,
            "SELECT class_id, tp, fp, fn, iou FROM iou WHERE run_id = ? AND condition = 'clean'",
            run_id,
        )
        total = pooled([row for row in given if row.sample_id in sources and row.class_id >= 0])
        assert {c: [tp, fp, fn] for c, tp, fp, fn, _ in found} == total
        assert all(
            value == pytest.approx(tp / (tp + fp + fn), abs=1e-12) for _, tp, fp, fn, value in found
        )


def test_iou_names_the_class(stored):
    names = ask(stored[0], "SELECT DISTINCT class_id, class_name FROM iou ORDER BY 1")
    assert names == [(c.id, c.name) for c in SPACE.classes]


def test_drops_agree_with_plain_python(stored):
    path, of_run = stored
    for run_id, given in of_run.items():
        slow = slow_scores(SAMPLES, given)
        by_value = ask(
            path,
            "SELECT attribute || '=' || value, clean_miou, edited_miou, drop_pp FROM drop_by_value"
            " WHERE run_id = ? ORDER BY position",
            run_id,
        )
        assert [row[0] for row in by_value] == [str(edit) for edit in EDITS]
        for edit, clean, edited, drop in by_value:
            assert (clean, edited) == tuple(close(v) for v in slow["values"][edit])
            assert drop == pytest.approx(float(slow["drops"][edit]), abs=1e-10)
        by_attribute = dict(
            ask(path, "SELECT attribute, drop_pp FROM drop_by_attribute WHERE run_id = ?", run_id)
        )
        assert by_attribute == {k: pytest.approx(float(v)) for k, v in slow["attributes"].items()}
        overall = ask(
            path,
            "SELECT clean_miou, edited_miou, drop_pp FROM drop_overall WHERE run_id = ?",
            run_id,
        )
        expected = (slow["clean"], slow["edited"], slow["overall"])
        assert overall == [tuple(pytest.approx(float(v), abs=1e-10) for v in expected)]


def keyed(path, query, *, by):
    """The rows of `query`, by their first `by` columns."""
    return {row[:by]: row[by:] for row in ask(path, query)}


def test_every_figure_of_the_board_stands_in_a_view(stored, board):
    path, _ = stored
    overall = keyed(
        path,
        "SELECT run_id, rank, qualified, clean_miou, edited_miou, drop_pp, relative_drop,"
        " pixel_accuracy FROM rank_overall",
        by=1,
    )
    by_attribute = keyed(
        path,
        "SELECT run_id, attribute, rank, clean_miou, edited_miou, drop_pp FROM rank_by_attribute",
        by=2,
    )
    by_value = keyed(
        path,
        "SELECT run_id, attribute, value, sources, clean_miou, edited_miou, drop_pp,"
        " relative_drop FROM drop_by_value",
        by=3,
    )
    rows = (*board.ranked, *board.unranked)
    assert len(rows) == len(overall) == 3
    for row in rows:
        shown = (row.clean_miou, row.edited_miou, row.drop_pp, row.relative_drop)
        figures = (*shown, row.pixel_accuracy)
        assert overall[row.run_id,] == (row.rank, row.qualified, *map(close, figures))
        for score in row.attributes:
            figures = (score.clean_miou, score.edited_miou, score.drop_pp)
            found = by_attribute[row.run_id, score.attribute]
            assert found == (score.rank, *map(close, figures))
            for value in score.values:
                figures = (value.clean_miou, value.edited_miou, value.drop_pp, value.relative_drop)
                found = by_value[row.run_id, value.attribute, value.value]
                assert found == (value.sources, *map(close, figures))


def test_only_pairs_with_an_accepted_edit_are_compared(stored):
    found = ask(
        stored[0], "SELECT DISTINCT attribute, value, sources FROM drop_by_value ORDER BY ALL"
    )
    assert found == [("color", "pink", 5), ("color", "violet", 5), ("weather", "snowy", 5)]
    sides = ask(
        stored[0],
        "SELECT condition, side, any_value(samples) FROM miou GROUP BY ALL ORDER BY ALL",
    )
    assert sides[0] == ("clean", "clean", 6)
    assert {n for _, _, n in sides[1:]} == {5}


def stored_in(path, of, runs, **changes):
    head = header(of, **changes)
    with ResultsStore.open(path) as store:
        store.add_benchmark(head, of)
        for record, given in runs(head.digest):
            store.add_run(record, given)
    return head


def by_sample(of, per_edit):
    """Counts of `of`: those of `per_edit` under the sample's edit, or under None for a source."""
    return [row for s in of for row in counts(s.id, **per_edit.get(s.edit, {}))]


def test_a_class_that_an_edit_covered_is_averaged_on_neither_side(tmp_path):
    path = tmp_path / "results.duckdb"
    of = (sample("a"), sample("a", EDITS[0]))
    given = by_sample(
        of,
        {
            None: {"road": (8, 0, 2), "car": (1, 0, 9)},
            EDITS[0]: {"road": (8, 0, 2), "car": (0, 7, 0)},
        },
    )
    stored_in(path, of, lambda digest: [(run(digest), given)], edits=EDITS[:1])
    assert ask(path, "SELECT clean_miou, edited_miou, drop_pp FROM drop_by_value") == [
        (0.8, 0.8, 0.0)
    ]
    sides = ask(path, "SELECT side, classes FROM miou WHERE value = 'violet' ORDER BY side")
    assert sides == [("clean", 1), ("edited", 1)]
    assert ask(path, "SELECT miou FROM miou WHERE condition = 'clean'") == [(pytest.approx(0.45),)]


def test_a_class_that_is_only_predicted_is_not_averaged(tmp_path):
    path = tmp_path / "results.duckdb"
    of = (sample("a"), sample("a", EDITS[0]))
    given = by_sample(of, {None: {"road": (8, 0, 2), "bus": (0, 2, 0)}})
    stored_in(path, of, lambda digest: [(run(digest), given)], edits=EDITS[:1])
    assert ask(path, "SELECT miou, classes FROM miou WHERE condition = 'clean'") == [(0.8, 1)]


def test_what_is_not_defined_is_null(tmp_path):
    path = tmp_path / "results.duckdb"
    of = samples("a", rejected={("a", edit) for edit in EDITS})
    given = [ClassCounts(sample_id=of[0].source_id, class_id=-1, tp=0, fp=5, fn=0)]
    stored_in(path, of, lambda digest: [(run(digest), given)])
    assert ask(
        path, "SELECT DISTINCT sources, clean_miou, drop_pp, relative_drop FROM drop_by_value"
    ) == [(0, None, None, None)]
    assert ask(
        path, "SELECT rank, qualified, clean_miou, drop_pp, pixel_accuracy FROM rank_overall"
    ) == [(None, False, None, None, None)]


def test_ties_share_the_smaller_rank_and_the_unqualified_take_none(tmp_path):
    path = tmp_path / "results.duckdb"
    of = samples("ab")
    good = {None: {"car": (90, 0, 10)}} | {e: {"car": (60, 0, 40)} for e in EDITS}
    worse = good | {EDITS[0]: {"car": (10, 0, 90)}}
    constant = {e: {"car": (1, 0, 99)} for e in (None, *EDITS)}
    per_name = {"one": good, "two": good, "worse": worse, "constant": constant}
    stored_in(
        path, of, lambda d: [(run(d, name), by_sample(of, c)) for name, c in per_name.items()]
    )
    found = ask(path, "SELECT submission, rank FROM rank_overall ORDER BY rank, submission")
    assert found == [("one", 1), ("two", 1), ("worse", 3), ("constant", None)]
    colors = ask(
        path,
        "SELECT submission, rank FROM rank_by_attribute WHERE attribute = 'weather' ORDER BY ALL",
    )
    assert colors == [("constant", None), ("one", 1), ("two", 1), ("worse", 1)]


def test_the_latest_completed_run_of_a_submission_is_the_one_that_counts(tmp_path):
    path = tmp_path / "results.duckdb"
    of = samples("ab")
    good = {e: {"car": (90, 0, 10)} for e in (None, *EDITS)}

    def runs(digest):
        failed = {"status": RunStatus.SUBMISSION_FAILED, "reason": FailureReason.KILLED}
        return [
            (run(digest, "model", minutes=3), by_sample(of, good)),
            (run(digest, "model", minutes=1), ()),
            (run(digest, "model", minutes=8, **failed), ()),
            (run(digest, "broken", minutes=2, **failed), ()),
        ]

    head = stored_in(path, of, runs)
    expected = run(head.digest, "model", minutes=3).run_id
    assert ask(path, "SELECT submission, run_id FROM scored_run") == [("model", expected)]
    assert ask(path, "SELECT submission, run_id FROM rank_overall") == [("model", expected)]


def test_a_filtered_edit_is_compared_with_its_source_under_its_own_label(tmp_path):
    path = tmp_path / "results.duckdb"
    of = samples("abcd", filtered={("a", EDITS[0]), ("b", EDITS[0]), ("c", EDITS[2])})
    head, record = header(of, qualifying_miou=0.2), run(header(of).digest)
    own = random_counts(of, seed=3)
    paired = random_paired_counts(of, own, seed=4)
    with ResultsStore.open(path) as store:
        store.add_benchmark(head, of)
        store.add_run(record, own, paired=paired)
        board = build_board(store, benchmark_digest=head.digest, resamples=0)
    slow = slow_scores(of, own, paired=paired)
    assert slow["drops"]["color=violet"] != slow_scores(of, own)["drops"]["color=violet"]

    (row,) = board.ranked
    shown = {f"{v.attribute}={v.value}": v for a in row.attributes for v in a.values}
    query = "SELECT attribute || '=' || value, clean_miou, edited_miou, drop_pp FROM drop_by_value"
    found = ask(path, query)
    assert len(found) == len(shown) == 3
    for edit, *figures in found:
        clean, edited = slow["values"][edit]
        assert figures == [close(clean), close(edited), close(slow["drops"][edit])]
        of_board = shown[edit]
        assert [of_board.clean_miou, of_board.edited_miou, of_board.drop_pp] == list(
            map(close, figures)
        )
    overall = ask(path, "SELECT clean_miou, drop_pp FROM rank_overall")
    assert overall == [(close(slow["clean"]), close(slow["overall"]))]
    assert (close(row.clean_miou), close(row.drop_pp)) == overall[0]
    sides = "SELECT side, count(*), count(filtered_by) FROM condition_sample WHERE value = 'violet'"
    assert sorted(ask(path, f"{sides} GROUP BY side")) == [("clean", 4, 2), ("edited", 4, 0)]


def test_benchmarks_do_not_mix(tmp_path):
    path = tmp_path / "results.duckdb"
    small, large = samples("ab"), samples("abc")
    good = {e: {"car": (90, 0, 10)} for e in (None, *EDITS)}
    first = stored_in(path, small, lambda d: [(run(d), by_sample(small, good))])
    second = stored_in(path, large, lambda d: [(run(d), by_sample(large, good))])
    found = ask(
        path, "SELECT benchmark_digest, tp FROM iou JOIN run USING (run_id) WHERE condition='clean'"
    )
    assert sorted(found) == sorted([(first.digest, 180), (second.digest, 270)])


def test_everything_is_explained_in_the_database_itself(stored):
    silent = ask(
        stored[0],
        """
        SELECT table_name FROM duckdb_tables() WHERE comment IS NULL
        UNION ALL SELECT view_name FROM duckdb_views() WHERE comment IS NULL AND NOT internal
        UNION ALL SELECT table_name || '.' || column_name FROM duckdb_columns()
            WHERE comment IS NULL AND NOT internal
        """,
    )
    assert silent == []
    views = {
        name
        for (name,) in ask(stored[0], "SELECT view_name FROM duckdb_views() WHERE NOT internal")
    }
    assert views >= {
        *("iou", "miou", "drop_by_value", "drop_by_attribute", "drop_overall"),
        *("rank_by_attribute", "rank_overall"),
    }
