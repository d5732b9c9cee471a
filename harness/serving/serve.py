"""Answers the benchmark harness from inside a submission's container; one file to copy, no more.

It needs NumPy and Pillow; it decodes with OpenCV where that is installed. A whole submission:

    import numpy as np
    from serve import serve

    def predict(image):                       # uint8, height x width x 3, RGB
        return np.zeros(image.shape[:2], np.uint8)   # one class id a pixel, uint8 or uint16

    serve(predict)

`serve` says that the model is ready, so call it after loading the model. Images come in one by one;
where a model is faster on several, `serve_batched` hands over a list. Both return when the harness
has no more images; let the program end then, so that it exits with code 0.

A model may offer probabilities as well, `serve(predict, probabilities=...)`: floats of shape (class
ids, height, width), channel i for class id i, that sum to 1 at every pixel; each class id of the
label space has its channel, one that was never learned has 0 in it. A benchmark's noise filter can
then ask for the loss of a class, -log of its probability, at every pixel; it says which
class, never where its object is. An evaluation doesn't ask.

Answers travel on stdout, so anything else that is printed - by Python, by a C library, by a child
process - is sent to stderr from the moment this file is imported. Do so first.

What travels (prediction protocol 1), each way a JSON line and then the bytes that it announces:

    container: {"protocol": 1, "name": "..."}, once, when the model is loaded
    harness:   {"id": "...", "bytes": 301553} and a PNG, up to $HARNESS_MAX_IN_FLIGHT ahead
    container: {"id": "...", "bytes": 20417} and a one-channel PNG of the same size, in any order
    harness:   end of input; the container exits with 0

With probabilities the ready line also says "losses": true, and a header of the harness may say
"loss_of": [7]. The answer is a one-channel 16-bit PNG of the loss of class 7 in the submission's
own label space, in thousandths of a nat, 65535 at most; probabilities of several ids are added.
"""

import io
import json
import os
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

try:
    import cv2
except ImportError:  # Pillow does as well, a little slower; assignment: a module that may be None
    cv2 = None  # type: ignore[assignment]

ImageArray = np.ndarray[Any, np.dtype[np.uint8]]
"""RGB, height x width x 3."""
PredictionArray = np.ndarray[Any, np.dtype[Any]]
"""Class ids, height x width, uint8 or uint16."""
ProbabilityArray = np.ndarray[Any, np.dtype[Any]]
"""Probabilities, class x height x width, floating-point."""

