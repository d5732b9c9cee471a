import numpy as np
import pytest

from harness.dataset.image_io import encode_gray_png
from harness.dataset.loss_file import decode_losses, encode_losses
from harness.errors import SourceDataError

LOSSES = np.random.default_rng(0).integers(0, 65536, (7, 9)).astype(np.uint16)
TAIL = 12
"""The last chunk of a PNG, which holds nothing."""


def test_losses_survive_their_file():
    found = decode_losses(encode_losses(LOSSES), name="x", size=(7, 9))

    assert found.dtype == np.uint16
    assert np.array_equal(found, LOSSES)


def test_no_cut_and_no_flipped_bit_passes():
    data = encode_losses(LOSSES)
    broken = [data[:end] for end in range(len(data) - TAIL)]
    for place in range(len(data) - TAIL):
        flipped = bytearray(data)
        flipped[place] ^= 1
        broken.append(bytes(flipped))

    for bad in broken:
        with pytest.raises(SourceDataError):
            decode_losses(bad, name="x", size=(7, 9))


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (encode_losses(LOSSES), (9, 7)),
        (encode_gray_png(np.zeros((7, 9), np.uint8)), (7, 9)),
    ],
)
def test_another_size_or_depth_is_refused(data, size):
    with pytest.raises(SourceDataError, match="of 16 bits"):
        decode_losses(data, name="x", size=size)
