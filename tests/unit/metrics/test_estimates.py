"""All figures of a submission agree with plain Python, as drawn and in each resample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_scores import slow_scores
from stored_results import CLASS_IDS, EDITS, random_counts, random_paired_counts, samples

from harness.metrics import bootstrap
from harness.metrics.bootstrap import resampled_weights
from harness.metrics.estimates import EditPairs, PairedDesign, estimate, resampled_estimates
from harness.metrics.iou import PixelCounts, defined

SAMPLES = samples("abcdefg", rejected={("b", EDITS[1]), ("c", EDITS[0]), ("d", EDITS[2])})
ACCEPTED = [s for s in SAMPLES if s.accepted]
ROW = {s.id: row for row, s in enumerate(ACCEPTED)}
SOURCES = [s.id for s in ACCEPTED if s.edit is None]


def pairs(edit):
    edits = [s for s in ACCEPTED if s.edit == edit]
    return EditPairs(
        sources=np.array([SOURCES.index(s.source_id) for s in edits], dtype=np.intp),
        edits=np.array([ROW[s.id] for s in edits], dtype=np.intp),
    )


DESIGN = PairedDesign(
    sources=np.array([ROW[s] for s in SOURCES]),
    values={
        "color": {"violet": pairs(EDITS[0]), "pink": pairs(EDITS[1])},
        "weather": {"snowy": pairs(EDITS[2])},
    },
)


def pixel_counts(rows):
    tp, fp, fn = (np.zeros((len(ACCEPTED), len(CLASS_IDS)), dtype=np.int64) for _ in range(3))
    for row in rows:
        if row.class_id >= 0:
            where = ROW[row.sample_id], CLASS_IDS.index(row.class_id)
            tp[where], fp[where], fn[where] = row.tp, row.fp, row.fn
    return PixelCounts.of(tp, fp, fn)


def assert_agrees(found, resample, slow):
    def same(value, expected):
        if expected is None:
            assert defined(value[resample]) is None
        else:
            assert value[resample] == pytest.approx(float(expected), abs=1e-12)

    same(found.clean, slow["clean"])
    for edit, (clean, edited) in slow["values"].items():
        attribute, value = edit.split("=")
        same(found.values[attribute][value].clean, clean)
        same(found.values[attribute][value].edited, edited)
    for attribute, drop in slow["attributes"].items():
        same(found.attributes[attribute].drop, None if drop is None else drop / 100)
    same(found.overall.drop, None if slow["overall"] is None else slow["overall"] / 100)
    same(found.overall.edited, slow["edited"])


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.1, 1.0))
def test_figures_as_drawn_agree_with_plain_python(seed, skill):
    rows = random_counts(SAMPLES, seed=seed, skill=skill)
    assert_agrees(estimate(pixel_counts(rows), DESIGN), 0, slow_scores(SAMPLES, rows))


def test_every_resample_agrees_with_plain_python_on_repeated_sources(monkeypatch):
    monkeypatch.setattr(bootstrap, "CHUNK_WEIGHTS", 7 * 4)
    rows = random_counts(SAMPLES, seed=5)
    found = resampled_estimates(pixel_counts(rows), DESIGN, resamples=30, seed=11)
    weights = np.concatenate(list(resampled_weights(len(SOURCES), resamples=30, seed=11)))
    for resample, times in enumerate(weights.astype(int)):
        drawn = np.repeat(SOURCES, times).tolist()
        assert_agrees(found, resample, slow_scores(SAMPLES, rows, drawn=drawn))


FILTERED = samples("abcdefg", filtered={("a", EDITS[0]), ("c", EDITS[0]), ("d", EDITS[2])})


def test_resamples_compare_filtered_edits_with_their_sources_under_the_same_label():
    ids = [s.id for s in FILTERED]
    sources = [s.id for s in FILTERED if s.edit is None]
    judges = [s.id for s in FILTERED if s.judges_source]

    def paired(edit):
        edits = [s for s in FILTERED if s.edit == edit]
        return EditPairs(
            sources=np.array([sources.index(s.source_id) for s in edits]),
            edits=np.array([ids.index(s.id) for s in edits]),
            clean=np.array(
                [
                    len(ids) + judges.index(s.id) if s.judges_source else ids.index(s.source_id)
                    for s in edits
                ]
            ),
        )

    def dense(rows, of):
        tp, fp, fn = (np.zeros((len(of), len(CLASS_IDS)), dtype=np.int64) for _ in range(3))
        for row in (row for row in rows if row.class_id >= 0):
            where = of.index(row.sample_id), CLASS_IDS.index(row.class_id)
            tp[where], fp[where], fn[where] = row.tp, row.fp, row.fn
        return PixelCounts.of(tp, fp, fn)

    own = random_counts(FILTERED, seed=5)
    under_filtered = random_paired_counts(FILTERED, own, seed=6)
    counts = dense(own, ids).then(dense(under_filtered, judges))
    design = PairedDesign(
        sources=np.array([ids.index(s) for s in sources]),
        values={
            "color": {"violet": paired(EDITS[0]), "pink": paired(EDITS[1])},
            "weather": {"snowy": paired(EDITS[2])},
        },
    )
    slow = slow_scores(FILTERED, own, paired=under_filtered)
    assert_agrees(estimate(counts, design), 0, slow)
    found = resampled_estimates(counts, design, resamples=20, seed=11)
    weights = np.concatenate(list(resampled_weights(len(sources), resamples=20, seed=11)))
    for resample, times in enumerate(weights.astype(int)):
        drawn = np.repeat(sources, times).tolist()
        slow = slow_scores(FILTERED, own, paired=under_filtered, drawn=drawn)
        assert_agrees(found, resample, slow)


def test_every_submission_sees_the_same_resamples():
    one = pixel_counts(random_counts(SAMPLES, seed=1))
    first, second = (resampled_estimates(one, DESIGN, resamples=20, seed=3) for _ in range(2))
    assert np.array_equal(first.overall.drop, second.overall.drop)


def test_without_resamples_there_are_none():
    found = resampled_estimates(
        pixel_counts(random_counts(SAMPLES, seed=1)), DESIGN, resamples=0, seed=3
    )
    assert found.clean.shape == found.overall.drop.shape == (0,)
    assert found.values["color"]["pink"].drop.shape == (0,)


def test_a_benchmark_without_sources_defines_nothing():
    nothing = np.empty((0, 4), dtype=np.int64)
    design = PairedDesign(sources=np.empty(0, dtype=np.intp), values={})
    found = estimate(PixelCounts.of(nothing, nothing, nothing), design)
    assert [defined(v[0]) for v in (found.clean, found.accuracy, found.overall.drop)] == [None] * 3
