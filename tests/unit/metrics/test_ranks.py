"""Ranks share ties, intervals hold ranks that occurred, and the front is what none beats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.metrics.ranks import RankInterval, pareto_front, rank_intervals, ranks_ascending

scores = st.lists(st.sampled_from([0.0, 0.5, 1.25, 2.0, 7.5, 9.0]), min_size=1, max_size=9)


def test_ties_share_the_smaller_rank():
    assert ranks_ascending(np.array([3.0, 1.0, 3.0, 9.0])).tolist() == [2, 1, 2, 4]


def test_what_is_not_defined_has_no_rank_and_takes_none():
    assert ranks_ascending(np.array([3.0, np.nan, 1.0])).tolist() == [2, 0, 1]


def test_rounding_noise_is_a_tie():
    assert ranks_ascending(np.array([0.1 + 0.2, 0.3, 0.4])).tolist() == [1, 1, 3]


@given(scores)
def test_agrees_with_scipy(values):
    expected = stats.rankdata(values, method="min")
    assert ranks_ascending(np.array(values)).tolist() == expected.tolist()


def test_rows_are_ranked_apart():
    rows = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert ranks_ascending(rows).tolist() == [[1, 2], [2, 1]]


def test_an_interval_holds_the_central_95_percent_of_the_ranks():
    # The second is better in one resample of 100, so that is outside the interval.
    drops = np.array([[1.0] * 100, [0.0] + [2.0] * 99, [3.0] * 50 + [0.5] * 50])
    assert rank_intervals(drops) == (
        RankInterval(best=1, worst=2),
        RankInterval(best=2, worst=3),
        RankInterval(best=1, worst=3),
    )


def test_without_resamples_there_is_no_interval():
    assert rank_intervals(np.empty((2, 0))) == (None, None)


def test_resamples_in_which_a_drop_is_not_defined_are_left_out():
    drops = np.array([[np.nan, 1.0, 1.0], [np.nan, np.nan, np.nan]])
    assert rank_intervals(drops) == (RankInterval(best=1, worst=1), None)


def test_the_front_by_hand():
    clean = np.array([0.8, 0.7, 0.6, 0.9, 0.7])
    drop = np.array([5.0, 2.0, 3.0, 9.0, 2.0])
    # The third is beaten by the second; the second and the fifth are equal and beat no other.
    assert pareto_front(clean, drop).tolist() == [True, True, False, True, True]


def test_an_undefined_drop_is_not_on_the_front_and_beats_no_one():
    assert pareto_front(np.array([0.9, 0.1]), np.array([np.nan, 5.0])).tolist() == [False, True]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8))
def test_the_front_agrees_with_comparing_every_pair(points):
    quality, cost = (np.array(axis, dtype=float) for axis in zip(*points, strict=True))
    expected = [
        not any(q >= own_q and c <= own_c and (q, c) != (own_q, own_c) for q, c in points)
        for own_q, own_c in points
    ]
    assert pareto_front(quality, cost).tolist() == expected


@pytest.mark.parametrize("count", [1, 4])
def test_the_best_of_all_is_always_on_the_front(count):
    quality = np.linspace(0.5, 0.9, count)
    assert pareto_front(quality, 1 - quality).tolist() == [False] * (count - 1) + [True]
