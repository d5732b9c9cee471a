import fake_boards as fb
import pytest

from harness.leaderboard.bars import bar_scale, class_span
from harness.leaderboard.heatmap import heat_map
from harness.leaderboard.scatter import HEIGHT, PLOT, WIDTH, nice_ticks, scatter
from harness.records.ranking import ClassIou, Interval


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 10.0, (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)),
        (-0.6, 13.1, (-5.0, 0.0, 5.0, 10.0, 15.0)),
        (0.61, 0.63, (0.61, 0.615, 0.62, 0.625, 0.63)),
    ],
)
def test_ticks_are_round_and_enclose_the_figures(low, high, ticks):
    assert nice_ticks(low, high) == pytest.approx(ticks)


def test_ticks_of_a_single_figure_still_span_something():
    ticks = nice_ticks(0.5, 0.5)
    assert len(ticks) >= 2
    assert ticks[0] <= 0.5 <= ticks[-1]


def _plain(number, name, *, clean, drop, pareto, rank):
    row = fb.row(number, fb.submission(name), clean=clean, scale=1, rank=rank, intervals=False)
    return row.model_copy(update={"drop_pp": drop, "pareto": pareto})


def test_scatter_places_better_up_and_right_and_walks_the_front():
    robust = _plain(1, "robust", clean=0.4, drop=0.0, pareto=True, rank=1)
    accurate = _plain(2, "accurate", clean=0.9, drop=10.0, pareto=True, rank=2)
    chart = scatter(fb.board(ranked=(robust, accurate), unranked=()))
    first, second = chart.points
    assert (first.x, first.y) == (PLOT.left, PLOT.top)
    assert (second.x, second.y) == (PLOT.right, PLOT.bottom)
    left, right, top, bottom = PLOT.left, PLOT.right, PLOT.top, PLOT.bottom
    assert chart.front == f"{left:g},{top:g} {left:g},{bottom:g} {right:g},{bottom:g}"
    assert [t.label for t in chart.x_ticks] == ["40", "50", "60", "70", "80", "90"]
    assert chart.qualifying_x is None  # 0.3 lies left of the chart


def test_scatter_without_figures_is_left_out():
    assert scatter(fb.board(ranked=(), unranked=(fb.undefined_row(),))) is None
    assert scatter(fb.board(ranked=(), unranked=())) is None


def test_names_cover_neither_each_other_nor_a_point():
    rows = tuple(
        _plain(i, f"model-{i}", clean=0.5 + 0.004 * i, drop=5.0 + 0.1 * i, pareto=False, rank=i)
        for i in range(1, 13)
    )
    points = scatter(fb.board(ranked=rows, unranked=())).points
    boxes = [p.label.box for p in points if p.label]
    assert boxes
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])
        for p in points:
            assert not (box.left < p.x < box.right and box.top < p.y < box.bottom)
        assert box.left >= 0
        assert box.right <= WIDTH
        assert box.bottom <= HEIGHT


def test_heat_map_has_a_cell_for_every_submission_and_value():
    board = fb.board()
    chart = heat_map(board)
    assert [c.edit for c in chart.columns] == list(board.benchmark.edits)
    assert len(chart.rows) == 7
    assert all(len(r.cells) == 27 for r in chart.rows)
    drop = board.ranked[0].attributes[0].values[0].drop_pp
    first = chart.rows[0].cells[0]
    assert first.text == f"{drop:.1f}"
    assert first.title == f"Mini U-Net, augmented, color violet: drop {drop:.2f} pp"
    assert {c.text for c in chart.rows[-1].cells} == {"\u2013"}
    assert heat_map(fb.board(ranked=(), unranked=())) is None


def test_bars_share_one_scale_with_zero_on_it():
    row = fb.ranked_rows()[0]
    scale = bar_scale(row)
    assert scale.low < 0 < scale.high
    bar = scale.bar(scale.high, Interval(low=0.0, high=scale.high))
    assert (bar.x, bar.zero) == (bar.low, bar.low)
    assert bar.x + bar.width == pytest.approx(100)
    loss = scale.bar(scale.low, None)
    assert loss.x == 0
    assert loss.low is None
    assert scale.bar(None, None) is None


def test_bars_of_a_row_without_figures_have_a_scale_all_the_same():
    assert bar_scale(fb.undefined_row()).bar(0.0, None).width == 0


def test_class_spans():
    span = class_span(ClassIou(class_name="bird", clean_iou=0.8, edited_iou=0.5))
    assert (span.clean, span.edited, span.x, span.width) == (80, 50, 50, 30)
    assert class_span(ClassIou(class_name="bird", clean_iou=None, edited_iou=0.5)) is None
