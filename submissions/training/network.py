"""The U-Net that both mini-unet submissions are; knows nothing of data or of training."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from submissions.training.encoder import FEATURE_WIDTHS, LiteEncoder

OUTPUT_STRIDE = 2
"""Scores come out at this fraction of the input's resolution."""
DECODER_WIDTHS = (160, 96, 64, 40, 32)
"""Channels at strides 32 to 2."""


def _convolution(inputs: int, outputs: int, size: int) -> nn.Sequential:
    """Return a convolution with batch normalisation."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class GlobalContext(nn.Module):
    """Tells every position what the whole image holds (the pooling branch of DeepLab's ASPP)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape, shifted by a projection of their mean."""
        mean = features.mean(dim=(2, 3), keepdim=True)
        return functional.relu(features + self.project(mean))


class DecoderStage(nn.Module):
    """Doubles the resolution and adds what the encoder saw there."""

    def __init__(self, coarse: int, fine: int, outputs: int) -> None:
        super().__init__()
        self.narrow = _convolution(coarse, outputs, 1)
        self.skip = _convolution(fine, outputs, 1)
        self.merge = _convolution(outputs, outputs, 3)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return features at the resolution of `fine`."""
        raised = functional.interpolate(
            self.narrow(coarse), scale_factor=2, mode="bilinear", align_corners=False
        )
        return functional.relu(self.merge(functional.relu(raised + self.skip(fine))))


class SmallUNet(nn.Module):
    """A U-Net (Ronneberger et al., 2015) over an EfficientNet-Lite0 encoder."""

    def __init__(self, classes: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        *fine, deepest = FEATURE_WIDTHS
        self.encoder = LiteEncoder()
        self.enter = nn.Sequential(_convolution(deepest, DECODER_WIDTHS[0], 1), nn.ReLU())
        self.context = GlobalContext(DECODER_WIDTHS[0])
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(
            DecoderStage(coarse, seen, outputs)
            for (coarse, outputs), seen in zip(
                pairwise(DECODER_WIDTHS), reversed(fine), strict=True
            )
        )
        self.head = nn.Conv2d(DECODER_WIDTHS[-1], classes, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return scores [N, classes, H/2, W/2] of RGB pixels 0-255, [N, 3, H, W]."""
        *fine, deepest = self.encoder(pixels)
        decoded = self.dropout(self.context(self.enter(deepest)))
        for stage in self.up:
            decoded = stage(decoded, fine.pop())
        return self.head(decoded)


def parameter_count(network: nn.Module) -> int:
    """Return the number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())
