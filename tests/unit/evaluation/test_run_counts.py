import gc
import tracemalloc

import numpy as np

from harness.evaluation.run_counts import RunCounts
from harness.metrics.confusion import SampleCounts
from harness.records.run import ClassCounts


def counts(tp, fp, fn):
    return SampleCounts(tp=np.array(tp), fp=np.array(fp), fn=np.array(fn))


def test_rows_come_out_by_sample_and_class_without_empty_ones():
    run = RunCounts((7, 3))
    run.add("ff00000000000000", counts([1, 0, 0], [0, 0, 4], [0, 2**40, 0]))
    run.add("000000000000000a", counts([5, 0, 0], [0, 0, 0], [0, 0, 0]))
    run.add("0000000000000009", counts([0, 0, 0], [0, 0, 0], [0, 0, 0]))
    assert list(run.rows()) == [
        ClassCounts(sample_id="000000000000000a", class_id=7, tp=5, fp=0, fn=0),
        ClassCounts(sample_id="ff00000000000000", class_id=7, tp=1, fp=0, fn=0),
        ClassCounts(sample_id="ff00000000000000", class_id=3, tp=0, fp=0, fn=2**40),
        ClassCounts(sample_id="ff00000000000000", class_id=-1, tp=0, fp=4, fn=0),
    ]


def test_no_counts_are_no_rows():
    assert list(RunCounts((1,)).rows()) == []


def test_rows_are_never_held_all_at_once():
    samples, classes = 5000, (0, 1, 2)
    run = RunCounts(classes)
    full = counts([1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0])
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(samples):
            run.add(f"{number:016x}", full)
        kept, _ = tracemalloc.get_traced_memory()
        rows = sum(1 for _ in run.rows())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == samples * len(classes)
    assert kept / rows < 60
    assert (peak - kept) / rows < 200  # a record takes 1 KB
