"""ESPNet on CamVid behind the prediction stream: preprocessing, network, class choice."""

from pathlib import Path

import numpy as np
import torch
from network import ESPNet
from numpy.typing import NDArray
from serve import serve

WEIGHTS = Path(__file__).parent / "weights" / "espnet_p_2_q_8_camvid.pth"
TRAINED_CLASSES = 12
"""The eleven classes of CamVid and "unlabelled", which is never predicted."""
VALID_CLASSES = 11
THREADS = 2
"""The container's share of processors; torch would start one thread for every core of the host."""
MULTIPLE = 8
"""Width and height are padded to a multiple of this: the encoder halves three times."""

# The statistics of CamVid's training images that the weights were trained with, in BGR order;
# the training divided by 255 after the standard deviation, and so must we.
MEAN = np.array([110.331, 108.409, 105.033], dtype=np.float32)
SCALE = np.array([72.126, 72.691, 69.904], dtype=np.float32) * 255


def load_network(weights: Path) -> ESPNet:
    """Return the network with the tensors of `weights`, ready to predict."""
    network = ESPNet(TRAINED_CLASSES)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    # channels last halves the time of the many narrow convolutions on a CPU
    return network.eval().to(memory_format=torch.channels_last)


def network_input(image: NDArray[np.uint8]) -> torch.Tensor:
    """Return an RGB image [H, W, 3] as what the network was trained on: [1, 3, H', W']."""
    bgr = (image[:, :, ::-1].astype(np.float32) - MEAN) / SCALE
    height, width = image.shape[:2]
    padding = ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0))
    padded = np.pad(bgr, padding, mode="edge")
    # a view: the pixels lie channels last already
    return torch.from_numpy(padded).permute(2, 0, 1)[None]


@torch.inference_mode()
def class_ids(network: ESPNet, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the most likely CamVid class id of every pixel of an RGB image."""
    height, width = image.shape[:2]
    scores = network(network_input(image))[0, :VALID_CLASSES, :height, :width]
    return scores.argmax(dim=0).to(torch.uint8).numpy()


def main() -> None:
    """Load the weights and answer the harness until it is done."""
    torch.set_num_threads(THREADS)
    network = load_network(WEIGHTS)
    serve(lambda image: class_ids(network, image), name="espnet")


if __name__ == "__main__":
    main()
