import base64

import numpy as np
import pytest

from harness.acceptance.void_signature import COLUMNS, ROWS, void_difference, void_signature


def shares(signature):
    """Return the grid of a signature, [9, 12]."""
    return np.frombuffer(base64.b64decode(signature), ">u2").reshape(ROWS, COLUMNS)


@pytest.fixture
def mask():
    """An object whose box is 24x18 pixels at (5, 3), and half of it at that: 216 pixels."""
    mask = np.zeros((30, 40), np.bool_)
    mask[3:21, 5:29:2] = True
    mask[3, 28] = mask[20, 28] = True  # so that the box is 24 wide
    mask[3, 5] = mask[20, 5] = False
    return mask


def taken(mask, *places):
    noise = np.zeros_like(mask)
    for place in places:
        noise[place] = True
    return noise & mask


def test_a_cell_holds_its_share_of_the_object(mask):
    assert mask.sum() == 216
    # rows 5 and 6 are the second of nine, columns 7 and 8 the second of twelve
    found = shares(void_signature(taken(mask, (slice(5, 7), slice(7, 9))), mask))

    assert found[1, 1] == round(2 / 216 * 65535)
    assert np.count_nonzero(found) == 1
    assert int(shares(void_signature(mask, mask)).sum()) == pytest.approx(65535, abs=54)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (9, 12), (10, 13), (31, 57)])
def test_every_pixel_is_in_one_cell_whatever_the_size(shape):
    whole = np.ones(shape, np.bool_)
    corner = np.zeros(shape, np.bool_)
    corner[-1, -1] = True

    assert int(shares(void_signature(whole, whole)).sum()) == pytest.approx(65535, abs=54)
    assert shares(void_signature(corner, whole)).sum() == int(65535 / whole.size + 0.5)


def test_as_much_elsewhere_is_twice_as_much_apart(mask):
    left = void_signature(taken(mask, (slice(None), slice(5, 10))), mask)
    right = void_signature(taken(mask, (slice(None), slice(19, 24))), mask)
    share = shares(left).sum() / 65535

    assert share == pytest.approx(52 / 216, abs=0.001)
    assert void_difference(left, left) == 0
    assert void_difference(left, None) == pytest.approx(share)
    assert void_difference(left, right) == pytest.approx(106 / 216, abs=0.002)
    assert void_difference(None, None) == 0


@pytest.mark.parametrize("broken", ["no base64!", "AAAA", "ü", ""])
def test_what_is_no_signature_differs_by_the_whole_object(mask, broken):
    assert void_difference(broken, void_signature(mask & False, mask)) == 1
    assert void_difference(None, broken) == 1


def test_it_never_tells_more_than_differs():
    generator = np.random.default_rng(3)
    for _ in range(50):
        mask = generator.random((23, 31)) < 0.7
        one, other = (mask & (generator.random(mask.shape) < 0.3) for _ in range(2))
        apart = np.count_nonzero(one ^ other) / np.count_nonzero(mask)

        told = void_difference(void_signature(one, mask), void_signature(other, mask))

        assert told <= apart + 0.0017
        assert told >= abs(one.sum() - other.sum()) / mask.sum() - 0.0017
