"""Keeps the labels that were read last, because all edits of a source share one."""

from collections import OrderedDict
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from harness.dataset.benchmark_folder import BenchmarkFolder, LabelFile

KEPT_BYTES = 64 * 2**20
"""How much is kept: a thousand labels of 256x256, or thirty of 2048x1024."""
_FIXED_BYTES = 1024
"""About what a label takes besides its pixels."""


class LabelCache:
    """Reads labels, proven against the manifest when they come from the disk; for any thread."""

    def __init__(self, folder: BenchmarkFolder, *, kept_bytes: int = KEPT_BYTES) -> None:
        """Keep up to `kept_bytes` of decoded labels of `folder`."""
        self._folder = folder
        self._room = kept_bytes
        self._lock = Lock()
        self._kept: OrderedDict[LabelFile, NDArray[np.uint8]] = OrderedDict()

    def read(self, file: LabelFile) -> NDArray[np.uint8]:
        """Return the class ids in `file`, [H, W], not to be written to.

        Raises:
            BenchmarkError: The file is missing, broken or another than the manifest's, or an id in
                it is no class.
        """
        with self._lock:
            if file in self._kept:
                self._kept.move_to_end(file)
                return self._kept[file]
        label = self._folder.read_label(file)
        label.setflags(write=False)
        with self._lock:
            self._keep(file, label)
        return label

    def _keep(self, file: LabelFile, label: NDArray[np.uint8]) -> None:
        if file in self._kept:
            return  # another thread was faster
        self._kept[file] = label
        self._room -= label.nbytes + _FIXED_BYTES
        while self._room < 0:
            _, oldest = self._kept.popitem(last=False)
            self._room += oldest.nbytes + _FIXED_BYTES
