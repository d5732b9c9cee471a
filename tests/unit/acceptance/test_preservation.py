import math

import numpy as np
import pytest

from harness.acceptance.judgement import judge
from harness.acceptance.preservation import score_edit
from harness.records.acceptance import AcceptanceRule, RejectionReason
from harness.records.attributes import Scope

BEFORE = np.full((4, 5, 3), 100, np.uint8)
OBJECT = np.zeros((4, 5), np.bool_)
OBJECT[1:3, 1:3] = True


def score(after, *, scope=Scope.LOCAL, touched=OBJECT, visible=None):
    return score_edit(BEFORE, after, scope=scope, touched=touched, visible_fraction=visible)


def test_change_is_the_mean_inside_the_object():
    after = BEFORE.copy()
    after[1, 1] = [151, 100, 100]  # 51 in one of 4 pixels x 3 channels
    scores = score(after)
    assert scores.object_change == pytest.approx(51 / 12 / 255, abs=1e-6)
    assert scores.background_psnr is None
    assert scores.visible_fraction is None


def test_getting_darker_is_as_much_a_change_as_getting_lighter():
    assert score(BEFORE - np.uint8(100)).object_change == pytest.approx(100 / 255, abs=1e-6)


def test_the_background_counts_outside_the_object_only():
    after = BEFORE.copy()
    after[OBJECT] = 255
    assert score(after).background_psnr is None
    after[0, 0] = [104, 97, 100]  # 16 + 9 over 16 pixels x 3 channels
    expected = 10 * math.log10(255**2 / (25 / 48))
    assert score(after).background_psnr == pytest.approx(expected, abs=1e-6)


def test_global_edits_are_looked_at_as_a_whole():
    after = BEFORE.copy()
    after[0, 0] = 160
    scores = score(after, scope=Scope.GLOBAL)
    assert scores.object_change == pytest.approx(60 / 20 / 255, abs=1e-6)
    assert scores.background_psnr is None


def test_an_object_that_covers_everything_has_no_background():
    everything = np.ones((4, 5), np.bool_)
    assert score(BEFORE, touched=everything).background_psnr is None
    nothing = np.zeros((4, 5), np.bool_)
    assert score(BEFORE, touched=nothing).object_change == 0.0


def test_ssim_is_looked_at_where_the_background_differs_and_only_there():
    after = BEFORE.copy()
    after[OBJECT] = 255
    assert score(after).background_ssim is None
    after[0, 0] = 0
    assert score(after).background_ssim < 1
    assert score(after, scope=Scope.GEOMETRY).background_ssim < 1
    assert score(after, scope=Scope.GLOBAL).background_ssim is None


def test_the_outline_is_looked_at_where_the_object_stays():
    before = np.full((20, 30, 3), 50, np.uint8)
    mask = np.zeros((20, 30), np.bool_)
    mask[5:15, 8:20] = True
    before[mask] = 220
    seen = {"touched": mask, "visible_fraction": None}
    for scope, expected in ((Scope.LOCAL, 1.0), (Scope.GLOBAL, 1.0), (Scope.GEOMETRY, None)):
        found = score_edit(before, before, scope=scope, mask=mask, **seen)
        assert found.edge_agreement == expected
    assert score_edit(before, before, scope=Scope.GLOBAL, **seen).edge_agreement is None


RULE = AcceptanceRule(min_background_psnr=40)


def test_without_a_bound_not_one_pixel_beside_the_object_may_differ():
    after = BEFORE.copy()
    after[OBJECT] = 255
    assert judge(score(after), AcceptanceRule(), scope=Scope.LOCAL) is None
    after[3, 4, 2] += 1  # one level of one channel of one pixel: 68.8 dB
    spilt = score(after)
    assert judge(spilt, AcceptanceRule(), scope=Scope.LOCAL) is RejectionReason.BACKGROUND_CHANGED
    assert judge(spilt, AcceptanceRule(), scope=Scope.GEOMETRY) is None
    assert judge(spilt, RULE, scope=Scope.LOCAL) is None
