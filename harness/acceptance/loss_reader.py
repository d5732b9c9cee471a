"""What the noise filter asks a segmentation model for; nothing of any model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.errors import RecipeError
from harness.records.acceptance import NoiseRule
from harness.records.label_space import LabelSpace

LOSSES_IN_A_NAT = 1000
"""Losses are whole thousandths of a nat, so that sums of them are exact in any order."""
MAX_LOSS = 65535
"""The greatest loss that is told; it also stands for whatever is greater."""


@dataclass(frozen=True, kw_only=True)
class LossRequest:
    """One image and the class whose loss is wanted at each of its pixels."""

    id: str
    """What the answer is known by; opaque to the model, unique among the requests."""
    png: bytes
    """The image's PNG file."""
    class_name: str
    """The class's name in the benchmark's label space."""


@dataclass(frozen=True, kw_only=True)
class LossMap:
    """The answer to one request."""

    id: str
    """The request's id."""
    losses: NDArray[np.uint16]
    """-log of the class's probability at each pixel in thousandths of a nat, [H, W]."""


LossSink = Callable[[LossMap], None]
"""Takes one answer."""


class LossReader(Protocol):
    """A segmentation model that says how improbable a class is at each pixel."""

    @property
    def digests(self) -> Mapping[str, str]:
        """The sha256 of each of the model's files, or of its image under `image`."""
        ...

    @property
    def identity(self) -> str:
        """A digest of everything its losses depend on but the image: bytes, classes, device."""
        ...

    def check_classes(self, class_names: Iterable[str]) -> None:
        """Raise where a class of the benchmark is none of the model's.

        Raises:
            RecipeError: Names those that are missing, and those the model has.
        """
        ...

    def read(self, requests: Iterable[LossRequest], *, on_loss: LossSink) -> None:
        """Call `on_loss` once for each request, in any order.

        Requests are drawn as they can be worked on, so memory stays flat.

        Raises:
            RecipeError: A class is none of the model's.
            WeightsError: The model is not the promised one or gives no probabilities.
            DeviceError: The device has too little memory.
            SubmissionFailedError: The submission failed.
            EngineError: The container engine is down or refuses.
            RunInterruptedError: The engine was lost meanwhile.
        """
        ...


def check_class_map(rule: NoiseRule, label_space: LabelSpace) -> None:
    """Raise where the class map names a class that the benchmark has not.

    Raises:
        RecipeError: Names it, and those the label space has.
    """
    unknown = sorted(name for name in rule.class_map if label_space.by_name(name) is None)
    if unknown:
        msg = (
            f"[acceptance.noise.class_map] names {', '.join(unknown)}, which is no class of the "
            f"label space {label_space.name!r}"
        )
        names = ", ".join(c.name for c in label_space.classes)
        raise RecipeError(msg, remedy=f"Its keys are the label's classes: {names}.")


def asked_name(rule: NoiseRule, class_name: str) -> str:
    """Return `class_name` for a message, with the model's name for it where the rule gives one."""
    mapped = rule.class_map.get(class_name)
    return class_name if mapped is None else f"{class_name} (as {mapped!r})"
