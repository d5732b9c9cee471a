import pytest
import torch
from diffusion_scenes import small_model
from hypothesis import given
from hypothesis import strategies as st

from harness.editing.diffusion.batching import (
    BatchLimits,
    Room,
    batches,
    find_limits,
    recorded_bytes,
)
from harness.editing.diffusion.canvas import Canvas
from harness.editing.diffusion.inversion import predict
from harness.editing.diffusion.tape import Wanted
from harness.editing.diffusion.taps import Taps
from harness.editing.diffusion.text import embed


def _limits(rows, *, alone=False):
    return BatchLimits(rows=rows, guided_rows=1, sources=1, alone=alone)


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
    model = small_model()

    def limits(device):
        room = Room(device=device, main=0)
        return find_limits(model, canvas, room=room, recorded_bytes=2**20, alone=False)

    found, more = limits(memory), limits(2 * memory)
    assert found.rows >= found.guided_rows >= 1
    assert found.rows >= found.sources >= 1
    assert more.rows >= found.rows
    assert more.sources >= found.sources


def test_sources_are_bounded_by_what_their_features_take():
    canvas = Canvas(height=512, width=512)
    room = Room(device=3 * 10 * 2**20, main=2**40)
    found = find_limits(small_model(), canvas, room=room, recorded_bytes=5 * 2**20, alone=False)
    # a CPU keeps them in a third of its one memory: 10 MiB hold two
    assert found.sources == min(2, found.rows)


def test_recorded_bytes_are_those_of_a_recording():
    model = small_model()
    canvas = Canvas(height=56, width=72)
    taps = Taps(model.unet, model.profile.taps)
    with taps.connected() as tape, tape.record(Wanted(attention=True, features=True)) as recording:
        predict(model, torch.zeros(1, 4, 7, 9), 1, embed(model, ("",)))
    both = recorded_bytes(model, canvas, attention_steps=1, feature_steps=1)
    assert both == recording.nbytes()
    assert recorded_bytes(model, canvas, attention_steps=2, feature_steps=2) == 2 * both
    assert recorded_bytes(model, canvas, attention_steps=0, feature_steps=0) == 0


def test_half_of_one_is_one():
    assert _limits(1).halved() == _limits(1)
    assert _limits(9).halved().rows == 4
    assert _limits(9).halved(times=3) == _limits(1)
    assert _limits(1).least
    assert not _limits(2).least
