"""A board ranks who qualifies, lists who does not, and bounds every figure honestly."""

import pytest
from slow_scores import slow_scores
from stored_results import (
    CLASS_IDS,
    EDITS,
    SPACE,
    counts,
    header,
    random_counts,
    run,
    sample,
    samples,
)

from harness.errors import BenchmarkError
from harness.leaderboard.board import build_board, run_row
from harness.records.attributes import Attribute
from harness.records.ranking import Board
from harness.records.run import FailureReason, RunStatus
from harness.store.database import ResultsStore

SAMPLES = samples("abcdefgh", rejected={("b", EDITS[1]), ("c", EDITS[0])})
HEADER = header(SAMPLES)
FAILED = {"status": RunStatus.SUBMISSION_FAILED, "reason": FailureReason.OUT_OF_MEMORY}


def per_edit(of, given):
    """The counts of `of` that `given` holds under each sample's edit."""
    return [row for s in of if s.accepted for row in counts(s.id, **given[s.edit])]


def same(figures):
    return dict.fromkeys((None, *EDITS), figures)


PERFECT = same({"road": (80, 0, 0), "car": (20, 0, 0)})
# Says road everywhere: road 80 / 100, car 0.
CONSTANT = same({"road": (80, 20, 0), "car": (0, 0, 20)})
# Clean 0.9 and 0.7; color drops by 0.2 on car, weather by nothing.
HURT = same({"road": (72, 0, 8), "car": (14, 0, 6)}) | {
    edit: {"road": (72, 0, 8), "car": (10, 0, 10)} for edit in EDITS[:2]
}


@pytest.fixture
def board_of(tmp_path):
    """Stores runs on `of` and returns their board."""

    def build(*runs, of=SAMPLES, head=HEADER, resamples=200, seed=0):
        with ResultsStore.open(tmp_path / "results.duckdb") as store:
            store.add_benchmark(head, of)
            for record, given in runs:
                store.add_run(record, given)
            return build_board(store, benchmark_digest=head.digest, resamples=resamples, seed=seed)

    return build


def test_a_perfect_predictor_has_a_drop_of_zero(board_of):
    board = board_of((run(HEADER.digest), per_edit(SAMPLES, PERFECT)))
    (row,) = board.ranked
    assert (row.clean_miou, row.edited_miou, row.drop_pp, row.relative_drop) == (1, 1, 0, 0)
    assert row.pixel_accuracy == 1
    assert (row.drop_interval.low, row.drop_interval.high) == (0, 0)
    assert (row.rank, row.rank_interval, row.pareto, row.qualified) == (1, (1, 1), True, True)


def test_a_constant_predictor_does_not_qualify_though_its_drop_is_zero(board_of):
    head = header(SAMPLES, qualifying_miou=0.45)
    board = board_of(
        (run(head.digest, "constant"), per_edit(SAMPLES, CONSTANT)),
        (run(head.digest, "hurt"), per_edit(SAMPLES, HURT)),
        head=head,
    )
    (row,) = board.unranked
    assert (row.submission.name, row.clean_miou, row.drop_pp) == ("constant", 0.4, 0.0)
    assert (row.rank, row.rank_interval, row.pareto, row.qualified) == (None, None, False, False)
    assert [score.rank for score in row.attributes] == [None, None]
    assert [(r.submission.name, r.rank) for r in board.ranked] == [("hurt", 1)]
    assert board.ranked[0].pareto


def test_figures_by_hand(board_of):
    board = board_of((run(HEADER.digest), per_edit(SAMPLES, HURT)))
    (row,) = board.ranked
    assert row.clean_miou == pytest.approx(0.8)
    color, weather = row.attributes
    assert (color.attribute, weather.attribute) == (Attribute.COLOR, Attribute.WEATHER)
    assert color.drop_pp == pytest.approx(10.0)
    assert color.edited_miou == pytest.approx(0.7)
    assert weather.drop_pp == pytest.approx(0.0)
    assert row.drop_pp == pytest.approx(5.0)
    assert row.edited_miou == pytest.approx(0.75)
    assert row.relative_drop == pytest.approx(0.0625)
    assert [(v.value, v.sources) for v in color.values] == [("violet", 7), ("pink", 7)]
    assert color.values[0].relative_drop == pytest.approx(0.125)
    assert row.pixel_accuracy == pytest.approx(0.86)
    assert row.images_per_second == 2.0
    # 14 color edits with 10 of 20 car pixels, 8 weather edits with 14 of 20.
    assert [(c.class_name, c.clean_iou) for c in row.classes] == [("road", 0.9), ("car", 0.7)]
    assert row.classes[1].edited_iou == pytest.approx((14 * 10 + 8 * 14) / (22 * 20))


