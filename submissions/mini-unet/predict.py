"""A small U-Net behind the prediction stream: brings an image to its size, and its scores back."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from serve import serve

NETWORK = Path(__file__).with_name("unet.onnx")
THREADS = 2
"""The container's share of processors; ONNX Runtime would start a thread for each of the host's."""
CLASSES = 21
"""The class ids of VOC are 0-20."""


class UNet:
    """The exported network and what its score channels stand for."""

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )
        self._height, self._width = self._session.get_inputs()[0].shape[2:]
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._class_ids = np.array(json.loads(metadata["class_ids"]), dtype=np.uint8)

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the VOC class id of every pixel of an RGB image [H, W, 3]."""
        return self._class_ids[np.argmax(self._scores(image), axis=0)]

    def probabilities(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of every VOC class id at every pixel, [21, H, W].

        That of a class that the network never learned is 0.
        """
        scores = self._scores(image)
        weights = np.exp(scores - scores.max(axis=0))
        known = weights / weights.sum(axis=0)
        found = np.zeros((CLASSES, *image.shape[:2]), np.float32)
        found[self._class_ids] = known
        return found

    def _scores(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return a score of each of the network's classes, [channels, H, W]."""
        small = Image.fromarray(image).resize((self._width, self._height), Image.Resampling.BOX)
        pixels = np.asarray(small, dtype=np.float32).transpose(2, 0, 1)[None]
        (scores,) = self._session.run(["scores"], {"pixels": np.ascontiguousarray(pixels)})
        size = image.shape[1], image.shape[0]
        enlarged = [
            np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))
            for plane in scores[0]
        ]
        return np.stack(enlarged)


if __name__ == "__main__":
    network = UNet(NETWORK)
    serve(network.predict, probabilities=network.probabilities, name="mini-unet")
