"""What an edit cost and what it ran on; nothing of what it shows."""

from pydantic import Field, computed_field

from harness.records.base import Record
from harness.records.diffusion import Precision


class UNetPasses(Record):
    """Images through the UNet: a batch of three is three passes."""

    inversion: int = Field(default=0, ge=0)
    """Forward passes that invert the source."""
    sampling: int = Field(default=0, ge=0)
    """Forward passes that sample the edit, source branches included."""
    guidance: int = Field(default=0, ge=0)
    """Forward-and-backward passes of mask guidance; those that stop early count whole."""

    def __add__(self, other: "UNetPasses") -> "UNetPasses":
        """Return the sum."""
        return UNetPasses(
            inversion=self.inversion + other.inversion,
            sampling=self.sampling + other.sampling,
            guidance=self.guidance + other.guidance,
        )


class EditingCost(Record):
    """What edits cost that a UNet made."""

    edits: int = Field(ge=1)
    """Number of edits, the rejected ones included."""
    passes: UNetPasses
    """Passes through the UNet, summed over the edits."""
    seconds: float = Field(ge=0)
    """Seconds in the editor, summed over processes."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic prints the property as a field
    @property
    def passes_per_edit(self) -> float:
        """Passes through the UNet an edit, the inversion and guidance included."""
        total = self.passes.inversion + self.passes.sampling + self.passes.guidance
        return round(total / self.edits, 2)

    @computed_field  # type: ignore[prop-decorator]  # pydantic prints the property as a field
    @property
    def seconds_per_edit(self) -> float:
        """Seconds in the editor an edit."""
        return round(self.seconds / self.edits, 3)

    def __add__(self, other: "EditingCost") -> "EditingCost":
        """Return the sum."""
        return EditingCost(
            edits=self.edits + other.edits,
            passes=self.passes + other.passes,
            seconds=round(self.seconds + other.seconds, 3),
        )


class DeviceEnvironment(Record):
    """What networks computed on; recorded, no part of a benchmark's identity."""

    device: str
    """Where: `cpu`, `cuda:0`; `cuda` for any number of GPUs of one kind."""
    device_name: str
    """The processor's or GPU's own name."""
    precision: Precision
    """The number format of the networks that edit appearances; geometry's where those ran alone."""
    geometry_precision: Precision | None = None
    """The number format of the networks that fill a moved object's hole; None where none did."""
    deterministic: bool
    """Whether only algorithms ran that repeat themselves bit by bit."""
    compiled: bool
    """Whether the UNet that edits appearances was compiled; no other network ever is."""
    threads: int | None = Field(ge=1)
    """CPU threads, which decide how a CPU rounds sums; None on a GPU, where no pixel changes."""
    torch: str
    """The version of torch, its build included."""
    cuda: str | None
    """The CUDA version that torch was built for; None on a CPU."""
    cudnn: str | None
    """The cuDNN version; None on a CPU."""
    diffusers: str
    """The version of diffusers."""
    transformers: str
    """The version of transformers."""
    weights: dict[str, str] = Field(default_factory=dict)
    """sha256 by file of the weights; empty for weights that were made on the spot."""

    def any_number(self) -> "DeviceEnvironment":
        """Return the same without the GPU's number: GPUs of one kind compute alike."""
        return self.model_copy(update={"device": self.device.split(":")[0]})
