"""A drop compares equal pixels: what the noise filter took of an edit, its source is not asked."""

import logging

import duckdb
import numpy as np
import pytest
from fakes import STREET, FakeRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from noise_scenes import LEFT, SKETCH, VIOLET, RedReader, Scenes
from stored_results import sample

from harness.dataset.benchmark_folder import LabelFile
from harness.dataset.image_io import encode_gray_png
from harness.errors import BenchmarkError
from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget, evaluate, reuse_run
from harness.evaluation.sample_table import SampleTable
from harness.evaluation.scoring import Scorer
from harness.leaderboard.board import build_board
from harness.leaderboard.design import ScoredBenchmark
from harness.metrics.drops import PairedCounts, value_drop
from harness.metrics.iou import PixelCounts, once_each
from harness.records.run import RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.store.database import ResultsStore

ROWS, COLUMNS = 10, 20
BACKGROUND, CAR, VOID = 0, 1, 255
LABEL = np.repeat([BACKGROUND, CAR], ROWS // 2)[:, None] * np.ones((1, COLUMNS), int)
MISSED = np.zeros((ROWS, COLUMNS), bool)
MISSED[5:, :10] = True  # half of the car
ANSWER = np.where(MISSED, BACKGROUND, LABEL)
RIGHT = (LABEL == CAR) & ~MISSED
TARGET = EvaluationTarget(
    manifest=SubmissionManifest(
        name="model", title="Model", authors=("A",), label_space=STREET.name
    ),
    image_digest="sha256:" + "a" * 64,
    limits=ContainerLimits(),
)


@pytest.fixture(autouse=True)
def street(monkeypatch):
    monkeypatch.setattr(
        "harness.evaluation.evaluate.own_label_space", lambda _manifest, **_: STREET
    )


def first(where, number):
    """The first `number` pixels of `where`, in reading order."""
    return where & (np.cumsum(where.ravel()).reshape(where.shape) <= number)


def png(prediction):
    return encode_gray_png(np.asarray(prediction, np.uint8))


class Filtered:
    """A benchmark of one source whose filter takes `noise` from the labels of `edits`."""

    def __init__(self, tmp_path, noise, *, edits=(VIOLET,)):
        self.scenes = Scenes(tmp_path)
        plain = np.full((ROWS, COLUMNS), 8)
        self.source = self.scenes.add("a", plain, LABEL, LABEL == CAR)
        # A loss of 990 is over both that of the source, 80, and 1.25 times the mean of 80.
        noisy = np.where(noise, 99, 8)
        self.edits = {
            edit: self.scenes.add("a", noisy, LABEL, LABEL == CAR, edit=edit) for edit in edits
        }
        self.scenes.filter(RedReader())
        self.places = EvaluationPlaces(
            benchmark=self.scenes.folder,
            database=tmp_path / "results.duckdb",
            runs=tmp_path / "runs",
        )

    def run(self, answer_of, *, run_id="0123456789ab"):
        return evaluate(
            TARGET,
            self.places,
            runner=FakeRunner(lambda key: png(answer_of(key))),
            engine="fake",
            run_id=run_id,
            on_scored=lambda _: None,
        )

    def board(self):
        digest = self.places.benchmark.header().digest
        with ResultsStore.open_read_only(self.places.database) as store:
            return build_board(store, benchmark_digest=digest, resamples=20)

    def row(self):
        board = self.board()
        (row,) = (*board.ranked, *board.unranked)
        return row

    def value(self, edit=VIOLET):
        scores = [value for attribute in self.row().attributes for value in attribute.values]
        return next(s for s in scores if (s.attribute, s.value) == (edit.attribute, edit.value))

    def stored(self, table):
        with duckdb.connect(str(self.places.database), read_only=True) as connection:
            return set(
                connection.execute(
                    f"SELECT sample_id, class_id, tp, fp, fn FROM {table}"  # noqa: S608 - ours
                ).fetchall()
            )


@pytest.mark.parametrize(
    ("noise", "miou"),
    [
        # 30 of the 50 missed pixels: background 100 / 120, car 50 / 70.
        (first(MISSED, 30), (100 / 120 + 50 / 70) / 2),
        # 30 of the 50 that were right: background 100 / 150, car 20 / 70.
        (first(RIGHT, 30), (100 / 150 + 20 / 70) / 2),
        # The whole object: background alone, 100 / 100.
        (LABEL == CAR, 1.0),
    ],
    ids=["missed", "right", "whole"],
)
def test_equal_predictions_drop_by_nothing_whatever_was_voided(tmp_path, noise, miou):
    world = Filtered(tmp_path, noise)
    record = world.run(lambda _: ANSWER)

    assert record.outcome.status is RunStatus.COMPLETED
    score = world.value()
    assert (score.drop_pp, score.relative_drop) == (0.0, 0.0)
    assert score.clean_miou == score.edited_miou == pytest.approx(miou)
    # The source itself is still judged by all of its label: 100 / 150 and 50 / 100.
    assert world.row().clean_miou == pytest.approx((100 / 150 + 50 / 100) / 2)
    assert world.row().drop_pp == 0.0


def test_a_drop_is_what_the_model_lost_on_the_pixels_that_are_left(tmp_path):
    world = Filtered(tmp_path, first(MISSED, 30))
    worse = np.where(first(RIGHT, 10), BACKGROUND, ANSWER)
    world.run(lambda key: ANSWER if key == world.source else worse)
    # Left of the label are 100 pixels of background and 70 of the car, of which 20 are missed on
    # the source and 30 on the edit: 100 / 120 and 50 / 70 against 100 / 130 and 40 / 70.
    before, after = (100 / 120 + 50 / 70) / 2, (100 / 130 + 40 / 70) / 2
    score = world.value()
    assert (score.clean_miou, score.edited_miou) == (pytest.approx(before), pytest.approx(after))
    assert score.drop_pp == pytest.approx(100 * (before - after))
    assert score.relative_drop == pytest.approx((before - after) / before)


def test_sources_are_counted_once_more_for_each_filtered_edit_and_for_no_other(tmp_path):
    world = Filtered(tmp_path, first(MISSED, 30), edits=(VIOLET, SKETCH, LEFT))
    plain = world.scenes.add(
        "b", np.full((ROWS, COLUMNS), 8), LABEL, LABEL == CAR
    )  # has no edit at all
    world.scenes.write_index(world.scenes.filter(RedReader()).values())
    world.run(lambda _: ANSWER)

    whole, left = (
        {(BACKGROUND, 100, 50, 0), (CAR, 50, 0, 50)},
        {
            (BACKGROUND, 100, 20, 0),
            (CAR, 50, 0, 20),
        },
    )
    assert world.stored("class_count") == {
        *((source, *row) for source in (world.source, plain) for row in whole),
        *((edit, *row) for edit in world.edits.values() for row in left),
    }
    assert world.stored("filtered_edit JOIN paired_count USING (sample_id)") == {
        (world.edits[edit], *row) for edit in (VIOLET, SKETCH) for row in left
    }
    assert world.stored("paired_count") == world.stored(
        "filtered_edit JOIN paired_count USING (sample_id)"
    )
    assert world.value(SKETCH).drop_pp == 0.0
    # A moved object's pixels are not those of its source, which keeps its label.
    moved = world.value(LEFT)
    assert moved.clean_miou == pytest.approx((100 / 150 + 50 / 100) / 2)
    assert moved.edited_miou == pytest.approx((100 / 120 + 50 / 70) / 2)


def test_a_filtered_label_is_proven_before_a_source_is_counted_under_it(tmp_path):
    world = Filtered(tmp_path, first(MISSED, 30))
    folder = world.places.benchmark
    path = folder.path / "filtered" / f"{world.edits[VIOLET]}.png"
    path.write_bytes(png(LABEL))
    with Scorer(
        SampleTable.of(folder.samples()),
        read_label=folder.read_label,
        label_space=STREET,
        table=np.arange(65536).astype(np.uint16),
        on_scored=lambda _: None,
    ) as scorer:
        scorer.accept(world.source, png(ANSWER))
        with pytest.raises(BenchmarkError, match=path.stem):
            scorer.finish()


def test_a_run_from_before_is_run_again_and_is_not_ranked_until_then(tmp_path, caplog):
    world = Filtered(tmp_path, first(MISSED, 30))
    world.run(lambda _: ANSWER)
    assert reuse_run(TARGET, world.places) is not None
    with duckdb.connect(str(world.places.database)) as connection:
        connection.execute("DELETE FROM paired_count")

    board = world.board()
    assert board.ranked == board.unranked == ()
    (shown,) = board.failed
    assert (shown.run_id, shown.status) == ("0123456789ab", RunStatus.COMPLETED)
    assert "`harness evaluate model --benchmark tiny`" in shown.detail
    with caplog.at_level(logging.WARNING):
        assert reuse_run(TARGET, world.places) is None
    assert "0123456789ab" in caplog.text
    assert "filtered labels" in caplog.text

    world.run(lambda _: ANSWER, run_id="ba9876543210")
    assert reuse_run(TARGET, world.places).run_id == "ba9876543210"
    assert (world.row().run_id, world.board().failed) == ("ba9876543210", ())


def test_a_benchmark_without_filtered_labels_has_no_paired_counts(tmp_path):
    world = Filtered(tmp_path, np.zeros((ROWS, COLUMNS), bool))
    world.run(lambda _: ANSWER)
    assert not (world.places.benchmark.path / "filtered").exists()
    assert world.stored("paired_count") == set()
    assert world.value().drop_pp == 0.0


SMALL = (3, 4)
ids = st.sampled_from([BACKGROUND, CAR, 2, VOID])


@settings(deadline=None, max_examples=60)
@given(
    label=arrays(np.uint8, SMALL, elements=ids),
    answer=arrays(np.uint8, SMALL, elements=st.integers(0, 5)),
    noises=st.lists(arrays(bool, SMALL), min_size=1, max_size=2),
)
def test_whatever_the_filter_takes_equal_predictions_drop_by_nothing(label, answer, noises):
    sources = [sample(f"{n}") for n in range(len(noises))]
    edits = [sample(f"{n}", VIOLET, filtered=True) for n in range(len(noises))]
    samples = [one.model_copy(update={"width": 4, "height": 3}) for one in (*sources, *edits)]
    files = [LabelFile.of(one).name for one in samples]
    filtered = [np.where(noise, np.uint8(VOID), label) for noise in noises]
    labels = dict(zip(files, [label] * len(sources) + filtered, strict=True))
    with Scorer(
        SampleTable.of(samples),
        read_label=lambda file: labels[file.name],
        label_space=STREET,
        table=np.arange(65536).astype(np.uint16),
        on_scored=lambda _: None,
    ) as scorer:
        for one in samples:
            scorer.accept(one.id, png(answer))
        scorer.finish()
        own, paired = scorer.class_counts(), scorer.paired_counts()
    found = value_drop(
        PairedCounts(
            sources=np.arange(len(edits)),
            clean=dense(paired, edits),
            edited=dense(own, edits),
        ),
        once_each(len(edits)),
    )
    assert found.drop[0] == 0.0 or np.isnan(found.drop[0])
    left = np.concatenate([label.ravel() for label in filtered])
    assert np.isnan(found.drop[0]) == bool((left == VOID).all())


def dense(rows, of):
    array = np.zeros((3, len(of), len(STREET.classes)), np.int64)
    place = {one.id: row for row, one in enumerate(of)}
    for row in rows:
        if row.sample_id in place and row.class_id >= 0:
            array[:, place[row.sample_id], row.class_id] = row.tp, row.fp, row.fn
    return PixelCounts.of(*array)


def test_the_design_puts_each_filtered_edit_beside_its_own_counts_of_the_source(tmp_path):
    world = Filtered(tmp_path, first(MISSED, 30), edits=(VIOLET, SKETCH, LEFT))
    folder = world.places.benchmark
    benchmark = ScoredBenchmark.of(folder.header(), folder.samples())
    assert set(benchmark.judge_ids) == {world.edits[VIOLET], world.edits[SKETCH]}
    axis = (*benchmark.sample_ids, *benchmark.judge_ids)
    for edit, expected in {VIOLET: VIOLET, SKETCH: SKETCH, LEFT: None}.items():
        pairs = benchmark.design.values[edit.attribute.value][edit.value]
        (position,) = benchmark.design.clean(pairs)
        assert axis[position] == (world.source if expected is None else world.edits[edit])
        assert (position >= len(benchmark.sample_ids)) == (expected is not None)
