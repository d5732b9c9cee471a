"""mIoU drops between sources and their edits; nothing of where counts come from or of ranks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.metrics.iou import Floats, PixelCounts, divided, mean_defined, mean_iou


@dataclass(frozen=True, kw_only=True)
class PairedCounts:
    """A submission's counts on the accepted edits of one value and on their own sources."""

    sources: NDArray[np.intp]
    """Shape [P]: the position of each pair's source among all sources."""
    clean: PixelCounts
    """Counts [P, C] on the sources, under the label of the edit where that was filtered."""
    edited: PixelCounts
    """Counts [P, C] on the edits, row by row those of the sources."""


@dataclass(frozen=True, kw_only=True)
class DropEstimate:
    """Clean mIoU, edited mIoU and drop, ratios, each of shape [B]: one entry a resample."""

    clean: Floats
    """mIoU on the sources."""
    edited: Floats
    """mIoU on their edits."""
    drop: Floats
    """Clean minus edited."""

    @property
    def relative(self) -> Floats:
        """The drop divided by the clean mIoU."""
        return divided(self.drop, self.clean)


def value_drop(pairs: PairedCounts, weights: Floats) -> DropEstimate:
    """Return the drop of one value: mIoU of the sources minus mIoU of their edits.

    Both sides average the same classes: those that occur in the labels of both. An edit that moves
    nothing and its source are judged by one label, the filtered one where pixels of it were
    voided, so that equal predictions drop by nothing and these are the label's classes. An object
    that is moved or enlarged has a label of its own, filtered or not, whose pixels are not the
    source's: the source keeps its own. There the edit may cover another class, and a class that
    is nowhere left to be found can't be compared.

    Args:
        pairs: The pairs of this value.
        weights: Shape [B, S]: how often each of all sources is drawn in each resample; its
            edits are drawn with it.
    """
    drawn = weights[:, pairs.sources]
    clean, edited = pairs.clean.pooled(drawn), pairs.edited.pooled(drawn)
    classes = (clean.labelled > 0) & (edited.labelled > 0)
    clean_miou, edited_miou = mean_iou(clean, classes), mean_iou(edited, classes)
    return DropEstimate(clean=clean_miou, edited=edited_miou, drop=clean_miou - edited_miou)


def mean_drop(parts: Sequence[DropEstimate], *, resamples: int) -> DropEstimate:
    """Return the mean of those `parts` that are defined, of shape [resamples].

    Values make an attribute, attributes make the overall drop; so attributes weigh the same
    however many values they have (DESIGN.md, Scores). Of no parts nothing is defined.
    """
    shape = (len(parts), resamples)
    return DropEstimate(
        clean=mean_defined(np.array([part.clean for part in parts]).reshape(shape)),
        edited=mean_defined(np.array([part.edited for part in parts]).reshape(shape)),
        drop=mean_defined(np.array([part.drop for part in parts]).reshape(shape)),
    )
