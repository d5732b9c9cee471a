"""Answers the benchmark harness from inside a submission's container; one file to copy, no more.

It needs NumPy and Pillow; it decodes with OpenCV where that is installed. A whole submission:

    import numpy as np
    from serve import serve

    def predict(image):                       # uint8, height x width x 3, RGB
        return np.zeros(image.shape[:2], np.uint8)   # one class id a pixel, uint8 or uint16

    serve(predict)

`serve` says that the model is ready, so call it after loading the model. Images come in one by one;
where a model is faster on several, `serve_batched` hands over a list. Both return when the harness
has no more images; let the program end then, so that it exits with code 0. The next images are read
and decoded, and the last answers encoded and sent, on threads beside the one that predicts.

With `serve(predict, probabilities=...)` a benchmark's noise filter can ask for the loss of a class,
-log of its probability, at every pixel; it says which class, never where its object is. They are
floats of shape (class ids, height, width), channel i for class id i, that sum to 1 at every pixel;
each class id of the label space has its channel, 0 for one that was never learned.

Import this file first: from then on, what Python, a C library or a child process prints goes to
stderr, because answers travel on stdout.

What travels (prediction protocol 1), each way a JSON line and then the bytes that it announces:

    container: {"protocol": 1, "name": "..."}, once, when the model is loaded
    harness:   {"id": "...", "bytes": 301553} and a PNG, up to $HARNESS_MAX_IN_FLIGHT ahead
    container: {"id": "...", "bytes": 20417} and a one-channel PNG of the same size, in any order
    harness:   end of input; the container exits with 0

With probabilities the ready line also says "losses": true, and a header of the harness may say
"loss_of": [7]. The answer then is a 16-bit PNG of the loss of the submission's class 7, thousandths
of a nat, 65535 at most; probabilities of several ids are added.
"""

import io
import json
import os
import select
import struct
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import Any

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
_COMPRESSION_LEVEL = 1  # zlib's fastest: label maps compress well anyway
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_FILTER_UP = 0, 2
_LOSSES_IN_A_NAT, _MAX_LOSS = 1000, 65535
_LEAST_PROBABILITY = 1e-30  # its loss is over the greatest one that is told
_SUM_TOLERANCE = 0.01
"""How far from 1 the probabilities of a pixel may add up: half-precision ones are not exact."""


class ProtocolError(Exception):
    """The other side sent something that is not of the protocol."""


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

    Raises what `serve_batched` does.
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

    The images of a batch may differ in size. Every batch is full, except the last one, and the
    same in every run by one container that was not cut off; never larger than what is sent ahead.
    For the next to come while `predict` works, ask for half of that ($HARNESS_MAX_IN_FLIGHT, 16).

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
    losses = {} if probabilities is None else {"losses": True}
    channel.send({"protocol": PROTOCOL, "name": name[:200], **losses})
    size = max(1, min(batch_size, _sent_ahead()))
    with _reading(channel, size) as requests, _writing(channel, size) as answer:
        for batch in _batches(requests, size):
            images = [request.image for request in batch]
            asked = probabilities if batch[0].loss_of else predict
            if asked is None:
                msg = "losses were asked for, and serve() was given no probabilities"
                raise ProtocolError(msg)
            found = asked(images)
            if len(found) != len(images):
                what = "probabilities" if asked is probabilities else "predict"
                msg = f"{what} returned {len(found)} arrays for {len(images)} images"
                raise ValueError(msg)
            for request, own in zip(batch, found, strict=True):
                answer(request, own)


def decode_image(png: bytes) -> ImageArray:
    """Return the pixels of `png` as uint8 RGB of shape (height, width, 3)."""
    if cv2 is not None:
        pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        if pixels is not None:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
    with Image.open(io.BytesIO(png)) as opened:
        return np.array(opened.convert("RGB"))


def check_prediction(prediction: PredictionArray, image: ImageArray) -> None:
    """Raise if `prediction` can't be sent as the answer to `image`; the message says what to do."""
    if not isinstance(prediction, np.ndarray):
        msg = f"predict returned {type(prediction).__name__}, not a NumPy array"
        raise TypeError(msg)
    if prediction.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        want = "class ids as uint8 or uint16, as in `logits.argmax(0).astype(np.uint8)`"
        msg = f"predict returned {prediction.dtype}; return {want}"
        raise TypeError(msg)
    if prediction.shape != image.shape[:2]:
        want = f"an image of height x width {image.shape[:2]}; resize by nearest neighbour"
        msg = f"predict returned shape {prediction.shape} for {want}"
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
        want = f"an image of height x width {image.shape[:2]}; return (class ids, height, width)"
        msg = f"probabilities returned shape {probabilities.shape} for {want}"
        raise ValueError(msg)
    # NaN compares false with everything
    if not probabilities.size or not probabilities.min() >= 0 or not probabilities.max() <= 1.01:
        msg = "probabilities returned values outside 0-1; return softmax outputs, not logits"
        raise ValueError(msg)
    off = np.abs(probabilities.sum(axis=0, dtype=np.float64) - 1).max()
    if not off <= _SUM_TOLERANCE:
        msg = f"a pixel's probabilities add up to 1 +- {off:.3g}; softmax all class ids together"
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
        have = f"{len(probabilities)} channels, ids 0-{len(probabilities) - 1}"
        want = "one for each class id of the label space, 0 everywhere for a class never learned"
        asked = f"the loss of class id {max(class_ids)} was asked for"
        msg = f"{asked}, and probabilities returned {have}; return {want}"
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
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    return b"".join((_PNG_SIGNATURE, *chunks))


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


