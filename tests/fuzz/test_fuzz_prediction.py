"""Whatever a container sends as a prediction: its class ids, or a refusal, and no more memory."""

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from fakes import STREET
from hypothesis import given
from hypothesis import strategies as st
from mutations import mangled, predictions
from prediction_property import (
    WITH_CHECKSUMS,
    WITH_COMPRESSION,
    WITH_SIZE,
    check_prediction,
    check_refusal,
)
from seeds import chunk, png

from harness.acceptance.loss_reader import LossMap, LossRequest
from harness.dataset.image_io import encode_rgb_png
from harness.errors import PredictionRejectedError
from harness.evaluation.class_losses import SubmissionLosses
from harness.evaluation.evaluate import EvaluationTarget
from harness.evaluation.prediction import decode_prediction
from harness.records.acceptance import NoiseModelKind, NoiseRule
from harness.records.run import RunOutcome, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest

BOMB_BYTES = 15 * 2**20
SIDE = 256
MOST_BYTES = 4 * SIDE * SIDE
"""One image's worth, and the copies of it that decoding makes."""


@given(predictions())
def test_a_valid_file_is_read_as_it_was_drawn(drawn):
    height, width = drawn.ids.shape

    found = decode_prediction(drawn.png, width=width, height=height)

    assert found.dtype == drawn.ids.dtype
    np.testing.assert_array_equal(found, drawn.ids)


@given(
    how=st.integers(0, WITH_CHECKSUMS | WITH_SIZE | WITH_COMPRESSION),
    file=mangled(predictions().map(lambda drawn: drawn.png)),
    size=st.tuples(st.integers(0, 11), st.integers(0, 11)),
)
def test_a_mangled_file_is_read_right_or_refused(how, file, size):
    check_prediction(bytes([how, *size]) + file)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_right_or_refused(data):
    check_prediction(data)


@given(
    rows=st.binary(min_size=4, max_size=40),
    width=st.integers(1, 12),
    height=st.integers(1, 3),
    depth=st.sampled_from([8, 16]),
)
def test_any_rows_are_read_right_or_refused(rows, width, height, depth):
    """Every filter byte and every wrong number of pixels comes by."""
    file = png(zlib.compress(rows), width=width, height=height, depth=depth)

    check_prediction(bytes([0, width - 1, height - 1]) + file)


def bomb() -> bytes:
    """Return 15 MB of compressed data that hold more than 10 GB of zeros."""
    packer = zlib.compressobj(9)
    opened = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**22)) + packer.flush(zlib.Z_FULL_FLUSH)
    return opened + block * (BOMB_BYTES // len(block))


def huge(kind: bytes) -> bytes:
    """Return a valid prediction with a chunk of 15 MB besides."""
    body = b"a\0" + os.urandom(BOMB_BYTES)
    return honest(before=chunk(kind, body))


def honest(**more: bytes) -> bytes:
    rows = bytes([2] + [1] * SIDE) * SIDE
    return png(zlib.compress(rows), width=SIDE, height=SIDE, **more)


@pytest.mark.parametrize(
    "write",
    [
        lambda: png(bomb(), width=SIDE, height=SIDE),
        lambda: png(bomb(), width=2**31 - 1, height=2**31 - 1),
        lambda: honest(before=chunk(b"iCCP", b"a\0\0" + bomb())),
        lambda: honest(before=chunk(b"zTXt", b"a\0\0" + bomb())),
        lambda: huge(b"tEXt"),
        lambda: honest(before=chunk(b"junk", b"") * 65000),
        lambda: png(struct.pack(">I", 2**31 - 1) + b"IDAT", width=SIDE, height=SIDE),
    ],
    ids=["pixels", "size", "iCCP", "zTXt", "tEXt", "chunks", "length"],
)
def test_no_more_is_unpacked_than_one_image(write: Callable[[], bytes], capfd):
    data = write()
    tracemalloc.start()

    try:
        found = decode_prediction(data, width=SIDE, height=SIDE)
    except PredictionRejectedError as error:
        check_refusal(error)
    else:
        assert found.tolist()[-1][0] == SIDE % 256
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # the file's own chunks are copied twice: cut out, and joined
    assert peak <= 2 * len(data) + MOST_BYTES
    assert capfd.readouterr() == ("", "")


class Answering:
    """A runner whose submission answers every request with the same bytes."""

    def __init__(self, png: bytes) -> None:
        self._png = png

    def run(self, _image_digest, samples, *, on_prediction, **_rest):
        for sample in samples:
            on_prediction(sample.id, self._png)
        return RunOutcome(status=RunStatus.COMPLETED, total_seconds=1.0, predictions=1)


@given(mangled(predictions(shape=(3, 4)).map(lambda drawn: drawn.png)))
def test_class_losses_are_read_right_or_refused(data):
    manifest = SubmissionManifest(name="m", title="M", authors=("A",), label_space=STREET.name)
    limits = ContainerLimits()
    losses = SubmissionLosses(
        target=EvaluationTarget(manifest=manifest, image_digest="sha256:0", limits=limits),
        rule=NoiseRule(kind=NoiseModelKind.SUBMISSION, model="m"),
        label_space=STREET,
        runner=Answering(data),
        run_id="0" * 12,
    )
    image = encode_rgb_png(np.zeros((3, 4, 3), np.uint8))
    asked = LossRequest(id="0", png=image, class_name=STREET.classes[0].name)
    read: list[LossMap] = []

    try:
        losses.read([asked], on_loss=read.append)
    except PredictionRejectedError as error:
        check_refusal(error)
        return
    assert read[0].losses.shape == (3, 4)
    assert read[0].losses.dtype == np.uint16
