"""The colour forest behind the prediction stream, one process a processor."""

import multiprocessing
from pathlib import Path

from forest import load_color_forest
from serve import serve_batched

FOREST = Path(__file__).with_name("forest.npz")
PROCESSES = 2
"""The container's share of processors; NumPy walks trees on one."""


def main() -> None:
    """Load the forest and answer the harness until it is done."""
    forest = load_color_forest(FOREST)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        serve_batched(
            lambda images: pool.map(forest.class_ids_of, images, chunksize=1),
            batch_size=2 * PROCESSES,
            name="color-forest",
        )


if __name__ == "__main__":
    main()
