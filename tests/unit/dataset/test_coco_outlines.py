import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from harness.dataset.coco_outlines import compressed_run_lengths
from harness.dataset.instances import InstanceOutlines, paint_outlines


def painted(rle: bytes | None, height: int, width: int) -> np.ndarray:
    assert rle is not None
    return paint_outlines(InstanceOutlines(height=height, width=width, rles=(rle,)), name="it")


def test_a_polygon_encloses_its_pixels() -> None:
    rle = compressed_run_lengths([[2.0, 1.0, 5.0, 1.0, 5.0, 3.0, 2.0, 3.0]], height=4, width=6)
    assert painted(rle, 4, 6).tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0],
        [0, 0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def test_the_parts_of_an_instance_are_one() -> None:
    left, right = [0, 0, 1, 0, 1, 2, 0, 2], [3, 0, 4, 0, 4, 2, 3, 2]
    rle = compressed_run_lengths([left, right], height=2, width=4)
    assert painted(rle, 2, 4).tolist() == [[1, 0, 0, 1], [1, 0, 0, 1]]


def test_run_lengths_go_down_the_columns() -> None:
    rle = compressed_run_lengths({"counts": [1, 2, 3], "size": [2, 3]}, height=2, width=3)
    assert painted(rle, 2, 3).tolist() == [[0, 1, 0], [1, 0, 0]]


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]),
)
def test_compressed_text_is_read_as_pycocotools_wrote_it(
    size: tuple[int, int], seed: int, share: float
) -> None:
    pixels = np.random.default_rng(seed).random(size) < share
    written = coco_mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
    text = {"counts": written["counts"].decode("ascii"), "size": list(size)}
    rle = compressed_run_lengths(text, height=size[0], width=size[1])
    assert np.array_equal(painted(rle, *size), pixels)
    assert rle == written["counts"]


@pytest.mark.parametrize("nothing", [[], [[]], [[1, 1, 3, 3]], [[], [2, 2]]])
def test_under_three_points_enclose_nothing(nothing: list[list[float]]) -> None:
    assert compressed_run_lengths(nothing, height=8, width=8) is None


def test_a_polygon_may_reach_a_little_over_the_edge() -> None:
    rle = compressed_run_lengths([[-1, -1, 9, -1, 9, 9, -1, 9]], height=8, width=8)
    assert painted(rle, 8, 8).all()


@pytest.mark.parametrize(
    ("segmentation", "fault"),
    [
        (None, "neither polygons nor run lengths"),
        ("abc", "neither polygons nor run lengths"),
        ({"size": [4, 6]}, "neither polygons nor run lengths"),
        ([[1, 1, 2, 2, 3]], "no list of x, y"),
        ([3, 4, 5, 6, 7, 8], "no list of x, y"),
        ([["1", "2", "3", "4", "5", "6"]], "not of numbers"),
        ([[1, None, 3, 4, 5, 6]], "not of numbers"),
        ([[0, 0, 4, 0, 4, 1e9]], "far outside"),
        ([[0, 0, 4, 0, -1e9, 1]], "far outside"),
        ({"counts": [24], "size": [6, 4]}, r"size \[6, 4\], its image \[4, 6\]"),
        ({"counts": [23], "size": [4, 6]}, "don't add up to 4x6"),
        ({"counts": [30, -6], "size": [4, 6]}, "don't add up"),
        ({"counts": [12.0, 12.0], "size": [4, 6]}, "don't add up"),
        ({"counts": ["24"], "size": [4, 6]}, "don't add up"),
        ({"counts": "", "size": [4, 6]}, "don't add up"),
        ({"counts": "00000", "size": [4, 6]}, "don't add up"),
        ({"counts": "zzzzzzzzzzzz", "size": [4, 6]}, "don't add up"),
        ({"counts": "\u00e4\u4f60", "size": [4, 6]}, "don't add up"),
    ],
)
def test_what_pycocotools_would_trust_is_refused(segmentation: object, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        compressed_run_lengths(segmentation, height=4, width=6)
