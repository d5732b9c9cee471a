"""Finished edits looked at by CLIP: embedded by content and scored; nothing of the model's inside.

CLIP sees a square. Of a wide picture its own preparation keeps the middle and would never see an
object at the border; here the square, whose side is the picture's shorter one, lies over the
source's object as far as the picture goes, at the same place in the source and in all its edits.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.acceptance.clip_scores import EditEmbeddings, clip_scores
from harness.acceptance.embedder import ImageTextEmbedder
from harness.benchmark.assessing.embedding_cache import EmbeddingCache, Vector
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import pixel_sha256
from harness.errors import BenchmarkError, WeightsError
from harness.records.manifest import Sample

BATCH = 32
"""Images or texts that are read, handed to the model and kept at a time."""
_READERS = 4
"""Threads that read the images of the next batch while the model looks at this one."""
_UNIT_TOLERANCE = 1e-3

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Square:
    """The square of an image that CLIP sees, in pixels."""

    left: int
    """Columns left of it."""
    top: int
    """Rows above it."""
    side: int
    """Its side."""

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the square of an image [H, W, 3]."""
        rows = slice(self.top, self.top + self.side)
        return image[rows, self.left : self.left + self.side]


def square_over(mask: NDArray[np.bool_] | None, *, width: int, height: int) -> Square:
    """Return the square over the object's box as far as the picture goes; the middle without one.

    Args:
        mask: Where the object is, [height, width]; None where there is none.
        width: The picture's width in pixels.
        height: Its height.
    """
    side = min(width, height)
    return Square(
        left=_offset(mask, length=width, side=side, axis=0),
        top=_offset(mask, length=height, side=side, axis=1),
        side=side,
    )


def add_clip_scores(
    samples: tuple[Sample, ...],
    folder: BenchmarkFolder,
    *,
    embedder: ImageTextEmbedder,
    cache: Path,
    on_scored: Callable[[int], None],
    batch_size: int = BATCH,
) -> tuple[Sample, ...]:
    """Return `samples` with the CLIP scores of every edit, in their order; other scores are kept.

    Every image and every text is embedded once and kept in `cache` by its content and the
    embedder's identity, so a pass that was cut off goes on where it was. Images are read batch by
    batch.

    Args:
        samples: A benchmark's samples; every edit's source is among them.
        folder: Where their images and masks lie.
        embedder: The model.
        cache: The folder of the embeddings; safe to delete.
        on_scored: Told how many more images the model has seen, of sources and of edits.
        batch_size: Images or texts that are handed over and kept at a time; it changes no score,
            as an embedder looks at each as if it were alone.

    Raises:
        BenchmarkError: An image is missing or another than its sample's.
        SourceDataError: An image or a mask can't be decoded.
        WeightsError: The model answers what is no embedding.
        OSError: The cache can't be written.
    """
    with EmbeddingCache(cache, embedder.identity) as kept:
        work = _Pass(samples, folder, embedder=embedder, kept=kept, batch_size=batch_size)
        work.embed_texts()
        work.embed_images(on_scored)
        return tuple(work.scored(sample) for sample in samples)


