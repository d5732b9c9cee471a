"""What the CLIP scores need of a model: images and texts in one space; nothing of networks."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ImageTextEmbedder(Protocol):
    """Puts images and texts into one space, where a cosine says how like they are."""

    @property
    def digests(self) -> Mapping[str, str]:
        """sha256 by file of the model."""
        ...

    @property
    def identity(self) -> str:
        """Names all that its numbers depend on: model, software, kind of device.

        Two embedders with the same one give the same numbers.
        """
        ...

    def images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the embeddings of RGB images, each [H, W, 3] of any size: [N, D], unit length.

        An image's embedding does not depend on what else is given with it, not by a bit.
        """
        ...

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the embeddings of `texts`: [N, D], unit length; each as if it were alone."""
        ...
