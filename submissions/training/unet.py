"""Trains the network of mini-unet (plain) or mini-unet-augmented, and exports it to ONNX.

python -m submissions.training.unet --augment none --output submissions/mini-unet
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from submissions.training.appearance import mild_change, strong_change
from submissions.training.composites import (
    DEFAULT_FOLDER,
    IGNORE,
    PHOTOGRAPHS,
    Collection,
    CompositeSet,
    class_indices,
    load_composites,
)
from submissions.training.encoder import load_published, published_weights
from submissions.training.export import export_onnx
from submissions.training.geometry import View, random_view
from submissions.training.network import OUTPUT_STRIDE, SmallUNet, parameter_count
from submissions.training.scoring import intersection_over_union, mean_iou

logger = logging.getLogger(__name__)

BATCH = 16
PEAK_RATE = 2e-3
WEIGHT_DECAY = 0.02
WARM_UP_STEPS = 50
AVERAGE_DECAY = 0.99
"""Of the moving average of the weights, which is what gets exported."""
DICE_SHARE = 0.5
"""The weight of the Dice loss beside cross-entropy: it does not care how large a class is."""
REPORT_EVERY = 100


class Augmentation(StrEnum):
    """Which examples training sees."""

    NONE = "none"
    """Geometry and slight exposure only: colours and textures stay as photographed."""
    STRONG = "strong"
    """Also other colours, textures, light and rendering."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Examples of one optimisation step."""

    pixels: Tensor
    """RGB 0-255, [N, 3, H, W]."""
    classes: Tensor
    """Indices into the trained classes, or IGNORE, at the network's output resolution."""


def batches(
    scenes: CompositeSet, augmentation: Augmentation, generator: np.random.Generator
) -> Iterator[Batch]:
    """Yield random batches without end."""
    indices = class_indices(scenes.class_ids)
    while True:
        views = [_example(scenes, augmentation, generator) for _ in range(BATCH)]
        yield _batch(views, indices, generator.integers(OUTPUT_STRIDE, size=2))


def _example(
    scenes: CompositeSet, augmentation: Augmentation, generator: np.random.Generator
) -> View:
    """Return one scene, changed at random."""
    view = random_view(scenes.view(int(generator.integers(len(scenes)))), generator)
    if augmentation is Augmentation.STRONG:
        donor = scenes.view(int(generator.integers(len(scenes)))).image
        return strong_change(view, donor, generator)
    return mild_change(view, generator)


def _batch(views: list[View], indices: NDArray[np.uint8], offset: NDArray[np.int64]) -> Batch:
    """Return views as tensors; labels are thinned out from a random offset, so without bias."""
    images = np.stack([view.image for view in views])
    labels = np.stack([view.label for view in views])
    thinned = indices[labels[:, offset[0] :: OUTPUT_STRIDE, offset[1] :: OUTPUT_STRIDE]]
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return Batch(
        pixels=pixels.contiguous(memory_format=torch.channels_last),
        classes=torch.from_numpy(thinned.astype(np.int64)),
    )


def segmentation_loss(scores: Tensor, classes: Tensor, weights: Tensor) -> Tensor:
    """Return weighted cross-entropy plus Dice loss over the classes that the batch shows."""
    entropy = functional.cross_entropy(scores, classes, weight=weights, ignore_index=IGNORE)
    known = (classes != IGNORE)[:, None]
    truth = functional.one_hot(classes.where(known[:, 0], 0), scores.shape[1])
    truth = truth.permute(0, 3, 1, 2).to(scores.dtype) * known
    shares = scores.softmax(dim=1) * known
    overlap = (shares * truth).sum(dim=(0, 2, 3))
    total = shares.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    dice = 1 - (2 * overlap[present] / total[present]).mean()
    return entropy + DICE_SHARE * dice


def rate_at(step: int, steps: int) -> float:
    """Return the learning rate: a short warm-up, then half a cosine down to zero."""
    warm = min(1.0, (step + 1) / min(WARM_UP_STEPS, steps / 5))
    return PEAK_RATE * warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def fresh_network(classes: int) -> SmallUNet:
    """Return a network that knows what ImageNet taught its encoder, and nothing else.

    The encoder stays as it is, batch statistics included: from few individuals it would learn
    those individuals.
    """
    network = SmallUNet(classes)
    load_published(network.encoder, torch.load(published_weights(), weights_only=True))
    network.encoder.requires_grad_(requires_grad=False)
    network.train()
    network.encoder.eval()
    return network.to(memory_format=torch.channels_last)


