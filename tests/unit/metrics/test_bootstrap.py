"""Resamples draw sources with replacement, the same for all; intervals are percentiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.metrics import bootstrap
from harness.metrics.bootstrap import percentile_interval, resampled_weights


def weights(sources, *, resamples=50, seed=0):
    return np.concatenate(list(resampled_weights(sources, resamples=resamples, seed=seed)))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**31))
def test_each_resample_draws_as_many_sources_as_there_are(sources, resamples, seed):
    drawn = weights(sources, resamples=resamples, seed=seed)
    assert drawn.shape == (resamples, sources)
    assert (drawn >= 0).all()
    assert (drawn.sum(axis=1) == sources).all()


def test_the_seed_decides_and_the_chunks_do_not(monkeypatch):
    whole = weights(7)
    monkeypatch.setattr(bootstrap, "CHUNK_WEIGHTS", 7 * 3)
    chunks = list(resampled_weights(7, resamples=50, seed=0))
    assert len(chunks) == 17
    assert max(chunk.shape[0] for chunk in chunks) == 3
    assert np.array_equal(np.concatenate(chunks), whole)
    assert not np.array_equal(weights(7, seed=1), whole)


def test_every_source_is_drawn_about_once_on_average():
    drawn = weights(5, resamples=4000)
    assert drawn.mean(axis=0) == pytest.approx([1.0] * 5, abs=0.05)
    # Binomial(5, 1/5): variance 0.8.
    assert drawn.var(axis=0) == pytest.approx([0.8] * 5, abs=0.08)


def test_there_is_nothing_to_draw_without_sources_or_resamples():
    assert list(resampled_weights(0, resamples=10, seed=0)) == []
    assert list(resampled_weights(4, resamples=0, seed=0)) == []


def test_an_interval_by_hand():
    found = percentile_interval(np.arange(201.0))
    assert (found.low, found.high) == (pytest.approx(5.0), pytest.approx(195.0))


def test_resamples_in_which_nothing_is_defined_are_left_out():
    found = percentile_interval(np.array([np.nan, 1.0, 1.0, np.nan, 1.0]))
    assert (found.low, found.high) == (1.0, 1.0)
    assert percentile_interval(np.array([np.nan, 1.0])) is None
    assert percentile_interval(np.array([])) is None


def test_the_interval_of_a_mean_agrees_with_scipy():
    values = np.random.default_rng(3).gamma(2.0, size=60)
    ours = percentile_interval(weights(60, resamples=4000) @ values / 60)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(9)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.06 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.06 * width)
