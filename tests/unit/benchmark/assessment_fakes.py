"""Models of acceptance that answer from pixels and letters, and recipes that ask for them."""

from contextlib import contextmanager
from typing import ClassVar

import numpy as np
from benchmark_fakes import RECIPE

from harness.acceptance.loss_reader import LossMap
from harness.dataset.image_io import decode_rgb

CLIP = RECIPE + '\n[acceptance.clip]\nmodel = "fake"\n'
NOISE = RECIPE + '\n[acceptance.noise]\nkind = "transformers"\nmodel = "fake"\n'


class Embedder:
    """Embeds an image by its mean colour and a text by its length."""

    digests: ClassVar = {"model.safetensors": "c" * 64}
    identity = "fake"

    def __init__(self) -> None:
        self.seen = 0

    def images(self, images):
        self.seen += len(images)
        return _unit(np.array([image.reshape(-1, 3).mean(axis=0) + 1 for image in images]))

    def texts(self, texts):
        return _unit(np.array([[len(text), 1, 0] for text in texts], float))


class Losses:
    """Finds every pixel of an image with a violet tint a hundred times as hard."""

    digests: ClassVar = {"model.safetensors": "d" * 64}
    identity = "fake"

    def __init__(self) -> None:
        self.asked = 0

    def check_classes(self, class_names):
        assert list(class_names) == ["car"]

    def read(self, requests, *, on_loss):
        for request in requests:
            self.asked += 1
            pixels = decode_rgb(request.png, name=request.id).astype(int)
            losses = np.where(pixels.min(axis=2) >= 40, 5000, 50).astype(np.uint16)
            on_loss(LossMap(id=request.id, losses=losses))


def _unit(vectors):
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype(np.float32)


def opening(model):
    @contextmanager
    def opened():
        yield model

    return opened