def train(
    scenes: CompositeSet,
    *,
    augmentation: Augmentation,
    steps: int,
    seed: int,
    report: Callable[[int, float, SmallUNet], None],
) -> SmallUNet:
    """Return a network trained for `steps` batches; its weights are a moving average."""
    torch.manual_seed(seed)
    network = fresh_network(len(scenes.class_ids))
    average = AveragedModel(network, avg_fn=_moving_average, use_buffers=True)
    learnt = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, weight_decay=WEIGHT_DECAY)
    weights = torch.from_numpy(scenes.class_weights())
    supply = batches(scenes, augmentation, np.random.default_rng(seed))
    for step in range(steps):
        batch = next(supply)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = network(batch.pixels)
        loss = segmentation_loss(scores.float(), batch.classes, weights)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learnt, 5.0)
        optimizer.step()
        average.update_parameters(network)
        report(step, loss.item(), average.module)
    return average.module.eval()


def _moving_average(average: Tensor, latest: Tensor, count: Tensor | int) -> Tensor:
    """Return the running mean of few values, an exponential one of many."""
    decay = min(AVERAGE_DECAY, (1 + int(count)) / (10 + int(count)))
    return average + (1 - decay) * (latest - average)


@torch.inference_mode()
def validate(
    network: nn.Module, scenes: CompositeSet, class_ids: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return the IoU of `class_ids` over `scenes`, at the network's resolution.

    Classes that `scenes` doesn't show are undefined, however often they are answered.
    """
    network.eval()
    counts = np.zeros((len(class_ids),) * 2, dtype=np.int64)
    indices = class_indices(class_ids)
    for start in range(0, len(scenes), BATCH):
        views = [scenes.view(i) for i in range(start, min(start + BATCH, len(scenes)))]
        batch = _batch(views, indices, np.zeros(2, dtype=np.int64))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = network(batch.pixels).argmax(dim=1).numpy()
        truth = batch.classes.numpy()
        known = truth != IGNORE
        np.add.at(counts, (truth[known], predicted[known]), 1)
    scores = intersection_over_union(counts)
    scores[counts.sum(axis=1) == 0] = np.nan
    return scores


@click.command()
@click.option("--augment", type=click.Choice(Augmentation, case_sensitive=False), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Its folder.")
@click.option(
    "--scenes",
    type=click.Choice([Collection.ALL, Collection.PRACTICE], case_sensitive=False),
    default=Collection.ALL,
    show_default=True,
    help="practice leaves some individuals out and reports how the network does on them.",
)
@click.option("--steps", default=1000, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--composites", type=click.Path(path_type=Path), default=DEFAULT_FOLDER)
def main(
    *,
    augment: Augmentation,
    output: Path,
    scenes: Collection,
    steps: int,
    seed: int,
    composites: Path,
) -> None:
    """Train one of the two networks and write OUTPUT/unet.onnx."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cv2.setNumThreads(1)
    shown = load_composites(Collection(scenes), composites)
    strangers = None
    if scenes == Collection.PRACTICE:
        strangers = load_composites(Collection.STRANGERS, composites)
    output.mkdir(parents=True, exist_ok=True)
    target = output / "unet.onnx"
    report = _reporter(steps, target, shown.class_ids, strangers)
    (output / PHOTOGRAPHS).write_text(shown.photographs, encoding="utf-8")
    network = train(shown, augmentation=augment, steps=steps, seed=seed, report=report)
    size = target.stat().st_size / 2**20
    click.echo(f"{target}: {parameter_count(network):,} parameters, {size:.1f} MiB")


def _reporter(
    steps: int, target: Path, class_ids: tuple[int, ...], strangers: CompositeSet | None
) -> Callable[[int, float, SmallUNet], None]:
    """Return what logs progress and keeps the network, so that a stopped training leaves one."""
    began = time.monotonic()

    def report(step: int, loss: float, network: SmallUNet) -> None:
        if (step + 1) % REPORT_EVERY and step + 1 != steps:
            return
        minutes = (time.monotonic() - began) / 60
        logger.info("step %d of %d, %.1f min, loss %.3f", step + 1, steps, minutes, loss)
        export_onnx(network, class_ids, target)
        if strangers is not None:
            scores = validate(network, strangers, class_ids)
            by_class = " ".join(f"{c}:{v:.2f}" for c, v in zip(class_ids, scores, strict=True))
            logger.info("held-out mIoU %.3f: %s", mean_iou(scores), by_class)

    return report


if __name__ == "__main__":
    main()