PROTOCOL = 1
MAX_HEADER_BYTES = 4096
_COMPRESSION_LEVEL = 1
"""zlib's fastest: label maps compress well anyway."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_GREY = 0
_PNG_FILTER_UP = 2
_LOSSES_IN_A_NAT = 1000
_MAX_LOSS = 65535
_LEAST_PROBABILITY = 1e-30
"""Its loss is over the greatest one that is told."""
_SUM_TOLERANCE = 0.01
"""How far from 1 the probabilities of a pixel may add up: half-precision ones are not exact."""


def serve(
    predict: Callable[[ImageArray], PredictionArray],
    *,
    probabilities: Callable[[ImageArray], ProbabilityArray] | None = None,
    name: str = "unnamed",
) -> None:
    """Answer every image with `predict(image)`; return when there are no more.

    Args:
        predict: Takes uint8 RGB of shape (height, width, 3); returns the class id of each pixel,
            uint8 or uint16, of shape (height, width).
        probabilities: Takes the same; returns the probability of each class id, floating-point of
            shape (class ids, height, width). None offers none.
        name: The model's name, for the run's record.

    Raises:
        TypeError: A prediction is no array of uint8 or uint16, or probabilities are no floats.
        ValueError: A prediction is not of its image's size, or probabilities are none.
        ProtocolError: The other side does not speak the protocol.
    """
    one = probabilities
    serve_batched(
        lambda images: [predict(images[0])],
        probabilities=None if one is None else lambda images: [one(images[0])],
        batch_size=1,
        name=name,
    )


def serve_batched(
    predict: Callable[[list[ImageArray]], Sequence[PredictionArray]],
    *,
    probabilities: Callable[[list[ImageArray]], Sequence[ProbabilityArray]] | None = None,
    batch_size: int = 8,
    name: str = "unnamed",
) -> None:
    """Answer images in batches with `predict([image, ...])`; return when there are no more.

    The images of a batch may differ in size. Every batch is full, except the last one, so the
    batches are the same in every run; they are never larger than the harness sends ahead.

    Args:
        predict: Takes a list of images as for `serve`; returns one prediction for each, in order.
        probabilities: The same of probabilities; None offers none.
        batch_size: The most images in a batch.
        name: The model's name, for the run's record.

    Raises:
        TypeError: A prediction is no array of uint8 or uint16, or probabilities are no floats.
        ValueError: A prediction is not of its image's size, probabilities are none, or the number
            of either is wrong.
        ProtocolError: The other side does not speak the protocol.
    """
    channel = _claim()
    channel.answer_ready(name, losses=probabilities is not None)
    for batch in _batches(channel.requests(), min(batch_size, _sent_ahead())):
        images = [decode_image(request.png) for request in batch]
        if batch[0].loss_of:
            answers = _losses(probabilities, batch, images)
        else:
            answers = _predictions(predict, images)
        for request, answer in zip(batch, answers, strict=True):
            channel.answer(request.id, encode_prediction(answer))


def _predictions(
    predict: Callable[[list[ImageArray]], Sequence[PredictionArray]], images: list[ImageArray]
) -> Iterator[PredictionArray]:
    predictions = predict(images)
    if len(predictions) != len(images):
        msg = f"predict returned {len(predictions)} predictions for {len(images)}"
        raise ValueError(msg)
    for image, prediction in zip(images, predictions, strict=True):
        check_prediction(prediction, image)
        yield prediction


def _losses(
    probabilities: Callable[[list[ImageArray]], Sequence[ProbabilityArray]] | None,
    batch: Sequence["_Request"],
    images: list[ImageArray],
) -> Iterator[PredictionArray]:
    if probabilities is None:
        msg = "losses were asked for, and serve() was given no probabilities"
        raise ProtocolError(msg)
    found = probabilities(images)
    if len(found) != len(images):
        msg = f"probabilities returned {len(found)} arrays for {len(images)} images"
        raise ValueError(msg)
    for request, image, own in zip(batch, images, found, strict=True):
        check_probabilities(own, image)
        yield loss_map(own, request.loss_of)


class ProtocolError(Exception):
    """The other side sent something that is not of the protocol."""


def decode_image(png: bytes) -> ImageArray:
    """Return the pixels of `png` as uint8 RGB of shape (height, width, 3)."""
    if cv2 is not None:
        pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        if pixels is not None:
            return np.ascontiguousarray(pixels[:, :, ::-1])
    with Image.open(io.BytesIO(png)) as opened:
        return np.array(opened.convert("RGB"))


def check_prediction(prediction: PredictionArray, image: ImageArray) -> None:
    """Raise if `prediction` can't be sent as the answer to `image`; the message says what to do."""
    if not isinstance(prediction, np.ndarray):
        msg = f"predict returned {type(prediction).__name__}, not a NumPy array"
        raise TypeError(msg)
    if prediction.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        msg = (
            f"predict returned {prediction.dtype}; return class ids as uint8 or uint16, "
            "as in `logits.argmax(0).astype(np.uint8)`"
        )
        raise TypeError(msg)
    if prediction.shape != image.shape[:2]:
        msg = (
            f"predict returned shape {prediction.shape} for an image of height x width "
            f"{image.shape[:2]}; resize class ids back with nearest neighbour"
        )
        raise ValueError(msg)


def check_probabilities(probabilities: ProbabilityArray, image: ImageArray) -> None:
    """Raise if `probabilities` are none of `image`; the message says what to do."""
    if not isinstance(probabilities, np.ndarray):
        msg = f"probabilities returned {type(probabilities).__name__}, not a NumPy array"
        raise TypeError(msg)
    if probabilities.dtype.kind != "f":
        msg = f"probabilities returned {probabilities.dtype}; return floats, as softmax gives them"
        raise TypeError(msg)
    if probabilities.ndim != 3 or probabilities.shape[1:] != image.shape[:2]:
        msg = (
            f"probabilities returned shape {probabilities.shape} for an image of height x width "
            f"{image.shape[:2]}; return (class ids, height, width)"
        )
        raise ValueError(msg)
    # NaN compares false with everything
    if not probabilities.size or not probabilities.min() >= 0 or not probabilities.max() <= 1.01:
        msg = "probabilities returned values outside 0-1; return softmax outputs, not logits"
        raise ValueError(msg)
    off = np.abs(probabilities.sum(axis=0, dtype=np.float64) - 1).max()
    if not off <= _SUM_TOLERANCE:
        msg = (
            f"the probabilities of a pixel add up to 1 +- {off:.3g}; return softmax outputs over "
            "all class ids"
        )
        raise ValueError(msg)


