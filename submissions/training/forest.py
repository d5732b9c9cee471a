"""Trains the two forests of color-forest on composites and writes them as plain arrays.

python -m submissions.training.forest --output submissions/color-forest
"""

import importlib
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.ensemble import ExtraTreesClassifier

from submissions.training.composites import (
    DEFAULT_FOLDER,
    IGNORE,
    PHOTOGRAPHS,
    Collection,
    CompositeSet,
    class_indices,
    load_composites,
)
from submissions.training.scoring import intersection_over_union, mean_iou
from submissions.training.supplement import OTHER_ID

SUBMISSION = Path(__file__).parents[1] / "color-forest"
sys.path.insert(0, str(SUBMISSION))  # the folder stands alone, so it is no package
color_features = importlib.import_module("color_features")
walking = importlib.import_module("forest")

logger = logging.getLogger(__name__)

Plane = NDArray[np.float32]
PIXELS_A_SCENE = 120
"""Half of them background, so that small objects are learned too."""
CONTEXT_SCENES = 1200
"""Scenes the second forest learns from; each needs a prediction of the first."""
TREES = 28
LEAVES = 1500
SMALLEST_LEAF = 30
DEEPEST = 14
BACKGROUND_WEIGHT = 6.0
"""Makes up for the balanced sampling; chosen on held-out individuals and places."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Sampled pixels."""

    features: Plane
    """One row a pixel."""
    classes: NDArray[np.uint8]
    """Indices into the trained classes."""