@dataclass(frozen=True)
class _Request:
    """One image that the harness wants an answer to."""

    id: str
    size: int
    loss_of: tuple[int, ...]
    """The class ids whose loss is wanted; empty where a prediction is."""
    image: ImageArray = field(default_factory=lambda: np.empty((0, 0, 3), np.uint8))

    def answered_by(self, own: ProbabilityArray) -> PredictionArray:
        """Return what is sent, checked, of what the model returned; nobody else holds it."""
        if self.loss_of:
            check_probabilities(own, self.image)
            return loss_map(own, self.loss_of)
        check_prediction(own, self.image)
        return own.copy()  # a model may use one array for all its predictions


class _Input(io.RawIOBase):
    """Stdin as it was, whose end another thread can bring about."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._stopped, self._stop = os.pipe()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any buffer that can be written to
        ready, _, _ = select.select([self._descriptor, self._stopped], [], [])
        return 0 if self._stopped in ready else os.readv(self._descriptor, [buffer])

    def stop(self) -> None:
        os.write(self._stop, b".")


class _Channel:
    """The two ends of the protocol, which nothing else in the process can read or write."""

    def __init__(self, requests: int, answers: int) -> None:
        self._input = _Input(requests)
        self._requests = io.BufferedReader(self._input, 2**20)
        self._answers = os.fdopen(answers, "wb", 2**20)
        self.stop = self._input.stop

    def send_answer(self, sample_id: str, prediction: PredictionArray) -> None:
        try:
            png = encode_prediction(prediction)
            self.send({"id": sample_id, "bytes": len(png)}, png)
        except BaseException:
            self.stop()  # the harness sends nothing more: nobody shall wait for it
            raise

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        self._answers.write(json.dumps(header).encode() + b"\n" + body)
        self._answers.flush()

    def next_request(self) -> _Request | None:
        if not (line := self._requests.readline(MAX_HEADER_BYTES)):
            return None
        header = _parse_header(line)
        png = self._requests.read(header.size)
        if len(png) != header.size:
            msg = f"the input ended {header.size - len(png)} bytes into an image"
            raise ProtocolError(msg)
        return replace(header, image=decode_image(png))


@contextmanager
def _reading(channel: _Channel, ahead: int) -> Iterator[Iterator[_Request]]:
    """Give the images, of which so many are read and decoded ahead on another thread."""
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(channel.next_request) for _ in range(ahead))

        def requests() -> Iterator[_Request]:
            while (request := coming.popleft().result()) is not None:
                coming.append(pool.submit(channel.next_request))
                yield request

        try:
            yield requests()
        finally:
            channel.stop()


@contextmanager
def _writing(
    channel: _Channel, behind: int
) -> Iterator[Callable[[_Request, ProbabilityArray], None]]:
    """Give what checks an answer; it is encoded and written on another thread, a little later."""
    with ThreadPoolExecutor(1) as pool:
        leaving: deque[Future[None]] = deque()

        def answer(request: _Request, own: ProbabilityArray) -> None:
            leaving.append(pool.submit(channel.send_answer, request.id, request.answered_by(own)))
            if len(leaving) > behind:
                leaving.popleft().result()

        try:
            yield answer
        finally:  # after an error too: what could not be sent may be its cause
            for left in leaving:
                left.result()


def _parse_header(line: bytes) -> _Request:
    try:
        header: Any = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        header = None
    if not isinstance(header, dict) or set(header) - {"loss_of"} != {"id", "bytes"}:
        header = {}
    sample_id, size, loss_of = header.get("id"), header.get("bytes"), header.get("loss_of", [])
    counts = [size, *loss_of] if isinstance(loss_of, list) else [None]
    if not isinstance(sample_id, str) or any(type(n) is not int or n < 0 for n in counts):
        msg = f"not a header of protocol {PROTOCOL}: {line[:80]!r}"
        raise ProtocolError(msg)
    return _Request(sample_id, size, tuple(loss_of))


def _batches(requests: Iterator[_Request], size: int) -> Iterator[list[_Request]]:
    for _, alike in groupby(requests, key=lambda request: bool(request.loss_of)):
        while batch := list(islice(alike, size)):  # never predictions and losses in one
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
        _claimed.append(_Channel(requests, answers))
    return _claimed[0]


if __name__ == "serve":  # copied into a submission; not when the harness's own code imports it
    _claim()
