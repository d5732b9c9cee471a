"""What the CLIP scores need of a model: images and texts in one space; nothing of networks."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ImageTextEmbedder(Protocol):
    """Puts images and texts into one space, where a cosine says how like they are."""

    @property
    def digests(self) -> Mapping[str, str]:
        """sha256 by file of the model: two embedders with the same ones give the same numbers."""
        ...

    def images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the embeddings of RGB images, each [H, W, 3] of any size: [N, D], unit length."""
        ...

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the embeddings of `texts`: [N, D], unit length."""
        ...
