"""Training scenes, rendered once and kept on disk; knows nothing of who learns from them.

python -m submissions.training.composites
"""

import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark_data.composer.catalogue import Asset, Split
from benchmark_data.composer.library import Library
from benchmark_data.composer.packages import DEFAULT_CACHE
from benchmark_data.composer.scene import compose_scene
from submissions.training.geometry import HEIGHT, WIDTH, View
from submissions.training.supplement import training_library

logger = logging.getLogger(__name__)

DEFAULT_FOLDER = Path(".cache/training")
PHOTOGRAPHS = "photographs.txt"
"""Lists what scenes were made of: an id and the sha256 of its bytes a line."""
IGNORE = 255
CHUNK = 100
"""Scenes that one job renders from one seed, so that the number of processes changes nothing."""
HELD_OUT = (
    "bird-drake",
    "bird-gander",
    "bird-hen",
    "bird-owl",
    "bird-vulture",
    "car-convertible",
    "cow-white",
    "cow-gnu-stand",
    "dog-fox",
    "horse-zaniskari",
    "sheep-lamb",
    "other-bear",
    "other-pig",
    "other-wapiti",
    "cat-kitten",
    "person-astronaut",
    "brook",
    "carcassonne",
    "meadow-close",
    "meidum-pyramid",
    "misty-lake",
    "petra",
    "picos-de-europa",
    "picos-sky",
    "schwerin",
    "backdrop-storm",
)
"""Photographs kept from training while settings are chosen; classes of one keep theirs."""


class Collection(StrEnum):
    """The sets of scenes there are."""

    ALL = "all"
    """Every training cut-out: what the submissions are trained on."""
    PRACTICE = "practice"
    """Without the held-out individuals: what settings are chosen on."""
    STRANGERS = "strangers"
    """The held-out individuals alone: what settings are judged by."""


SIZES = {Collection.ALL: 2400, Collection.PRACTICE: 1200, Collection.STRANGERS: 200}
"""How many scenes each has."""


@dataclass(frozen=True, kw_only=True)
class CompositeSet:
    """Scenes with their labels, reduced to the size at which they are kept."""

    images: NDArray[np.uint8]
    """RGB pixels, [N, H, W, 3]."""
    labels: NDArray[np.uint8]
    """Class ids, [N, H, W]."""
    class_ids: tuple[int, ...]
    """The classes to be told apart, background first."""
    photographs: str
    """Id and sha256 of every photograph in them, a line each."""

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.images)

    def view(self, index: int) -> View:
        """Return one scene."""
        return View(image=self.images[index], label=self.labels[index])

    def class_weights(self) -> NDArray[np.float32]:
        """Return a weight for every class: the inverse root of its share of pixels, mean 1."""
        shares = np.bincount(self.labels.reshape(-1), minlength=256)[list(self.class_ids)]
        weights = 1 / np.sqrt(np.maximum(shares / shares.sum(), 1e-4))
        return (weights / weights.mean()).astype(np.float32)


def class_indices(class_ids: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a table from class id to its place in `class_ids`; the rest is ignored."""
    table = np.full(256, IGNORE, dtype=np.uint8)
    table[list(class_ids)] = np.arange(len(class_ids))
    return table


def load_composites(collection: Collection, folder: Path) -> CompositeSet:
    """Return the scenes of `collection`, rendered into `folder` if they are not there yet.

    They are rendered anew when the photographs there are to train on have changed.
    """
    place = folder / collection.value
    listed = place / PHOTOGRAPHS
    if not listed.exists() or listed.read_text(encoding="utf-8") != photographs_in(collection):
        _render(collection, place)
    labels = np.load(place / "labels.npy", mmap_mode="r")
    ids = sorted({int(c) for c in np.unique(labels)} - {IGNORE})
    images = np.load(place / "images.npy", mmap_mode="r")
    return CompositeSet(
        images=images,
        labels=labels,
        class_ids=tuple(ids),
        photographs=listed.read_text(encoding="utf-8"),
    )


@cache
def library_of(collection: Collection, packages: Path) -> Library:
    """Return the photographs that the scenes of `collection` are made of."""
    library = training_library(cache=packages)
    match collection:
        case Collection.ALL:
            return library
        case Collection.PRACTICE:
            return _filtered(library, lambda asset: asset.id not in HELD_OUT)
        case Collection.STRANGERS:
            return _filtered(library, lambda asset: asset.id in HELD_OUT)


def _filtered(library: Library, wanted: Callable[[Asset], bool]) -> Library:
    """Return `library` with the photographs that `wanted` is true of."""
    return replace(
        library,
        cutouts=tuple(c for c in library.cutouts if wanted(c.asset)),
        backgrounds=tuple(b for b in library.backgrounds if wanted(b.asset)),
    )


def photographs_in(collection: Collection) -> str:
    """Return a line with id and sha256 for every photograph that `collection` may show."""
    library = library_of(collection, DEFAULT_CACHE)
    assets = [entry.asset for entry in (*library.cutouts, *library.backgrounds)]
    return "".join(f"{asset.id} {asset.sha256}\n" for asset in assets)


def _render(collection: Collection, place: Path) -> None:
    count = SIZES[collection]
    logger.info("rendering %d scenes into %s", count, place)
    library_of(collection, DEFAULT_CACHE)  # the processes inherit it
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        numbers = range(count // CHUNK)
        chunks = list(pool.map(_render_chunk, [collection] * len(numbers), numbers))
    place.mkdir(parents=True, exist_ok=True)
    np.save(place / "images.npy", np.concatenate([images for images, _ in chunks]))
    np.save(place / "labels.npy", np.concatenate([labels for _, labels in chunks]))
    (place / PHOTOGRAPHS).write_text(photographs_in(collection), encoding="utf-8")


def _render_chunk(
    collection: Collection, number: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images and labels of the collection's chunk `number`."""
    cv2.setNumThreads(1)
    library = library_of(collection, DEFAULT_CACHE)
    generator = np.random.default_rng([list(Collection).index(collection), number])
    scenes = [compose_scene(library, Split.TRAINING, generator) for _ in range(CHUNK)]
    images = [_reduced(scene.image, Image.Resampling.BOX) for scene in scenes]
    labels = [_reduced(scene.label, Image.Resampling.NEAREST) for scene in scenes]
    return np.stack(images), np.stack(labels)


def _reduced(pixels: NDArray[np.uint8], method: Image.Resampling) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(pixels).resize((WIDTH, HEIGHT), method))


@click.command()
@click.argument("collections", nargs=-1, type=click.Choice(Collection, case_sensitive=False))
@click.option("--composites", type=click.Path(path_type=Path), default=DEFAULT_FOLDER)
def main(*, collections: Iterable[Collection], composites: Path) -> None:
    """Render COLLECTIONS, or all of them, into the folder COMPOSITES."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for collection in collections or Collection:
        scenes = load_composites(collection, composites)
        click.echo(f"{collection}: {len(scenes)} scenes, classes {scenes.class_ids}")


if __name__ == "__main__":
    main()
