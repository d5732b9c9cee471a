"""A semantic-segmentation model of transformers as the noise filter's; nothing of the filter."""

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate
from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

from harness.acceptance.loss_reader import (
    LOSSES_IN_A_NAT,
    MAX_LOSS,
    LossMap,
    LossRequest,
    LossSink,
    asked_name,
)
from harness.acceptance.semantic_tiny import make_tiny_semantic_model
from harness.checkpoints.checkpoint import find_checkpoint
from harness.checkpoints.loading import telling_of_weights
from harness.checkpoints.place import WeightsPlace
from harness.checkpoints.quiet import quiet_transformers
from harness.errors import DeviceError, RecipeError, WeightsError
from harness.records.acceptance import NoiseRule
from harness.records.base import canonical_json, sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.prompts import TINY

TITLE = "the noise filter's model"
_ANOTHER = (
    "Name a model for semantic segmentation in [acceptance.noise]: SegFormer, UperNet, BEiT, DPT."
)
_CLASSES_AT_ONCE = 16
"""How many classes are enlarged to the image's size together: memory stays that of a few planes."""
_SHOWN_NAMES = 200


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """A model as transformers has it; both are of a class chosen by the checkpoint."""

    network: Any
    processor: Any
    digests: Mapping[str, str]


class SemanticModel:
    """A `LossReader` over a model of transformers.

    One image is one pass, so that no image's losses depend on its neighbours. Logits are enlarged
    bilinearly to the image's size before the softmax, as the models' own evaluation does.
    """

    def __init__(self, parts: _Parts, rule: NoiseRule, *, device: torch.device) -> None:
        """Take a loaded model; `open_semantic_model` loads one."""
        self._network = parts.network.to(device).eval()
        self._processor = parts.processor
        self._device = device
        self._rule = rule
        self._names = {int(i): str(name) for i, name in parts.network.config.id2label.items()}
        self.digests = dict(parts.digests)

    @property
    def identity(self) -> str:
        """A digest of the model's bytes, the classes' names and what it computes on."""
        gpu = self._device.type == "cuda"
        kind = torch.cuda.get_device_name(self._device) if gpu else self._device.type
        versions = [torch.__version__, transformers.__version__]
        maps = [sorted(self._names.items()), sorted(self._rule.class_map.items())]
        parts = [sorted(self.digests.items()), maps, kind, versions]
        return sha256_hex(canonical_json(parts))

    def check_classes(self, class_names: Iterable[str]) -> None:
        """Raise where a class is none of the model's.

        Raises:
            RecipeError: Names those that are missing, and those the model has.
        """
        missing = sorted({name for name in class_names if not self._ids(name)})
        if missing:
            own = sorted(self._names.values())
            listed = ", ".join(own[:_SHOWN_NAMES]) + (", …" if len(own) > _SHOWN_NAMES else "")
            said = ", ".join(asked_name(self._rule, name) for name in missing)
            msg = f"{TITLE}, {self._rule.model}, has no class for {said}; its classes are {listed}"
            raise RecipeError(
                msg, remedy="Say which of its classes is meant in [acceptance.noise.class_map]."
            )

    def read(self, requests: Iterable[LossRequest], *, on_loss: LossSink) -> None:
        """Call `on_loss` once for each request, in their order.

        Raises:
            RecipeError: A class is none of the model's.
            WeightsError: The model gives no logits, or none that are numbers.
            DeviceError: The device has too little memory.
        """
        for request in requests:
            self.check_classes((request.class_name,))
            with Image.open(io.BytesIO(request.png)) as opened:
                image = np.asarray(opened.convert("RGB"))
            on_loss(LossMap(id=request.id, losses=self._losses(image, request.class_name)))

    def _ids(self, class_name: str) -> tuple[int, ...]:
        wanted = _plain(self._rule.class_map.get(class_name, class_name))
        return tuple(i for i, name in sorted(self._names.items()) if _plain(name) == wanted)

    def _losses(self, image: NDArray[np.uint8], class_name: str) -> NDArray[np.uint16]:
        try:
            with torch.inference_mode():
                logits = self._logits(image)
                losses = class_losses(logits, self._ids(class_name), size=image.shape[:2])
                found: NDArray[np.uint16] = losses.numpy()
                return found
        except torch.OutOfMemoryError as error:
            height, width = image.shape[:2]
            msg = f"{self._device} has too little memory for {TITLE} and {width}x{height} pixels"
            raise DeviceError(msg, remedy="Take another device, or a smaller model.") from error

    def _logits(self, image: NDArray[np.uint8]) -> torch.Tensor:
        """Return the classes' logits, [C, h, w] at the network's own size."""
        inputs = self._processor(images=image, return_tensors="pt")
        pixels = inputs["pixel_values"].to(self._device, torch.float32)
        logits = getattr(self._network(pixel_values=pixels), "logits", None)
        if logits is None or logits.ndim != 4 or logits.shape[1] != len(self._names):
            msg = f"{TITLE}, {self._rule.model}, gives no logits of its {len(self._names)} classes"
            raise WeightsError(msg, remedy=_ANOTHER)
        if not torch.isfinite(logits).all():
            msg = f"{TITLE}, {self._rule.model}, gives logits that are no numbers"
            raise WeightsError(msg, remedy=_ANOTHER)
        found: torch.Tensor = logits[0]
        return found


