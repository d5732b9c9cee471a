"""Scoring beside the container: bounded, once each, and no failure is lost or misread."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
from fakes import STREET
from stored_results import sample

from harness.dataset.image_io import encode_gray_png
from harness.errors import PredictionRejectedError
from harness.evaluation import scoring
from harness.evaluation.sample_table import SampleTable
from harness.evaluation.scoring import RejectedSampleError, Scorer
from harness.records.run import ClassCounts

SAMPLES = [
    sample(f"{number}").model_copy(update={"width": 3, "height": 2}) for number in range(200)
]
IDS = [one.id for one in SAMPLES]
LABEL = np.array([[0, 1, 255], [1, 1, 3]], np.uint8)
ANSWER = np.array([[0, 1, 1], [2, 1, 9]], np.uint8)
PNG = encode_gray_png(ANSWER)
PATIENCE_SECONDS = 30


def nothing(*_args):
    pass


def scorer(**given):
    defaults = {
        "read_label": lambda _file: LABEL,
        "label_space": STREET,
        "table": np.arange(65536).astype(np.uint16),
        "on_scored": nothing,
    }
    return Scorer(SampleTable.of(SAMPLES), **(defaults | given))


def test_counts_by_hand_are_rows_by_sample_and_class():
    with scorer() as scoring_threads:
        for sample_id in reversed(IDS[:2]):
            scoring_threads.accept(sample_id, PNG)
        scoring_threads.finish()
        rows = list(scoring_threads.class_counts())
        assert list(scoring_threads.paired_counts()) == []
    expected = [(0, 1, 0, 0), (1, 2, 0, 1), (2, 0, 1, 0), (3, 0, 0, 1), (-1, 0, 1, 0)]
    assert rows == [
        ClassCounts(sample_id=sample_id, class_id=class_id, tp=tp, fp=fp, fn=fn)
        for sample_id in sorted(IDS[:2])
        for class_id, tp, fp, fn in expected
    ]


def test_predicted_ids_are_mapped_by_the_table_whatever_their_depth():
    table = np.full(65536, 65535, np.uint16)
    table[[7, 300]] = 1
    for answer in (np.full((2, 3), 7, np.uint8), np.full((2, 3), 300, np.uint16)):
        with scorer(table=table) as scoring_threads:
            scoring_threads.accept(IDS[0], encode_gray_png(answer))
            scoring_threads.finish()
            found = {row.class_id: (row.tp, row.fp) for row in scoring_threads.class_counts()}
        assert found == {0: (0, 0), 1: (3, 2), 3: (0, 0)}


def test_what_is_counted_is_handed_on_as_it_came():
    kept = {}
    with scorer(on_counted=kept.__setitem__) as scoring_threads:
        for sample_id in IDS:
            scoring_threads.accept(sample_id, PNG)
        scoring_threads.finish()
    assert kept == dict.fromkeys(IDS, PNG)


def test_a_refused_prediction_is_named_and_never_handed_on():
    kept = []
    with scorer(on_counted=lambda sample_id, _png: kept.append(sample_id)) as scoring_threads:
        scoring_threads.accept(IDS[3], b"no PNG")
        with pytest.raises(RejectedSampleError, match="signature") as caught:
            scoring_threads.finish()
    assert caught.value.sample_id == IDS[3]
    assert kept == []


def test_a_full_disk_is_no_rejection():
    def full(_sample_id, _png):
        raise OSError(28, "No space left on device")

    with scorer(on_counted=full) as scoring_threads:
        scoring_threads.accept(IDS[0], PNG)
        with pytest.raises(OSError, match="No space") as caught:
            scoring_threads.finish()
    assert not isinstance(caught.value, PredictionRejectedError)


def test_a_failure_comes_out_of_the_next_answer_and_ends_the_scoring():
    failed, scored = threading.Event(), []

    def fail(_sample_id, _png):
        failed.set()
        raise OSError(5, "Input/output error")

    def accept_rest(scoring_threads):
        for sample_id in IDS[1:]:  # more than wait at most: one of them is told
            scoring_threads.accept(sample_id, PNG)

    with scorer(on_counted=fail, on_scored=scored.append) as scoring_threads:
        scoring_threads.accept(IDS[0], PNG)
        assert failed.wait(PATIENCE_SECONDS)
        with pytest.raises(OSError, match="Input/output"):
            accept_rest(scoring_threads)
    assert scored == []


class Gate:
    """Holds the scoring threads until it is opened."""

    def __init__(self):
        self.open = threading.Event()

    def read_label(self, _file):
        assert self.open.wait(PATIENCE_SECONDS)
        return LABEL


def accept_all(scoring_threads, answers):
    """Hands answers over on a thread; returns it with the list of those that were taken."""
    taken = []

    def run():
        for sample_id, png in answers:
            scoring_threads.accept(sample_id, png)
            taken.append(sample_id)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, taken


def settled(thread, taken):
    """The number of answers taken once no more are: the thread waits."""
    while True:
        before = len(taken)
        thread.join(0.1)
        if len(taken) == before:
            return before


def test_a_container_that_is_faster_than_scoring_waits(monkeypatch):
    monkeypatch.setattr(scoring, "MAX_WAITING", 5)
    gate = Gate()
    with scorer(read_label=gate.read_label) as scoring_threads:
        thread, taken = accept_all(scoring_threads, [(one, PNG) for one in IDS])
        assert settled(thread, taken) == 5
        gate.open.set()
        thread.join(PATIENCE_SECONDS)
        scoring_threads.finish()
        assert len({row.sample_id for row in scoring_threads.class_counts()}) == len(IDS)


def test_what_waits_is_bounded_in_bytes_too_and_a_single_answer_always_passes(monkeypatch):
    monkeypatch.setattr(scoring, "MAX_WAITING_BYTES", 3 * len(PNG))
    gate = Gate()
    with scorer(read_label=gate.read_label) as scoring_threads:
        thread, taken = accept_all(scoring_threads, [(one, PNG) for one in IDS[:10]])
        assert settled(thread, taken) == 3
        gate.open.set()
        thread.join(PATIENCE_SECONDS)
        scoring_threads.finish()
    monkeypatch.setattr(scoring, "MAX_WAITING_BYTES", len(PNG) - 1)
    with scorer() as scoring_threads:
        for one in IDS[:10]:
            scoring_threads.accept(one, PNG)
        scoring_threads.finish()
        assert len({row.sample_id for row in scoring_threads.class_counts()}) == 10


def test_who_waits_for_room_is_told_of_a_failure(monkeypatch):
    monkeypatch.setattr(scoring, "MAX_WAITING", 2)
    waiting = threading.Event()

    def fail_late(_file):
        assert waiting.wait(PATIENCE_SECONDS)
        raise OSError(5, "Input/output error")

    def accept_more(scoring_threads):
        for sample_id in IDS[:4]:
            scoring_threads.accept(sample_id, PNG)

    with scorer(read_label=fail_late) as scoring_threads, ThreadPoolExecutor(1) as pool:
        accepting = pool.submit(accept_more, scoring_threads)
        wait([accepting], timeout=0.1)
        waiting.set()
        with pytest.raises(OSError, match="Input/output"):
            accepting.result(PATIENCE_SECONDS)


def test_an_error_on_its_way_drops_what_waits():
    gate, scored = Gate(), []

    def interrupted():
        with scorer(read_label=gate.read_label, on_scored=scored.append) as scoring_threads:
            for sample_id in IDS[:20]:
                scoring_threads.accept(sample_id, PNG)
            threading.Timer(0.2, gate.open.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(scored) <= scoring.MOST_SCORING_THREADS
