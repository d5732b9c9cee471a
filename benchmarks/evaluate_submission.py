"""The submissions that `benchmarks.evaluate` measures with, and their images."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import docker
import numpy as np
from numpy.typing import NDArray

from harness.evaluation.target import EvaluationTarget
from harness.records.submission import ContainerLimits
from harness.sandbox.image import build_image
from harness.sandbox.submission_folder import load_submission

CACHE = Path(__file__).resolve().parents[1] / ".cache"
MILLISECONDS = 20
"""What a model takes for an image."""


class Kind(StrEnum):
    """What a model does for the time that it takes."""

    SLEEP = "sleep"
    """Nothing on a processor: as with a model on a GPU, the processors are free meanwhile."""
    BUSY = "busy"
    """It keeps one processor busy, its own time counted, not the clock's."""
    EMPTY = "empty"
    """It reads an image, ignores it and answers what it made once."""


MODEL = f"""
import time
import numpy as np

def sleep():
    time.sleep({MILLISECONDS} / 1000)

def busy():
    until = time.thread_time() + {MILLISECONDS} / 1000
    while time.thread_time() < until:
        pass

def predict(image, spend):
    spend()
    return np.zeros(image.shape[:2], np.uint8)
"""
SERVING = """
import model
from serve import serve
serve(lambda image: model.predict(image, model.{kind}), name="{kind}")
"""
EMPTY = """
import json, struct, sys, zlib
requests, answers = sys.stdin.buffer, sys.stdout.buffer

def chunk(kind, data):
    check = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

def constant(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(bytes((width + 1) * height))), (b"IEND", b"")
    return b"\\x89PNG\\r\\n\\x1a\\n" + b"".join(chunk(*each) for each in chunks)

answers.write(b'{"protocol": 1, "name": "empty"}\\n')
answers.flush()
png = None
while line := requests.readline():
    header = json.loads(line)
    image = requests.read(header["bytes"])
    png = png or constant(*struct.unpack(">II", image[16:24]))
    answers.write(json.dumps({"id": header["id"], "bytes": len(png)}).encode() + b"\\n" + png)
    answers.flush()
"""
DOCKERFILE = """
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
ENV PIP_BREAK_SYSTEM_PACKAGES=1
WORKDIR /submission
COPY requirements.txt ./
COPY wheels/ /wheels/
RUN python3 -m pip install --no-cache-dir --no-index --find-links /wheels -r requirements.txt
COPY model.py predict.py serve.py ./
CMD ["python3", "predict.py"]
"""
MANIFEST = """
schema_version = 1
name = "measured-{kind}"
title = "Measured"
authors = ["The benchmarks"]
label_space = "voc"
"""


def model_in_process(kind: Kind) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return the model as a function of an image, the same code as in the container."""
    names: dict[str, object] = {}
    exec(MODEL, names)  # noqa: S102 - our own lines
    predict, spend = names["predict"], names[kind.value]
    if not callable(predict):
        msg = "the model has no predict"
        raise TypeError(msg)
    return lambda image: np.asarray(predict(image, spend), np.uint8)


@contextmanager
def built(client: docker.DockerClient, kind: Kind) -> Iterator[EvaluationTarget]:
    """Give the submission in an image, which is removed afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / f"measured-{kind.value}"
        folder.mkdir()
        files = {
            "submission.toml": MANIFEST.format(kind=kind.value),
            "Dockerfile": DOCKERFILE,
            "requirements.txt": "numpy==2.4.6\npillow==13.0.0\n",
            "model.py": MODEL,
            "predict.py": EMPTY if kind is Kind.EMPTY else SERVING.format(kind=kind.value),
        }
        for name, text in files.items():
            (folder / name).write_text(text.lstrip("\n"), encoding="utf-8")
        image = build_image(client, load_submission(folder), weights_dir=None, cache_dir=CACHE)
    try:
        yield EvaluationTarget(
            manifest=image.manifest, image_digest=image.digest, limits=ContainerLimits()
        )
    finally:
        client.images.remove(image.digest, force=True)