def test_the_board_counts_sources_edits_and_rejections(board_of):
    board = board_of(seed=4)
    assert (board.sources, board.edits, board.rejected) == (8, 22, 2)
    assert (board.resamples, board.seed) == (200, 4)
    assert (board.benchmark, board.ranked, board.unranked, board.failed) == (HEADER, (), (), ())


def test_figures_agree_with_plain_python(board_of):
    given = random_counts(SAMPLES, seed=9)
    (row,) = board_of((run(HEADER.digest), given)).ranked
    slow = slow_scores(SAMPLES, given)
    assert row.clean_miou == pytest.approx(float(slow["clean"]))
    assert row.drop_pp == pytest.approx(float(slow["overall"]))
    assert row.edited_miou == pytest.approx(float(slow["edited"]))
    values = {f"{v.attribute}={v.value}": v.drop_pp for a in row.attributes for v in a.values}
    assert values == {e: pytest.approx(float(d)) for e, d in slow["drops"].items()}


def test_intervals_hold_the_figure_and_depend_on_the_seed_alone(board_of):
    given = random_counts(SAMPLES, seed=9)
    board = board_of((run(HEADER.digest), given))
    (row,) = board.ranked
    assert row.clean_interval.low < row.clean_miou < row.clean_interval.high
    assert row.drop_interval.low < row.drop_pp < row.drop_interval.high
    for score in row.attributes:
        assert score.drop_interval.low <= score.drop_pp <= score.drop_interval.high
        for value in score.values:
            assert value.drop_interval.low <= value.drop_pp <= value.drop_interval.high
    assert board_of() == board
    assert board_of(seed=1).ranked[0].drop_interval != row.drop_interval


def test_without_resamples_there_are_no_intervals(board_of):
    (row,) = board_of((run(HEADER.digest), random_counts(SAMPLES, seed=9)), resamples=0).ranked
    assert (row.clean_interval, row.drop_interval, row.rank_interval) == (None, None, None)
    assert row.attributes[0].values[0].drop_interval is None
    assert row.rank == 1


def test_one_source_gives_figures_and_no_interval(board_of):
    of = samples("a")
    head = header(of)
    (row,) = board_of((run(head.digest), per_edit(of, HURT)), of=of, head=head).ranked
    assert row.drop_pp == pytest.approx(5.0)
    assert (row.clean_interval, row.drop_interval) == (None, None)
    assert row.attributes[0].drop_interval is None


def test_ranks_share_ties_and_intervals_say_which_are_sure(board_of):
    hurt_more = HURT | {edit: {"road": (60, 0, 20), "car": (2, 0, 18)} for edit in EDITS}
    board = board_of(
        *(
            (run(HEADER.digest, name), per_edit(SAMPLES, given))
            for name, given in {"b": HURT, "a": HURT, "c": hurt_more, "d": PERFECT}.items()
        )
    )
    assert [(r.submission.name, r.rank, r.rank_interval) for r in board.ranked] == [
        ("d", 1, (1, 1)),
        ("a", 2, (2, 2)),
        ("b", 2, (2, 2)),
        ("c", 4, (4, 4)),
    ]
    assert [r.pareto for r in board.ranked] == [True, False, False, False]
    # In weather d, a and b all drop by nothing.
    assert [r.attributes[1].rank for r in board.ranked] == [1, 1, 1, 4]


def test_submissions_that_resamples_cannot_tell_apart_have_wide_rank_intervals(board_of):
    board = board_of(
        *(
            (run(HEADER.digest, f"model-{seed}"), random_counts(SAMPLES, seed=seed))
            for seed in range(4)
        )
    )
    assert [r.rank for r in board.ranked] == [1, 2, 3, 4]
    for row in board.ranked:
        best, worst = row.rank_interval
        assert 1 <= best <= row.rank <= worst <= 4
    assert any(r.rank_interval[0] < r.rank_interval[1] for r in board.ranked)


def test_a_higher_clean_miou_with_a_larger_drop_is_also_on_the_front(board_of):
    robust = same({"road": (70, 0, 10), "car": (12, 0, 8)})
    board = board_of(
        (run(HEADER.digest, "hurt"), per_edit(SAMPLES, HURT)),
        (run(HEADER.digest, "robust"), per_edit(SAMPLES, robust)),
    )
    assert {r.submission.name: r.pareto for r in board.ranked} == {"hurt": True, "robust": True}


