import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask
from source_trees.drawing import few_bits_png

from harness.dataset.instances import (
    InstanceFile,
    InstanceFormat,
    InstanceOutlines,
    decode_instances,
    instance_classes,
    paint_outlines,
    run_lengths,
)
from harness.errors import SourceDataError


def png(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, format="PNG")
    return buffer.getvalue()


def rle(mask):
    return bytes(coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"])


def box(top, left, bottom, right, size=(8, 10)):
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_voc_boundaries_are_no_instance():
    values = np.array([[0, 1, 255], [2, 2, 0]], np.uint8)
    found = decode_instances(png(values), InstanceFormat.VOC, name="x")
    assert found.dtype == np.int32
    assert found.tolist() == [[0, 1, 0], [2, 2, 0]]


def test_cityscapes_groups_are_no_instance():
    values = np.array([[7, 26, 999], [1000, 26001, 33999]], np.uint16)
    found = decode_instances(png(values), InstanceFormat.CITYSCAPES, name="x")
    assert found.tolist() == [[0, 0, 0], [1000, 26001, 33999]]


def test_voc_instances_of_few_bits_are_the_stored_numbers():
    values = np.array([[0, 1, 2, 3]], np.uint8)
    for bits in (2, 4):
        found = decode_instances(few_bits_png(values, bits=bits), InstanceFormat.VOC, name="x")
        assert found.tolist() == [[0, 1, 2, 3]]


def test_classes_are_known_where_the_data_set_says_them(tmp_path):
    numbers = np.array([[0, 26000, 24003], [29001, 65000, 0]], np.int32)
    cityscapes = InstanceFile(path=tmp_path, format=InstanceFormat.CITYSCAPES)
    # A car and a person; a caravan is not evaluated, and 65 is no label id.
    assert instance_classes(cityscapes, numbers) == {26000: 13, 24003: 11}
    assert instance_classes(cityscapes, numbers * 0) == {}
    assert instance_classes(InstanceFile(path=tmp_path, format=InstanceFormat.VOC), numbers) is None
    said = InstanceOutlines(height=8, width=10, rles=(b"a", b"b"), classes=(57, 0))
    assert instance_classes(said, numbers) == {1: 57, 2: 0}
    unsaid = InstanceOutlines(height=8, width=10, rles=(b"a", b"b"))
    assert instance_classes(unsaid, numbers) is None


def test_files_of_another_depth_are_refused():
    with pytest.raises(SourceDataError, match="x has mode I;16, not one channel of 8 bits"):
        decode_instances(png(np.zeros((2, 2), np.uint16)), InstanceFormat.VOC, name="x")
    with pytest.raises(SourceDataError, match="x has mode L, not one channel of 16 bits"):
        decode_instances(png(np.zeros((2, 2), np.uint8)), InstanceFormat.CITYSCAPES, name="x")


def test_of_outlines_that_overlap_the_smaller_is_seen():
    small, large = box(2, 2, 4, 4), box(0, 0, 8, 8)
    for order in ((small, large), (large, small)):
        outlines = InstanceOutlines(height=8, width=10, rles=tuple(rle(m) for m in order))
        painted = paint_outlines(outlines, name="x")
        number = 1 + [m is small for m in order].index(True)
        assert (painted[small] == number).all()
        assert (painted[large & ~small] == 3 - number).all()
        assert not painted[~large].any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_outlines_that_do_not_overlap_are_painted_as_they_are(seed):
    numbers = np.random.default_rng(seed).integers(0, 4, (8, 10))
    outlines = InstanceOutlines(
        height=8, width=10, rles=tuple(rle(numbers == n) for n in (1, 2, 3))
    )
    assert (paint_outlines(outlines, name="x") == numbers).all()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70))
def test_run_lengths_are_those_that_cocos_tools_wrote(seed, height, width):
    generator = np.random.default_rng(seed)
    mask = cv2.blur(generator.random((height, width)), (5, 5)).reshape(height, width) > 0.5
    lengths = run_lengths(rle(mask))
    inside = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    assert (mask == inside.reshape(width, height).T).all()


def test_text_that_is_no_run_lengths_is_refused():
    for text in (b"", b"PPPP", b"\xff\xff", b"0", b"O" * 9):
        outlines = InstanceOutlines(height=4, width=5, rles=(text,))
        with pytest.raises(SourceDataError, match="instance 1 of x has run lengths that don't"):
            paint_outlines(outlines, name="x")


def test_no_outlines_are_no_instances():
    painted = paint_outlines(InstanceOutlines(height=3, width=4, rles=()), name="x")
    assert painted.shape == (3, 4)
    assert not painted.any()


def test_run_lengths_of_another_size_are_refused():
    outlines = InstanceOutlines(height=4, width=5, rles=(rle(box(0, 0, 8, 10)),))
    with pytest.raises(SourceDataError, match="run lengths that don't add up to 5x4 pixels"):
        paint_outlines(outlines, name="x")


def test_outlines_are_told_apart_by_their_digest():
    one = InstanceOutlines(height=8, width=10, rles=(b"ab", b"c"))
    others = (
        InstanceOutlines(height=8, width=10, rles=(b"a", b"bc")),
        InstanceOutlines(height=10, width=8, rles=(b"ab", b"c")),
        InstanceOutlines(height=8, width=10, rles=(b"abc",)),
        InstanceOutlines(height=8, width=10, rles=(b"ab", b"c"), classes=(1, 2)),
        InstanceOutlines(height=8, width=10, rles=(b"ab", b"c"), classes=(12, 2)),
    )
    assert len({found.digest() for found in (one, *others)}) == 6
    assert one.digest() == InstanceOutlines(height=8, width=10, rles=(b"ab", b"c")).digest()
