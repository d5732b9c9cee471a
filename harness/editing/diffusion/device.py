"""Where networks compute, in which number format and within how much memory."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import torch

from harness.checkpoints.device import choose_torch_device
from harness.editing.diffusion.memory import free_memory, usable
from harness.errors import DeviceError
from harness.records.diffusion import Precision
from harness.records.editing import DeviceEnvironment

GIB = 2**30
_DTYPES = {
    Precision.FLOAT32: torch.float32,
    Precision.FLOAT16: torch.float16,
    Precision.BFLOAT16: torch.bfloat16,
}


class SizedProfile(Protocol):
    """What choosing needs of a profile; editing and inpainting profiles both have it."""

    @property
    def title(self) -> str:
        """What people call the model."""

    @property
    def parameters(self) -> int:
        """How many numbers its networks hold; 0 where that isn't known."""

    @property
    def gpu_precision(self) -> Precision:
        """The number format that it is known to stand on a GPU."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where and how networks compute."""

    device: torch.device
    """Where the networks are."""
    dtype: torch.dtype
    """Their number format; latents are always float32."""
    memory_bytes: int
    """What weights and all that is computed with them may take on `device`."""
    weights_bytes: int = 0
    """The weights' part of it; 0 where the model's size was not known beforehand."""
    deterministic: bool = False
    """Whether only algorithms run that repeat themselves bit by bit."""
    compile: bool = False
    """Whether the UNet's blocks without tap points are compiled."""

    @property
    def working_bytes(self) -> int:
        """What is left for batches beside the weights."""
        return self.memory_bytes - self.weights_bytes

    @property
    def precision(self) -> Precision:
        """The number format by its name in recipes."""
        return next(name for name, dtype in _DTYPES.items() if dtype is self.dtype)


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """A CUDA device as it stands."""

    name: str
    """Its own name."""
    free_bytes: int | None = None
    """Its memory that nobody uses; None looks once it is chosen, as a look takes some of it."""
    bfloat16: bool
    """Whether it computes in bfloat16 itself."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What this process may compute on."""

    gpus: tuple[Gpu, ...]
    """By CUDA index."""
    free_bytes: int | None
    """Main memory that this process may still take; None where nothing says so."""