class _Pass:
    """One pass over a benchmark's samples."""

    def __init__(
        self,
        samples: tuple[Sample, ...],
        folder: BenchmarkFolder,
        *,
        embedder: ImageTextEmbedder,
        kept: EmbeddingCache,
        batch_size: int,
    ) -> None:
        self._samples, self._folder, self._embedder = samples, folder, embedder
        self._kept, self._batch_size = kept, batch_size
        self._sources = {sample.id: sample for sample in samples if sample.edit is None}
        self._squares: dict[str, Square] = {}

    def embed_texts(self) -> None:
        """Embed every caption and target prompt that is not kept yet."""
        said = (text for s in self._samples for text in (s.caption, s.target_prompt))
        texts = dict.fromkeys(text for text in said if text is not None)
        missing = (text for text in texts if self._kept.get(_text_key(text)) is None)
        for batch in _batches(missing, self._batch_size):
            vectors = _checked(self._embedder.texts(batch), len(batch))
            self._kept.put([_text_key(text) for text in batch], vectors)

    def embed_images(self, on_seen: Callable[[int], None]) -> None:
        """Embed every image that is not kept yet; its files are read one batch ahead."""
        reading: list[tuple[Sample, Future[NDArray[np.uint8]]]] = []
        with ThreadPoolExecutor(_READERS) as readers:
            for batch in _batches(self._unseen(on_seen), self._batch_size):
                ahead = [(sample, readers.submit(self._read, sample)) for sample in batch]
                self._look_at(reading, on_seen)
                reading = ahead
            self._look_at(reading, on_seen)

    def scored(self, sample: Sample) -> Sample:
        """Return `sample` with its CLIP scores; a source has none."""
        if sample.edit is None or sample.scores is None or sample.target_prompt is None:
            return sample
        found = clip_scores(
            EditEmbeddings(
                source=self._taken(self._image_key(self._sources[sample.source_id])),
                edit=self._taken(self._image_key(sample)),
                caption=self._taken(_text_key(sample.caption)),
                target=self._taken(_text_key(sample.target_prompt)),
            )
        )
        scores = sample.scores.model_copy(
            update={
                "clip_image_image": found.image_image,
                "clip_image_text": found.image_text,
                "clip_directional": found.directional,
            }
        )
        return sample.model_copy(update={"scores": scores})

    def _unseen(self, on_seen: Callable[[int], None]) -> Iterator[Sample]:
        """Yield the samples whose images are to be embedded, and count the others as seen."""
        for sample in self._samples:
            if self._kept.get(self._image_key(sample)) is None:
                yield sample
            else:
                on_seen(1)

    def _look_at(
        self,
        reading: list[tuple[Sample, Future[NDArray[np.uint8]]]],
        on_seen: Callable[[int], None],
    ) -> None:
        if not reading:
            return
        images = [image.result() for _, image in reading]
        vectors = _checked(self._embedder.images(images), len(images))
        self._kept.put([self._image_key(sample) for sample, _ in reading], vectors)
        on_seen(len(reading))

    def _read(self, sample: Sample) -> NDArray[np.uint8]:
        """Return what CLIP sees of a sample: its own pixels, as its embedding is kept by them."""
        image = self._folder.image(sample.id)
        if pixel_sha256(image) != sample.pixel_sha256:
            msg = f"{self._folder.image_path(sample.id)} is not the image in its manifest"
            remedy = f"`harness verify {self._folder.path.name}` names all that is not as promised."
            raise BenchmarkError(msg, remedy=remedy)
        return self._square(sample).cut(image)

    def _square(self, sample: Sample) -> Square:
        found = self._squares.get(sample.source_id)
        if found is None:
            source = self._sources[sample.source_id]
            width, height = source.width, source.height
            mask = None if width == height else self._folder.mask(source)
            found = square_over(mask, width=width, height=height)
            self._squares[sample.source_id] = found
        return found

    def _image_key(self, sample: Sample) -> str:
        square = self._square(sample)
        return f"image:{sample.pixel_sha256}:{square.left},{square.top},{square.side}"

    def _taken(self, key: str) -> Vector:
        vector = self._kept.get(key)
        if vector is None:
            msg = "an embedding that was just kept can't be read back"
            raise BenchmarkError(msg, remedy="Check the disk, and build the benchmark again.")
        return vector


def _offset(mask: NDArray[np.bool_] | None, *, length: int, side: int, axis: int) -> int:
    """Return where a square of `side` begins so that its middle is nearest to the object's."""
    places = np.empty(0) if mask is None else np.flatnonzero(mask.any(axis=axis))
    first, last = (0, length - 1) if places.size == 0 else (int(places[0]), int(places[-1]))
    return min(max((first + last + 1 - side) // 2, 0), length - side)


def _text_key(text: str) -> str:
    return f"text:{text}"


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _checked(vectors: Vector, count: int) -> Vector:
    """Return the model's answer, if it is one: `count` vectors of unit length.

    Raises:
        WeightsError: It is not.
    """
    if vectors.ndim != 2 or vectors.shape[0] != count:
        msg = f"CLIP answered {count} inputs with numbers of shape {vectors.shape}"
    elif not np.all(np.abs(np.linalg.norm(vectors, axis=1) - 1) < _UNIT_TOLERANCE):
        msg = "CLIP's embeddings are no numbers, or not of unit length"
    else:
        return vectors
    raise WeightsError(msg, remedy="Its weights are broken or of another kind: fetch them again.")
