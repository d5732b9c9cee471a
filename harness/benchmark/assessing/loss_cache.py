"""Losses that were read once, kept by content; nothing of the model that gave them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.dataset.atomic_file import write_atomically
from harness.dataset.loss_file import decode_losses, encode_losses
from harness.errors import SourceDataError
from harness.records.base import canonical_json, sha256_hex
from harness.records.manifest import Sample


@dataclass(frozen=True, kw_only=True)
class LossCache:
    """A folder of loss maps, 0 wherever no pixel is of use.

    A map is known by the image's pixels, the label and the mask that say which pixels are of use,
    the class, and the model: a new margin finds everything here, a new edit only itself missing.
    """

    folder: Path
    """Where the maps lie."""
    scratch: Path
    """A folder on the same file system, for half-written ones."""
    model: str
    """The model's identity, see `LossReader.identity`."""

    def holds(self, sample: Sample) -> bool:
        """Return whether the losses of `sample` are there, whole."""
        return self.get(sample) is not None

    def get(self, sample: Sample) -> NDArray[np.uint16] | None:
        """Return the losses of `sample`, [H, W]; None where they are not there, or broken."""
        path = self._path(sample)
        try:
            data = path.read_bytes()
            return decode_losses(data, name=str(path), size=(sample.height, sample.width))
        except (FileNotFoundError, SourceDataError):
            return None

    def put(self, sample: Sample, losses: NDArray[np.uint16], *, of_use: NDArray[np.bool_]) -> None:
        """Keep the `losses` of `sample` where they are `of_use`, both [H, W].

        Raises:
            OSError: They can't be written.
        """
        path = self._path(sample)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = encode_losses(np.where(of_use, losses, np.uint16(0)))
        write_atomically(path, data, scratch=self.scratch)

    def _path(self, sample: Sample) -> Path:
        content = [
            *(self.model, sample.object_class, sample.edit is None),
            *(sample.pixel_sha256, sample.label_pixel_sha256, sample.mask_sha256),
        ]
        name = sha256_hex(canonical_json(content))
        return self.folder / name[:2] / f"{name}.png"
