"""Two random forests over colours, walked with NumPy; the second also sees the first's opinion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from color_features import box_mean, color_features, context_features, small_lab
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]

SMOOTHING_RADIUS = 4
SMOOTHING_EPSILON = 1e-3
"""How much contrast the smoothing of class shares respects: variance of Lab / 100."""


@dataclass(frozen=True, kw_only=True)
class Forest:
    """Decision trees as flat arrays over all nodes; a leaf leads to itself."""

    roots: NDArray[np.int32]
    """The first node of every tree."""
    feature: NDArray[np.int32]
    """Which feature a node asks about."""
    threshold: NDArray[np.float32]
    """The largest value that goes left."""
    children: NDArray[np.int32]
    """The next node of node i: at 2 i if the value is larger, at 2 i + 1 if it is not."""
    shares: NDArray[np.uint8]
    """Class shares of the training pixels that reached a node, in 255ths, [nodes, classes]."""
    depth: int
    """The longest way from a root to a leaf."""

    def predict(self, features: Plane) -> Plane:
        """Return class shares [H, W, K] for features [H, W, F], the mean over the trees."""
        height, width, count = features.shape
        values = features.reshape(-1)
        starts = np.arange(height * width, dtype=np.int32) * count
        total = np.zeros((height * width, self.shares.shape[1]), dtype=np.float32)
        for root in self.roots:
            total += self.shares.take(self._leaves(root, values, starts), axis=0)
        return (total / (255 * len(self.roots))).reshape(height, width, -1)

    def _leaves(
        self, root: np.int32, values: NDArray[np.float32], starts: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Return the leaf that every pixel reaches; pixels that have reached theirs rest."""
        reached = np.full(len(starts), root, dtype=np.int32)
        walking = np.arange(len(starts), dtype=np.int32)
        node = reached
        for _ in range(self.depth):
            asked = values.take(starts + self.feature.take(node))
            goes_left = asked <= self.threshold.take(node)
            node = self.children.take(2 * node + goes_left)
            reached[walking] = node
            goes_on = self.children.take(2 * node) != node
            walking, node, starts = walking[goes_on], node[goes_on], starts[goes_on]
        return reached


@dataclass(frozen=True, kw_only=True)
class ColorForest:
    """The whole classifier."""

    colors: Forest
    """Judges a pixel by colours."""
    context: Forest
    """Judges it again, knowing what the first thinks of its surroundings."""
    class_ids: NDArray[np.uint8]
    """The class id of every share."""
    weights: Plane
    """What the shares are multiplied by before the largest wins."""

    def class_shares(self, image: NDArray[np.uint8]) -> Plane:
        """Return smoothed class shares at the working size."""
        lab = small_lab(image)
        features = color_features(lab)
        first = self.colors.predict(features)
        second = self.context.predict(np.concatenate([features, context_features(first)], axis=2))
        return guided_smoothing(second, lab[..., 0])

    def class_ids_of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the class id of every pixel of an RGB image."""
        shares = self.class_shares(image) * self.weights
        size = image.shape[1], image.shape[0]
        full = [
            np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))
            for plane in np.ascontiguousarray(np.moveaxis(shares, 2, 0))
        ]
        return self.class_ids[np.argmax(full, axis=0)]


def guided_smoothing(shares: Plane, guide: Plane) -> Plane:
    """Return shares smoothed within, not across, the edges of `guide` (He et al., 2010)."""
    guide = guide[..., None]
    mean_guide = box_mean(guide, SMOOTHING_RADIUS)
    mean_shares = box_mean(shares, SMOOTHING_RADIUS)
    variance = box_mean(guide**2, SMOOTHING_RADIUS) - mean_guide**2
    covariance = box_mean(guide * shares, SMOOTHING_RADIUS) - mean_guide * mean_shares
    slope = covariance / (variance + SMOOTHING_EPSILON)
    offset = mean_shares - slope * mean_guide
    return box_mean(slope, SMOOTHING_RADIUS) * guide + box_mean(offset, SMOOTHING_RADIUS)


def load_color_forest(path: Path) -> ColorForest:
    """Return the classifier that the training script wrote to `path`."""
    with np.load(path, allow_pickle=False) as arrays:
        return ColorForest(
            colors=_forest(arrays, "colors"),
            context=_forest(arrays, "context"),
            class_ids=arrays["class_ids"],
            weights=arrays["weights"],
        )


def _forest(arrays: Mapping[str, NDArray[Any]], stage: str) -> Forest:
    return Forest(
        roots=arrays[f"{stage}_roots"],
        feature=arrays[f"{stage}_feature"].astype(np.int32),
        threshold=arrays[f"{stage}_threshold"],
        children=np.stack([arrays[f"{stage}_right"], arrays[f"{stage}_left"]], axis=1).reshape(-1),
        shares=arrays[f"{stage}_shares"],
        depth=int(arrays[f"{stage}_depth"]),
    )