def loss_map(probabilities: ProbabilityArray, class_ids: Sequence[int]) -> PredictionArray:
    """Return -log of the probability of `class_ids` together, in thousandths of a nat.

    Args:
        probabilities: Of shape (class ids, height, width).
        class_ids: The channels whose probabilities are added.

    Returns:
        uint16 of shape (height, width); 65535 also stands for whatever is greater.

    Raises:
        ValueError: There is no such channel.
    """
    if max(class_ids) >= len(probabilities):
        msg = (
            f"the loss of class id {max(class_ids)} was asked for, and probabilities returned "
            f"{len(probabilities)} channels, ids 0-{len(probabilities) - 1}; return one for each "
            "class id of the label space, 0 everywhere for a class never learned"
        )
        raise ValueError(msg)
    together = np.zeros(probabilities.shape[1:], np.float64)
    for class_id in sorted(set(class_ids)):
        together += probabilities[class_id]
    nats = -np.log(np.maximum(together, _LEAST_PROBABILITY))
    losses: PredictionArray = np.clip(np.rint(_LOSSES_IN_A_NAT * nats), 0, _MAX_LOSS)
    return losses.astype(np.uint16)


def encode_prediction(prediction: PredictionArray) -> bytes:
    """Return `prediction` (uint8 or uint16) as a one-channel PNG of the same depth."""
    height, width = prediction.shape
    depth = 8 * prediction.dtype.itemsize
    rows = np.ascontiguousarray(prediction, prediction.dtype.newbyteorder(">")).view(np.uint8)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = _PNG_FILTER_UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, depth, _PNG_GREY, 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), _COMPRESSION_LEVEL)
    return b"".join(
        (_PNG_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


@dataclass(frozen=True)
class _Request:
    """One image that the harness wants an answer to."""

    id: str
    png: bytes
    loss_of: tuple[int, ...]
    """The class ids whose loss is wanted; empty where a prediction is."""


class _Channel:
    """The two ends of the protocol, which nothing else in the process can read or write."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers

    def answer_ready(self, name: str, *, losses: bool) -> None:
        ready: dict[str, Any] = {"protocol": PROTOCOL, "name": name[:200]}
        if losses:
            ready["losses"] = True
        self._answers.write(json.dumps(ready).encode() + b"\n")
        self._answers.flush()

    def answer(self, sample_id: str, png: bytes) -> None:
        header = json.dumps({"id": sample_id, "bytes": len(png)})
        self._answers.write(header.encode() + b"\n" + png)
        self._answers.flush()

    def requests(self) -> Iterator[_Request]:
        while line := self._requests.readline(MAX_HEADER_BYTES):
            header = _parse_header(line)
            png = self._requests.read(header.size)
            if len(png) != header.size:
                msg = f"the input ended {header.size - len(png)} bytes into an image"
                raise ProtocolError(msg)
            yield _Request(header.id, png, header.loss_of)


@dataclass(frozen=True)
class _Header:
    """The announcement of one image."""

    id: str
    size: int
    loss_of: tuple[int, ...]


def _parse_header(line: bytes) -> _Header:
    try:
        header = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        header = None
    if not isinstance(header, dict) or set(header) - {"loss_of"} != {"id", "bytes"}:
        msg = f"not a header of protocol {PROTOCOL}: {line[:80]!r}"
        raise ProtocolError(msg)
    sample_id, size, loss_of = header["id"], header["bytes"], header.get("loss_of", [])
    counts = [size, *loss_of] if isinstance(loss_of, list) else [None]
    if not isinstance(sample_id, str) or any(type(n) is not int or n < 0 for n in counts):
        msg = f"not a header of protocol {PROTOCOL}: {line[:80]!r}"
        raise ProtocolError(msg)
    return _Header(sample_id, size, tuple(loss_of))


def _batches(requests: Iterator[_Request], size: int) -> Iterator[list[_Request]]:
    batch: list[_Request] = []
    for request in requests:
        if batch and bool(batch[0].loss_of) != bool(request.loss_of):  # never both in one
            yield batch
            batch = []
        batch.append(request)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _sent_ahead() -> int:
    """Return how many images the harness sends before it waits for an answer."""
    told = os.environ.get("HARNESS_MAX_IN_FLIGHT", "")
    return max(1, int(told)) if told.isdecimal() else 1


_claimed: list[_Channel] = []


def _claim() -> _Channel:
    """Take stdin and stdout for the protocol, once; stray prints go to stderr from then on."""
    if not _claimed:
        requests, answers = os.dup(0), os.dup(1)
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        sys.stdout.flush()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        _claimed.append(_Channel(os.fdopen(requests, "rb", 2**20), os.fdopen(answers, "wb", 2**20)))
    return _claimed[0]


if __name__ == "serve":  # copied into a submission; not when the harness's own code imports it
    _claim()
