"""The noise filter over a built benchmark: losses in, filtered labels out; nothing of any model.

What a model says is read once and kept; which pixels are taken follows from that alone, so neither
order nor batches nor a killed build change a label, and another margin needs no model.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.acceptance.loss_reader import (
    MAX_LOSS,
    LossMap,
    LossReader,
    LossRequest,
    asked_name,
)
from harness.acceptance.noise_filter import (
    ClassMean,
    ClassMeans,
    filtered_label,
    judged_pixels,
    voided,
)
from harness.acceptance.void_signature import void_signature
from harness.benchmark.assessing.loss_cache import LossCache
from harness.dataset.atomic_file import write_atomically
from harness.dataset.benchmark_folder import FILTERED, BenchmarkFolder
from harness.dataset.image_io import encode_gray_png, pixel_sha256
from harness.errors import BenchmarkError, RecipeError
from harness.records.acceptance import NoiseRule
from harness.records.attributes import Scope
from harness.records.base import sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.manifest import Sample

_DECIMALS = 6
_THREADS = 2


def samples_to_read(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Return the samples whose losses the filter needs, in the order in which they are read.

    Those are all with an object: sources first, because class means stand on them, then edits,
    rejected ones too, so that other thresholds can be tried without the model.
    """
    with_object = [s for s in samples if s.object_class is not None and s.mask_sha256 is not None]
    return tuple(sorted(with_object, key=lambda s: (s.edit is not None, s.id)))


def filter_labels(  # noqa: PLR0913 - what is read, by what rule, through what, and two folders
    samples: tuple[Sample, ...],
    folder: BenchmarkFolder,
    *,
    rule: NoiseRule,
    label_space: LabelSpace,
    losses: LossReader,
    cache: Path,
    scratch: Path,
    on_read: Callable[[int], None],
) -> tuple[Sample, ...]:
    """Return `samples` with the noise filter's scores, its labels written to filtered/.

    An edit from whose label pixels are taken gets that label's digests; one from which none are
    taken scores 0. An edit without an object, or with nothing of it in the image, has no score.
    Sources keep their labels. Whether an edit is accepted is not decided here.

    Args:
        samples: The benchmark's samples; what an earlier filter said of them is replaced.
        folder: Where their files lie; neither header nor manifest is read.
        rule: The margin.
        label_space: The benchmark's.
        losses: The model; it is only asked for what the cache has not.
        cache: The folder in which losses are kept, by content.
        scratch: A folder on the same file system, for half-written files.
        on_read: Called with 1 for each of `samples_to_read` whose losses are there.

    Raises:
        BenchmarkError: A file is missing, or not the one that its sample says.
        RecipeError: A class is none of the model's, or one that it never predicts.
        OSError: A file can't be written.
        HarnessError: Whatever `losses` raises; what was read before is kept.
    """
    wanted = samples_to_read(samples)
    reading = _Reading(
        # while a benchmark is built, it has no header that would say its label space
        folder=BenchmarkFolder(folder.path, label_space=label_space),
        cache=LossCache(folder=cache, scratch=scratch, model=losses.identity),
        label_space=label_space,
    )
    losses.check_classes(sorted({s.object_class for s in wanted if s.object_class is not None}))
    sources = {s.id: s for s in wanted if s.edit is None}
    reading.fill(tuple(sources.values()), losses, on_read=on_read)
    means = reading.means(sources.values())
    _refuse_hopeless(means, rule)
    reading.fill(tuple(s for s in wanted if s.edit is not None), losses, on_read=on_read)
    decided = _Filter(reading=reading, sources=sources, means=means, rule=rule)
    with ThreadPoolExecutor(_THREADS) as pool:
        return tuple(pool.map(decided.apply, samples))


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The losses of a benchmark's samples, from the cache or from the model."""

    folder: BenchmarkFolder
    cache: LossCache
    label_space: LabelSpace

    def fill(
        self, wanted: tuple[Sample, ...], losses: LossReader, *, on_read: Callable[[int], None]
    ) -> None:
        """Have the model read what the cache has not."""
        missing: list[Sample] = []
        with ThreadPoolExecutor(_THREADS) as pool:
            for sample, there in zip(wanted, pool.map(self.cache.holds, wanted), strict=True):
                if there:
                    on_read(1)
                else:
                    missing.append(sample)
        by_id = {sample.id: sample for sample in missing}

        def keep(found: LossMap) -> None:
            sample = by_id[found.id]
            self.cache.put(sample, found.losses, of_use=self.of_use(sample))
            on_read(1)

        if missing:
            losses.read(self._requests(missing), on_loss=keep)

    def of_use(self, sample: Sample) -> NDArray[np.bool_]:
        """Return the pixels whose losses say something, [H, W]: of a source, all of its class."""
        label = self.folder.original_label(sample)
        if sample.edit is None:
            return np.equal(label, self._class_id(sample))
        return judged_pixels(label, self.mask(sample), class_id=self._class_id(sample))

    def mask(self, sample: Sample) -> NDArray[np.bool_]:
        """Return where the object of `sample` is, [H, W]."""
        mask = self.folder.mask(sample)
        if mask is None or mask.shape != (sample.height, sample.width):
            msg = f"{self.folder.mask_path(sample)} is no mask of its image's size"
            raise BenchmarkError(msg, remedy="Build the benchmark again, with --fresh.")
        return mask

    def losses(self, sample: Sample) -> NDArray[np.uint16]:
        """Return the losses of `sample`, [H, W], which have been read."""
        found = self.cache.get(sample)
        if found is None:
            msg = f"the losses of sample {sample.id} were removed from {self.cache.folder}"
            raise BenchmarkError(msg, remedy="Build the benchmark again; what is there is kept.")
        return found

    def means(self, sources: Iterable[Sample]) -> dict[str, ClassMean]:
        """Return the mean loss of each class over the pixels of the class in `sources`."""
        sums = ClassMeans()
        for source in sources:
            if source.object_class is not None:
                sums.add(source.object_class, self.losses(source)[self.of_use(source)])
        return dict(sums.means())

    def _requests(self, samples: Iterable[Sample]) -> Iterator[LossRequest]:
        for sample in samples:
            png = self.folder.image_png(sample.id)
            if sha256_hex(png) != sample.image_sha256:
                msg = f"{self.folder.image_path(sample.id)} is not the image of its sample"
                raise BenchmarkError(msg, remedy="Build the benchmark again, with --fresh.")
            yield LossRequest(id=sample.id, png=png, class_name=str(sample.object_class))

    def _class_id(self, sample: Sample) -> int:
        found = self.label_space.by_name(str(sample.object_class))
        if found is None:
            name = self.label_space.name
            msg = f"{sample.object_class!r} is no class of the label space {name!r}"
            raise BenchmarkError(msg, remedy="Build the benchmark again, with --fresh.")
        return found.id