def test_unranked_submissions_come_by_clean_miou_and_undefined_last(board_of):
    head = header(SAMPLES, qualifying_miou=0.99)
    board = board_of(
        (run(head.digest, "nothing"), ()),
        (run(head.digest, "constant"), per_edit(SAMPLES, CONSTANT)),
        (run(head.digest, "hurt"), per_edit(SAMPLES, HURT)),
        head=head,
    )
    assert [r.submission.name for r in board.unranked] == ["hurt", "constant", "nothing"]
    nothing = board.unranked[-1]
    assert (nothing.clean_miou, nothing.drop_pp, nothing.drop_interval) == (None, None, None)
    assert (nothing.pixel_accuracy, nothing.relative_drop) == (None, None)
    assert nothing.classes == ()


def test_the_latest_completed_run_counts_and_a_later_failure_does_not_hide_it(board_of):
    old, new = run(HEADER.digest, "m", minutes=1), run(HEADER.digest, "m", minutes=2)
    board = board_of(
        (new, per_edit(SAMPLES, PERFECT)),
        (old, per_edit(SAMPLES, HURT)),
        (run(HEADER.digest, "m", minutes=3, **FAILED), ()),
    )
    assert [r.run_id for r in board.ranked] == [new.run_id]
    assert board.failed == ()


def test_a_submission_that_never_completed_is_shown_with_its_latest_reason(board_of):
    log = "x" * 3000 + "the end"
    board = board_of(
        (run(HEADER.digest, "m", minutes=1, status=RunStatus.HARNESS_FAILED), ()),
        (
            run(
                HEADER.digest,
                "m",
                minutes=2,
                log=log,
                sample_id=SAMPLES[3].id,
                detail="It took more than 2048 MiB.",
                **FAILED,
            ),
            (),
        ),
    )
    (failed,) = board.failed
    assert (failed.status, failed.reason) == (RunStatus.SUBMISSION_FAILED, FAILED["reason"])
    assert (failed.sample_id, failed.detail) == (SAMPLES[3].id, "It took more than 2048 MiB.")
    assert failed.log_tail == log[-2000:]
    assert board.ranked == board.unranked == ()


def test_a_value_that_no_source_accepted_is_shown_as_undefined(board_of):
    of = samples("abc", rejected={(source, EDITS[0]) for source in "abc"})
    head = header(of)
    (row,) = board_of((run(head.digest), per_edit(of, HURT)), of=of, head=head).ranked
    violet, pink = row.attributes[0].values
    assert (violet.sources, violet.drop_pp, violet.drop_interval) == (0, None, None)
    assert violet.relative_drop is None
    assert row.attributes[0].drop_pp == pink.drop_pp == pytest.approx(10.0)


def test_predictions_outside_the_classes_are_no_class_of_the_board(board_of):
    of = (sample("a"), sample("a", EDITS[0]), sample("b"), sample("b", EDITS[0]))
    head = header(of, edits=EDITS[:1])
    given = [row for s in of for row in counts(s.id, car=(6, 0, 4), other=(0, 4, 0))]
    (row,) = board_of((run(head.digest), given), of=of, head=head).ranked
    assert row.clean_miou == 0.6
    assert row.pixel_accuracy == 0.6
    assert [c.class_name for c in row.classes] == ["car"]


def test_a_run_by_itself_has_the_figures_of_its_row_and_no_place(board_of, tmp_path):
    former = run(HEADER.digest, minutes=1)
    board = board_of(
        (former, per_edit(SAMPLES, HURT)),
        (run(HEADER.digest, minutes=2), per_edit(SAMPLES, PERFECT)),
        resamples=0,
    )
    with ResultsStore.open_read_only(tmp_path / "results.duckdb") as store:
        shown, hidden = (run_row(store, one) for one in reversed(store.runs(HEADER.digest)))
    assert shown == board.ranked[0].model_copy(
        update={"rank": None, "pareto": False, "attributes": shown.attributes}
    )
    assert [a.drop_pp for a in shown.attributes] == [0, 0]
    assert (hidden.run_id, hidden.qualified) == (former.run_id, True)
    assert hidden.clean_miou == pytest.approx(0.8)
    assert hidden.drop_pp == pytest.approx(5)


def test_a_board_survives_json(board_of):
    board = board_of(
        (run(HEADER.digest, "one"), random_counts(SAMPLES, seed=1)),
        (run(HEADER.digest, "two", **FAILED), ()),
    )
    assert Board.model_validate_json(board.model_dump_json()) == board
    assert [c.id for c in SPACE.classes] == list(CLASS_IDS)


def test_a_benchmark_that_is_not_stored_is_named(board_of, tmp_path):
    board_of()
    with (
        ResultsStore.open_read_only(tmp_path / "results.duckdb") as store,
        pytest.raises(BenchmarkError, match="ffffffffffff"),
    ):
        build_board(store, benchmark_digest="f" * 64)