def look_at_machine() -> Machine:
    """Return what is here now, and take no memory of any GPU to see it."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = tuple(_look_at_gpu(torch.device("cuda", index)) for index in range(count))
    return Machine(gpus=gpus, free_bytes=free_memory())


def choose_runtime(  # noqa: PLR0913 - one option of the command line each
    *,
    device: str | None,
    precision: Precision | None,
    profile: SizedProfile,
    deterministic: bool = False,
    compile: bool = False,  # noqa: A002 - the option's name
    memory_gib: float | None = None,
    machine: Machine | None = None,
) -> Runtime:
    """Return where and how the model of `profile` computes.

    Args:
        device: `cpu`, `cuda` or `cuda:N`; None is the first GPU, or the CPU where there is none.
        precision: None is float32 on the CPU and the profile's own on a GPU.
        profile: The model.
        deterministic: Whether results must repeat themselves bit by bit on one machine.
        compile: Whether the UNet is compiled.
        memory_gib: What may be taken of the device's memory; None finds it.
        machine: What there is; None looks.

    Raises:
        DeviceError: There is no such device, it lacks the number format, or memory is too small.
    """
    machine = machine or look_at_machine()
    where = _choose_device(device, machine)
    chosen = _choose_precision(precision, where, profile, machine)
    weights_bytes = profile.parameters * _DTYPES[chosen].itemsize
    if memory_gib is not None:
        memory_bytes = _asked_memory(memory_gib)
    else:
        memory_bytes = _found_memory(where, machine)
    if weights_bytes > memory_bytes:
        raise _too_little(profile, chosen, where, machine, memory_bytes=memory_bytes)
    return Runtime(
        device=where,
        dtype=_DTYPES[chosen],
        memory_bytes=memory_bytes,
        weights_bytes=weights_bytes,
        deterministic=deterministic,
        compile=compile,
    )


def describe_runtime(
    runtime: Runtime, *, weights: dict[str, str] | None = None
) -> DeviceEnvironment:
    """Return the record of `runtime` for a manifest.

    Args:
        runtime: Where and how networks compute.
        weights: sha256 by file of what was loaded.
    """
    on_gpu = runtime.device.type == "cuda"
    cudnn: int | None = torch.backends.cudnn.version() if on_gpu else None  # type: ignore[no-untyped-call]  # torch's stubs
    return DeviceEnvironment(
        device=str(runtime.device),
        device_name=_device_name(runtime.device),
        precision=runtime.precision,
        deterministic=runtime.deterministic,
        compiled=runtime.compile,
        # Processes share the processors: with it, a build on fewer GPUs would look like another.
        threads=None if on_gpu else torch.get_num_threads(),
        torch=torch.__version__,
        cuda=torch.version.cuda if on_gpu else None,
        cudnn=None if cudnn is None else str(cudnn),
        diffusers=version("diffusers"),
        transformers=version("transformers"),
        weights=weights or {},
    )


def _look_at_gpu(device: torch.device) -> Gpu:
    capability = torch.cuda.get_device_capability(device)
    return Gpu(
        name=torch.cuda.get_device_name(device),
        bfloat16=capability >= (8, 0) or torch.version.hip is not None,
    )


def _choose_device(asked: str | None, machine: Machine) -> torch.device:
    return choose_torch_device(
        asked,
        gpus=tuple(gpu.name for gpu in machine.gpus),
        remedy="Give `--device cpu`; `--model tiny` is a dry run that needs no GPU.",
    )


def _choose_precision(
    asked: Precision | None, device: torch.device, profile: SizedProfile, machine: Machine
) -> Precision:
    if device.type == "cpu":
        if asked is Precision.FLOAT16:
            msg = "a CPU computes float16 slowly and inexactly, so the harness does not"
            remedy = "Use float32, or bfloat16 where memory is short."
            raise DeviceError(msg, remedy=remedy)
        return asked or Precision.FLOAT32
    gpu = machine.gpus[device.index]
    if asked is Precision.BFLOAT16 and not gpu.bfloat16:
        msg = f"the {gpu.name} has no bfloat16"
        raise DeviceError(msg, remedy="Use float16 or float32.")
    if asked is None and profile.gpu_precision is Precision.BFLOAT16 and not gpu.bfloat16:
        return Precision.FLOAT32  # what needs bfloat16's range does not fit float16's
    return asked or profile.gpu_precision


def _asked_memory(memory_gib: float) -> int:
    if not 0 < memory_gib < float("inf"):
        msg = f"{memory_gib} GiB of memory can't be used"
        raise DeviceError(msg, remedy="Give a number over 0.")
    return int(memory_gib * GIB)


def _found_memory(device: torch.device, machine: Machine) -> int:
    if device.type == "cuda":
        told = machine.gpus[device.index].free_bytes
        # Asking makes a context, of hundreds of MB: on every GPU, each process would make one.
        return usable(torch.cuda.mem_get_info(device)[0] if told is None else told)
    if machine.free_bytes is None:
        msg = "this system does not say how much memory is free"
        raise DeviceError(msg, remedy="Say how much may be used with `--memory-gib`.")
    return usable(machine.free_bytes)


def _too_little(
    profile: SizedProfile,
    precision: Precision,
    device: torch.device,
    machine: Machine,
    *,
    memory_bytes: int,
) -> DeviceError:
    """Return the error that says what is needed, what there is, and the least that helps."""
    where = machine.gpus[device.index].name if device.type == "cuda" else "main memory"
    needed = profile.parameters * _DTYPES[precision].itemsize
    msg = (
        f"{profile.title} in {precision.value} takes {needed / GIB:.1f} GiB for its weights alone, "
        f"and {memory_bytes / GIB:.1f} GiB of {where} may be used"
    )
    half = profile.parameters * 2
    smaller = _smaller_format(device, machine)
    if precision is Precision.FLOAT32 and smaller is not None and half <= memory_bytes:
        return DeviceError(msg, remedy=f"Set the precision to {smaller.value}: half as much.")
    if device.type == "cuda" and half * 2 <= usable(machine.free_bytes or 0):
        remedy = "End what else uses the GPU (nvidia-smi lists it), or give `--device cpu`."
        return DeviceError(msg, remedy=remedy)
    remedy = "Use a machine with more memory; `--model tiny` is a dry run that needs next to none."
    return DeviceError(msg, remedy=remedy)


def _smaller_format(device: torch.device, machine: Machine) -> Precision | None:
    match device.type:
        case "cpu":
            return Precision.BFLOAT16
        case "cuda":
            wide = machine.gpus[device.index].bfloat16
            return Precision.BFLOAT16 if wide else Precision.FLOAT16
        case _:
            return None


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        told = []
    named = (line.partition(":")[2].strip() for line in told if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