def class_losses(
    logits: torch.Tensor, class_ids: tuple[int, ...], *, size: tuple[int, int]
) -> torch.Tensor:
    """Return -log of the softmax probability of `class_ids` together, [H, W] uint16.

    Args:
        logits: [C, h, w], of any size.
        class_ids: The channels whose probabilities are added.
        size: Height and width of the result in pixels.

    Returns:
        Thousandths of a nat, rounded to nearest, on the CPU; 65535 also stands for whatever is
        greater.
    """
    whole = _log_sum(logits, tuple(range(len(logits))), size=size)
    nats = whole - _log_sum(logits, class_ids, size=size)
    thousandths = torch.round(nats.double() * LOSSES_IN_A_NAT).clamp(0, MAX_LOSS)
    return thousandths.to(torch.int32).cpu().to(torch.uint16)  # GPUs compute little in uint16


def _log_sum(
    logits: torch.Tensor, channels: tuple[int, ...], *, size: tuple[int, int]
) -> torch.Tensor:
    """Return log of the sum of exp over `channels`, each enlarged to `size`, [H, W]."""
    total = torch.full(size, -torch.inf, dtype=logits.dtype, device=logits.device)
    for start in range(0, len(channels), _CLASSES_AT_ONCE):
        chosen = logits[list(channels[start : start + _CLASSES_AT_ONCE])]
        enlarged = interpolate(chosen[None], size=size, mode="bilinear", align_corners=False)[0]
        total = torch.logaddexp(total, enlarged.logsumexp(dim=0))
    return total


def open_semantic_model(
    rule: NoiseRule, label_space: LabelSpace, *, place: WeightsPlace, device: torch.device
) -> SemanticModel:
    """Return the model that `rule` names; `tiny` is made of random numbers on the spot.

    Args:
        rule: Names the model and says which of its classes are meant.
        label_space: The benchmark's; a `tiny` model has its classes.
        place: Where the model is looked for.
        device: Where it computes.

    Raises:
        WeightsError: It is nowhere, other than promised, or no model for semantic segmentation.
        DeviceError: The device has too little memory.
    """
    if rule.model == TINY:
        tiny = make_tiny_semantic_model(
            tuple(dict.fromkeys(rule.class_map.get(c.name, c.name) for c in label_space.classes))
        )
        digests = {TINY: tiny.digest}
        parts = _Parts(network=tiny.network, processor=tiny.processor, digests=digests)
    else:
        found = find_checkpoint(rule, title=TITLE, place=place)
        parts = _load(found.folder, found.digests)
    return SemanticModel(parts, rule, device=device)


def _load(folder: Path, digests: Mapping[str, str]) -> _Parts:
    with quiet_transformers(), telling_of_weights(TITLE, remedy=_ANOTHER):
        network, told = AutoModelForSemanticSegmentation.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
        # Pillow's resampling: pixels must not depend on whether torchvision is there.
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
    absent = sorted([*told["missing_keys"], *told["mismatched_keys"]], key=str)
    if absent:  # transformers would fill them with random numbers
        msg = f"{TITLE} is none for semantic segmentation: it has no weights for {absent[0]}"
        raise WeightsError(msg, remedy=_ANOTHER)
    if getattr(processor, "do_pad", False):
        msg = f"{TITLE} pads its images, so its answers don't lie over them"
        raise WeightsError(msg, remedy="Set `do_pad` to false in its preprocessor_config.json.")
    if getattr(processor, "do_center_crop", False):
        processor.do_center_crop = False  # what is cut off would have no loss
    return _Parts(network=network, processor=processor, digests=digests)


def _plain(name: str) -> str:
    """Return `name` without what data sets spell otherwise: case, spaces, hyphens, underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()
