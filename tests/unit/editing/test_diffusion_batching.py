import pytest
from diffusion_scenes import small_model
from hypothesis import given
from hypothesis import strategies as st

from harness.editing.diffusion.batching import BatchLimits, batches, find_limits
from harness.editing.diffusion.canvas import Canvas


def _limits(rows, *, alone=False):
    return BatchLimits(rows=rows, guided_rows=1, alone=alone)


@given(
    counts=st.lists(st.integers(0, 9), max_size=6).map(tuple),
    rows=st.integers(1, 20),
    branch=st.integers(0, 1),
)
def test_batches_cover_every_edit_once_in_order_and_keep_the_limit(counts, rows, branch):
    seen = []
    for batch in batches(counts, sources_branch=branch, limits=_limits(rows)):
        taken = sum(branch + 2 * len(share.edits) for share in batch)
        edits = sum(len(share.edits) for share in batch)
        assert taken <= rows or edits == 1
        seen += [(share.source, edit) for share in batch for edit in share.edits]
    assert seen == [(source, edit) for source, n in enumerate(counts) for edit in range(n)]


def test_a_batch_spans_sources():
    found = list(batches((3, 2), sources_branch=0, limits=_limits(8)))
    assert [[(s.source, s.edits) for s in batch] for batch in found] == [
        [(0, (0, 1, 2)), (1, (0,))],
        [(1, (1,))],
    ]


def test_alone_means_alone():
    found = list(batches((2, 1), sources_branch=1, limits=_limits(64, alone=True)))
    assert [[(s.source, s.edits) for s in batch] for batch in found] == [
        [(0, (0,))],
        [(0, (1,))],
        [(1, (0,))],
    ]


@pytest.mark.parametrize("memory", [0, 2**20, 2**40])
def test_limits_follow_memory_and_are_never_nothing(memory):
    canvas = Canvas(height=512, width=512)
    found = find_limits(small_model(), canvas, working_bytes=memory, deterministic=False)
    assert found.rows >= found.guided_rows >= 1
    more = find_limits(small_model(), canvas, working_bytes=2 * memory, deterministic=False)
    assert more.rows >= found.rows


def test_half_of_one_is_one():
    assert _limits(1).halved() == _limits(1)
    assert _limits(9).halved().rows == 4
