"""ESPNet (Mehta et al., ECCV 2018) as a torch module; knows nothing of files or images.

Modules carry the names that the tensors of the published checkpoints have, so a state dict loads
strictly. Sections are those of the paper, arXiv 1803.06815.
"""

from collections import OrderedDict
from itertools import accumulate

import torch
from torch import Tensor, nn

DILATIONS = (1, 2, 4, 8, 16)
"""The rates of an ESP block's parallel branches (section 3.1, K = 5)."""
BATCH_NORM_EPSILON = 1e-3
"""The checkpoints' batch statistics belong to this constant, not to torch's default of 1e-5."""


def _convolution(
    inputs: int, outputs: int, size: int, *, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return a bias-free convolution that keeps the resolution at stride 1."""
    padding = dilation * (size // 2)
    layer = nn.Conv2d(
        inputs, outputs, size, stride=stride, padding=padding, dilation=dilation, bias=False
    )
    return nn.Sequential(OrderedDict(conv=layer))


def _doubling(channels: int) -> nn.ConvTranspose2d:
    """Return a learned up-sampling to twice the resolution."""
    return nn.ConvTranspose2d(channels, channels, 2, stride=2, bias=False)


def _normalised(channels: int) -> nn.Sequential:
    """Return batch normalisation followed by a PReLU with one slope a channel."""
    return nn.Sequential(
        OrderedDict(bn=nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON), act=nn.PReLU(channels))
    )


def _normalised_convolution(
    inputs: int, outputs: int, size: int, *, stride: int = 1
) -> nn.Sequential:
    """Return a convolution with batch normalisation and PReLU."""
    layers = OrderedDict(_convolution(inputs, outputs, size, stride=stride).named_children())
    layers.update(_normalised(outputs).named_children())
    return nn.Sequential(layers)


class SpatialPyramid(nn.Module):
    """Reduce, split, transform, merge: the inside of an ESP module (section 3.1).

    The K = 5 branches share `outputs` evenly; what is left over goes to the undilated one. Merging
    adds the dilated branches up one after the other before concatenation (hierarchical feature
    fusion), which removes the gridding that large dilations cause.
    """

    def __init__(self, inputs: int, outputs: int, *, size: int = 1, stride: int = 1) -> None:
        super().__init__()
        share = outputs // len(DILATIONS)
        first = outputs - share * (len(DILATIONS) - 1)
        self.c1 = _convolution(inputs, share, size, stride=stride)
        for rate in DILATIONS:
            width = first if rate == 1 else share
            self.add_module(f"d{rate}", _convolution(share, width, 3, dilation=rate))

    def pyramid(self, features: Tensor) -> Tensor:
        """Return the merged branches, before normalisation."""
        reduced = self.c1(features)
        plain, *dilated = (self.get_submodule(f"d{rate}")(reduced) for rate in DILATIONS)
        return torch.cat([plain, *accumulate(dilated, torch.add)], dim=1)


class StridedPyramid(SpatialPyramid):
    """An ESP module that halves the resolution (section 3.3)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, size=3, stride=2)
        self.bn = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON)
        self.act = nn.PReLU(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return features at half the resolution."""
        return self.act(self.bn(self.pyramid(features)))


class MergingPyramid(SpatialPyramid):
    """An ESP module between different widths, hence without a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.bn = _normalised(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same resolution in another width."""
        return self.bn(self.pyramid(features))


class ResidualPyramid(MergingPyramid):
    """An ESP module with its shortcut (figure 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return self.bn(features + self.pyramid(features))


class Encoder(nn.Module):
    """ESPNet-C: three resolutions, each reinforced by the shrunk input (figure 4)."""

    def __init__(self, classes: int, *, level2_depth: int, level3_depth: int) -> None:
        super().__init__()
        self.halve = nn.AvgPool2d(3, stride=2, padding=1)
        self.level1 = _normalised_convolution(3, 16, 3, stride=2)
        self.b1 = _normalised(16 + 3)
        self.level2_0 = StridedPyramid(16 + 3, 64)
        self.level2 = nn.Sequential(*(ResidualPyramid(64) for _ in range(level2_depth)))
        self.b2 = _normalised(64 + 64 + 3)
        self.level3_0 = StridedPyramid(64 + 64 + 3, 128)
        self.level3 = nn.Sequential(*(ResidualPyramid(128) for _ in range(level3_depth)))
        self.b3 = _normalised(128 + 128)
        self.classifier = _convolution(256, classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features at 1/2 and 1/4 and class scores at 1/8 of the resolution."""
        half = self.halve(image)
        first = self.b1(torch.cat([self.level1(image), half], dim=1))
        entered = self.level2_0(first)
        second = self.b2(torch.cat([self.level2(entered), entered, self.halve(half)], dim=1))
        entered = self.level3_0(second)
        third = self.b3(torch.cat([entered, self.level3(entered)], dim=1))
        return first, second, self.classifier(third)


class ESPNet(nn.Module):
    """ESPNet with its light decoder (figure 4d): class scores at the input's own resolution."""

    def __init__(self, classes: int, *, level2_depth: int = 2, level3_depth: int = 8) -> None:
        super().__init__()
        self.encoder = Encoder(classes, level2_depth=level2_depth, level3_depth=level3_depth)
        self.br = nn.BatchNorm2d(classes, eps=BATCH_NORM_EPSILON)
        self.up_l3 = nn.Sequential(_doubling(classes))
        self.level3_C = _convolution(64 + 64 + 3, classes, 1)
        self.combine_l2_l3 = nn.Sequential(
            _normalised(2 * classes), MergingPyramid(2 * classes, classes)
        )
        self.up_l2 = nn.Sequential(_doubling(classes), _normalised(classes))
        self.conv = _normalised_convolution(16 + 3 + classes, classes, 3)
        self.classifier = _doubling(classes)

    def forward(self, image: Tensor) -> Tensor:
        """Return scores [N, classes, H, W] of images [N, 3, H, W]; H and W divide by 8."""
        first, second, coarse = self.encoder(image)
        scores = torch.cat([self.level3_C(second), self.up_l3(self.br(coarse))], dim=1)
        scores = self.up_l2(self.combine_l2_l3(scores))
        return self.classifier(self.conv(torch.cat([scores, first], dim=1)))