@dataclass(frozen=True, kw_only=True)
class _Filter:
    """Takes noise from labels, once all losses are there; a pure function of them."""

    reading: _Reading
    sources: dict[str, Sample]
    means: dict[str, ClassMean]
    rule: NoiseRule

    def apply(self, sample: Sample) -> Sample:
        """Return `sample` with what the filter says of it."""
        plain = _unfiltered(sample)
        source = self.sources.get(sample.source_id)
        if plain.edit is None or plain.scores is None or plain.mask_sha256 is None:
            return plain
        mean = self.means.get(str(plain.object_class))
        pixels = int(np.count_nonzero(self.reading.mask(plain)))
        if source is None or mean is None or not pixels:
            return plain
        noise = self._noise(plain, source, mean)
        taken = int(np.count_nonzero(noise))
        scores = plain.scores.model_copy(
            update={"voided_fraction": round(taken / pixels, _DECIMALS)}
        )
        return plain.model_copy(
            update={"scores": scores, **(self._write(plain, noise) if taken else {})}
        )

    def _noise(self, sample: Sample, source: Sample, mean: ClassMean) -> NDArray[np.bool_]:
        moved = sample.edit is not None and sample.edit.scope is Scope.GEOMETRY
        return voided(
            self.reading.losses(sample),
            None if moved else self.reading.losses(source),
            judged=self.reading.of_use(sample),
            class_mean=mean,
            margin=self.rule.margin,
        )

    def _write(self, sample: Sample, noise: NDArray[np.bool_]) -> dict[str, str]:
        """Write the filtered label and return its digests by field."""
        folder = self.reading.folder
        original = folder.original_label(sample)
        label = filtered_label(original, noise, ignore_id=self.reading.label_space.ignore_id)
        png = encode_gray_png(label)
        path = folder.path / FILTERED / f"{sample.id}.png"
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, png, scratch=self.reading.cache.scratch)
        return {
            "filtered_label_sha256": sha256_hex(png),
            "filtered_label_pixel_sha256": pixel_sha256(label),
            "filtered_label_signature": void_signature(noise, self.reading.mask(sample)),
        }


def _refuse_hopeless(means: Mapping[str, ClassMean], rule: NoiseRule) -> None:
    """Raise where a class has the greatest loss on each pixel, so that nothing can be over it.

    Raises:
        RecipeError: Names the model and the classes.
    """
    never = sorted(n for n, mean in means.items() if mean.total == MAX_LOSS * mean.pixels)
    if never:
        said = ", ".join(asked_name(rule, name) for name in never)
        msg = (
            f"the noise filter's model, {rule.model}, never predicts {said}: its probability is "
            "nought on each source"
        )
        raise RecipeError(
            msg,
            remedy="Name a model in [acceptance.noise] that knows the class, or leave the class "
            "out by exclude_classes in [selection].",
        )


def _unfiltered(sample: Sample) -> Sample:
    """Return `sample` without what an earlier filter said of it."""
    scores = sample.scores and sample.scores.model_copy(update={"voided_fraction": None})
    return sample.model_copy(
        update={
            "scores": scores,
            "filtered_label_sha256": None,
            "filtered_label_pixel_sha256": None,
            "filtered_label_signature": None,
        }
    )
