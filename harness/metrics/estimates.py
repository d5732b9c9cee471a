"""All figures of one submission, as drawn and resampled; nothing of ranks or records."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.bootstrap import resampled_weights
from harness.metrics.drops import DropEstimate, PairedCounts, mean_drop, value_drop
from harness.metrics.iou import Floats, PixelCounts, mean_iou, once_each, pixel_accuracy

ValuesByAttribute = Mapping[str, Mapping[str, "EditPairs"]]


@dataclass(frozen=True, kw_only=True)
class EditPairs:
    """Which images are the edits of one value, and which sources they belong to."""

    sources: NDArray[np.intp]
    """Shape [P]: positions among the sources."""
    edits: NDArray[np.intp]
    """Shape [P]: positions among all images."""
    clean: NDArray[np.intp] | None = None
    """Shape [P]: positions among all counts of what each edit is compared with, its source's own
    counts or those under the edit's filtered label; None where all are the sources' own."""


@dataclass(frozen=True, kw_only=True)
class PairedDesign:
    """How a benchmark's images belong together."""

    sources: NDArray[np.intp]
    """Shape [S]: the sources' positions among all images."""
    values: ValuesByAttribute
    """The pairs of each attribute's values, both in the order in which they are shown."""

    def clean(self, pairs: EditPairs) -> NDArray[np.intp]:
        """Return the positions of the clean side of `pairs` among all counts, [P]."""
        return self.sources[pairs.sources] if pairs.clean is None else pairs.clean


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """A submission's figures, ratios, each of shape [B]: one entry a resample."""

    clean: Floats
    """mIoU on all sources."""
    accuracy: Floats
    """Pixel accuracy on all sources."""
    values: Mapping[str, Mapping[str, DropEstimate]]
    """By attribute and value."""
    attributes: Mapping[str, DropEstimate]
    """By attribute: means over its values."""
    overall: DropEstimate
    """Means over the attributes."""


def estimate(counts: PixelCounts, design: PairedDesign) -> Estimates:
    """Return the figures of the sample as drawn, each of shape [1]; see `resampled_estimates`."""
    return _weighted(counts, design, once_each(design.sources.size))


def resampled_estimates(
    counts: PixelCounts, design: PairedDesign, *, resamples: int, seed: int
) -> Estimates:
    """Return the figures of `resamples` draws of sources, the same draws for every submission.

    Args:
        counts: Counts [N, C] of all images and, after them, of sources under filtered labels.
        design: Which images are sources and edits.
        resamples: The number of draws; memory stays bounded whatever it is.
        seed: The seed of the draws.
    """
    chunks = [
        _weighted(counts, design, weights)
        for weights in resampled_weights(design.sources.size, resamples=resamples, seed=seed)
    ]
    if not chunks:
        return _weighted(counts, design, np.empty((0, design.sources.size)))
    return _joined(chunks)


def _weighted(counts: PixelCounts, design: PairedDesign, weights: Floats) -> Estimates:
    pooled = counts.at(design.sources).pooled(weights)
    values = {
        attribute: {
            value: value_drop(
                PairedCounts(
                    sources=pairs.sources,
                    clean=counts.at(design.clean(pairs)),
                    edited=counts.at(pairs.edits),
                ),
                weights,
            )
            for value, pairs in by_value.items()
        }
        for attribute, by_value in design.values.items()
    }
    attributes = {
        attribute: mean_drop(list(drops.values()), resamples=len(weights))
        for attribute, drops in values.items()
    }
    return Estimates(
        clean=mean_iou(pooled),
        accuracy=pixel_accuracy(pooled),
        values=values,
        attributes=attributes,
        overall=mean_drop(list(attributes.values()), resamples=len(weights)),
    )


def _joined(chunks: list[Estimates]) -> Estimates:
    first = chunks[0]
    return Estimates(
        clean=np.concatenate([chunk.clean for chunk in chunks]),
        accuracy=np.concatenate([chunk.accuracy for chunk in chunks]),
        values={
            attribute: {
                value: _joined_drops([chunk.values[attribute][value] for chunk in chunks])
                for value in drops
            }
            for attribute, drops in first.values.items()
        },
        attributes={
            attribute: _joined_drops([chunk.attributes[attribute] for chunk in chunks])
            for attribute in first.attributes
        },
        overall=_joined_drops([chunk.overall for chunk in chunks]),
    )


def _joined_drops(parts: list[DropEstimate]) -> DropEstimate:
    return DropEstimate(
        clean=np.concatenate([part.clean for part in parts]),
        edited=np.concatenate([part.edited for part in parts]),
        drop=np.concatenate([part.drop for part in parts]),
    )