def small_label(label: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a label at the size at which pixels are classified."""
    size = color_features.WIDTH, color_features.HEIGHT
    return np.asarray(Image.fromarray(label).resize(size, Image.Resampling.NEAREST))


def sampled(
    features: Plane, classes: NDArray[np.uint8], generator: np.random.Generator
) -> Examples:
    """Return some pixels of one scene, as many of objects as of background where it has both."""
    flat = classes.reshape(-1)
    chosen = [
        generator.choice(places, min(PIXELS_A_SCENE // 2, len(places)), replace=False)
        for places in (np.flatnonzero(flat == 0), np.flatnonzero((flat > 0) & (flat != IGNORE)))
        if len(places)
    ]
    rows = np.concatenate(chosen)
    return Examples(features=features.reshape(len(flat), -1)[rows], classes=flat[rows])


def gathered(parts: list[Examples]) -> Examples:
    """Return the examples of several scenes as one."""
    return Examples(
        features=np.concatenate([part.features for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
    )


def fitted(examples: Examples, trees: int, seed: int) -> ExtraTreesClassifier:
    """Return extremely randomised trees (Geurts et al., 2006), every class as important."""
    model = ExtraTreesClassifier(
        trees,
        max_leaf_nodes=LEAVES,
        max_depth=DEEPEST,
        min_samples_leaf=SMALLEST_LEAF,
        max_features=0.3,
        class_weight="balanced_subsample",
        bootstrap=True,
        n_jobs=2,
        random_state=seed,
    )
    model.fit(examples.features, examples.classes)
    return model.set_params(n_jobs=1)  # one scene is too little work to share


def as_arrays(models: list[ExtraTreesClassifier], stage: str) -> dict[str, NDArray[np.generic]]:
    """Return the trees of `models` as the flat arrays that the submission walks."""
    trees = [estimator.tree_ for model in models for estimator in model.estimators_]
    first = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    own = [np.arange(tree.node_count) for tree in trees]
    leaf = [tree.children_left < 0 for tree in trees]
    columns = {
        "feature": [np.where(end, 0, t.feature) for t, end in zip(trees, leaf, strict=True)],
        "threshold": [t.threshold for t in trees],
        "left": [
            np.where(end, node, t.children_left) + start
            for t, end, node, start in zip(trees, leaf, own, first, strict=True)
        ],
        "right": [
            np.where(end, node, t.children_right) + start
            for t, end, node, start in zip(trees, leaf, own, first, strict=True)
        ],
        "shares": [_shares(t.value[:, 0]) for t in trees],
    }
    kinds = {"feature": np.uint8, "threshold": np.float32, "left": np.int32, "right": np.int32}
    arrays: dict[str, NDArray[np.generic]] = {
        f"{stage}_{name}": np.concatenate(parts).astype(kinds.get(name, np.uint8))
        for name, parts in columns.items()
    }
    arrays[f"{stage}_roots"] = first.astype(np.int32)
    arrays[f"{stage}_depth"] = np.array(max(tree.max_depth for tree in trees), dtype=np.int32)
    return arrays


def _shares(value: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(255 * value / value.sum(axis=1, keepdims=True)).astype(np.uint8)


def train(scenes: CompositeSet, seed: int) -> dict[str, NDArray[np.generic]]:
    """Return both forests as arrays.

    The first is two half forests, each grown on half of the scenes; the second learns from what a
    half forest says of scenes that it has not seen, as it will be in use.
    """
    generator = np.random.default_rng(seed)
    indices = class_indices(scenes.class_ids)
    examples: tuple[list[Examples], list[Examples]] = ([], [])
    for number in range(len(scenes)):
        features, classes = _seen(scenes, number, indices)
        examples[number % 2].append(sampled(features, classes, generator))
    halves = [fitted(gathered(part), TREES // 2, seed + i) for i, part in enumerate(examples)]
    logger.info("the first forest stands")
    second = []
    for number in range(min(CONTEXT_SCENES, len(scenes))):
        features, classes = _seen(scenes, number, indices)
        rows = features.reshape(-1, features.shape[2])
        shares = halves[1 - number % 2].predict_proba(rows).astype(np.float32)
        around = color_features.context_features(shares.reshape(*classes.shape, -1))
        both = np.concatenate([features, around], axis=2)
        second.append(sampled(both, classes, generator))
    context = fitted(gathered(second), TREES, seed + 2)
    weights = np.ones(len(scenes.class_ids), dtype=np.float32)
    weights[0] = BACKGROUND_WEIGHT
    weights[[c == OTHER_ID for c in scenes.class_ids]] = 0
    return {
        **as_arrays(halves, "colors"),
        **as_arrays([context], "context"),
        "class_ids": np.array(scenes.class_ids, dtype=np.uint8),
        "weights": weights,
    }


def _seen(
    scenes: CompositeSet, number: int, indices: NDArray[np.uint8]
) -> tuple[Plane, NDArray[np.uint8]]:
    """Return the features and the class indices of a scene."""
    view = scenes.view(number)
    features = color_features.color_features(color_features.small_lab(view.image))
    return features, indices[small_label(view.label)]


def validate(file: Path, scenes: CompositeSet) -> str:
    """Return a line with the IoU of every class that `scenes` shows."""
    forest = walking.load_color_forest(file)
    counts = np.zeros((256, 256), dtype=np.int64)
    for number in range(len(scenes)):
        view = scenes.view(number)
        known = view.label != IGNORE
        np.add.at(counts, (view.label[known], forest.class_ids_of(view.image)[known]), 1)
    scores = intersection_over_union(counts)
    shown = [c for c in scenes.class_ids if c != OTHER_ID]
    by_class = " ".join(f"{c}:{scores[c]:.2f}" for c in shown)
    return f"held-out mIoU {mean_iou(scores[shown]):.3f}: {by_class}"


@click.command()
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Its folder.")
@click.option(
    "--scenes",
    type=click.Choice([Collection.ALL, Collection.PRACTICE], case_sensitive=False),
    default=Collection.ALL,
    show_default=True,
    help="practice leaves some individuals out and reports how the forest does on them.",
)
@click.option("--seed", default=0, show_default=True)
@click.option("--composites", type=click.Path(path_type=Path), default=DEFAULT_FOLDER)
def main(*, output: Path, scenes: Collection, seed: int, composites: Path) -> None:
    """Train the forests and write OUTPUT/forest.npz."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    began = time.monotonic()
    shown = load_composites(Collection(scenes), composites)
    arrays = train(shown, seed)
    output.mkdir(parents=True, exist_ok=True)
    (output / PHOTOGRAPHS).write_text(shown.photographs, encoding="utf-8")
    target = output / "forest.npz"
    np.savez_compressed(target, **arrays)
    minutes = (time.monotonic() - began) / 60
    click.echo(f"{target}: {target.stat().st_size / 2**20:.1f} MiB after {minutes:.1f} min")
    if scenes == Collection.PRACTICE:
        click.echo(validate(target, load_composites(Collection.STRANGERS, composites)))


if __name__ == "__main__":
    main()
