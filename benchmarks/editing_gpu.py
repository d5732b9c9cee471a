"""How fast a GPU edits with a model of Stable Diffusion 2.1's full size, and in how much memory."""

import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import product

import torch

from benchmarks.editing_contenders import color_requests, synthetic_source
from harness.editing.diffusion.device import GIB, Runtime, choose_runtime
from harness.editing.diffusion.editor import DiffusionEditor
from harness.editing.diffusion.inversion import predict
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.profiles import SD_2_1_BASE
from harness.editing.diffusion.tape import MapsCompleteError
from harness.editing.diffusion.taps import Taps
from harness.editing.diffusion.text import embed
from harness.editing.diffusion.tiny import random_full_size_model
from harness.editing.editor import EditJob
from harness.errors import HarnessError
from harness.records.diffusion import DiffusionEditorSpec, MaskGuidance, Precision

AIM = 60
"""Edits a minute at 512 x 512, on an H200-class GPU (issue 3)."""
ROUNDS = 3
HEAD = (
    f"{'format':10}{'compiled':10}{'sources':>8}{'edits each':>11}{'guidance':>10}"
    f"{'s an edit (least - most)':>30}{'edits a minute':>16}{'peak GiB':>10}{'first s':>9}"
)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is edited in one call."""

    sources: int
    """Sources in the call."""
    edits: int
    """Edits of each."""
    guided: bool = False
    """Whether mask guidance is on, with every pass that it allows."""

    @property
    def count(self) -> int:
        """All edits of the call."""
        return self.sources * self.edits


WORKLOADS = (
    Workload(sources=1, edits=1),
    Workload(sources=1, edits=4),
    Workload(sources=1, edits=8),
    Workload(sources=4, edits=4),
    Workload(sources=8, edits=8),
    Workload(sources=1, edits=8, guided=True),
)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast one workload went."""

    first: float
    """Seconds of the first call, in which kernels are chosen and code is compiled."""
    seconds: tuple[float, ...]
    """Seconds of each later call."""
    peak_bytes: int | None
    """The most memory that torch held; None on a CPU."""


def measure_gpu() -> Iterator[str]:
    """Yield the lines of the section; one that says why, where there is no CUDA device."""
    if not torch.cuda.is_available():
        yield f"GPU: not measured, because torch {torch.__version__} sees no CUDA device here"
        return
    yield (
        f"GPU: {torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}; {SD_2_1_BASE.title} at "
        "its full size with random weights, 512 x 512, matched, 50 steps"
    )
    yield HEAD
    for precision, compiled in product((Precision.BFLOAT16, Precision.FLOAT16), (False, True)):
        yield from _of_format(precision, compiled=compiled)
    yield f"aim: {AIM} edits a minute on an H200-class GPU, guidance off"


def _of_format(precision: Precision, *, compiled: bool) -> Iterator[str]:
    name = f"{precision.value:10}{'yes' if compiled else 'no':10}"
    try:
        runtime = choose_runtime(
            device="cuda", precision=precision, profile=SD_2_1_BASE, compile=compiled
        )
    except HarnessError as error:
        yield name + error.one_line()
        return
    model = random_full_size_model(SD_2_1_BASE, runtime)
    for workload in WORKLOADS:
        guidance = "on" if workload.guided else "off"
        told = f"{name}{workload.sources:>8}{workload.edits:>11}{guidance:>10}"
        try:
            yield told + _columns(time_workload(model, runtime, workload), workload)
        except HarnessError as error:
            yield f"{told}  {error.one_line()}"
    if not compiled:
        yield from _memory_lines(model, precision)
    del model
    torch.cuda.empty_cache()


def time_workload(
    model: DiffusionModel, runtime: Runtime, workload: Workload, *, steps: int = 50
) -> Speed:
    """Return how fast `workload` goes on `model`.

    Raises:
        HarnessError: It can't be done here.
    """
    guidance = MaskGuidance(steps=15 if workload.guided else 0, threshold=0)
    spec = DiffusionEditorSpec(
        model=model.profile.name, steps=steps, mask_guidance=guidance, precision=runtime.precision
    )
    editor = DiffusionEditor(model, spec, runtime=runtime)
    jobs = tuple(
        EditJob(
            source=synthetic_source(model.profile.native_side, seed=number),
            requests=color_requests(workload.edits),
        )
        for number in range(workload.sources)
    )
    on_gpu = runtime.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(1 + ROUNDS):
        started = time.perf_counter()
        editor.edit_many(jobs)  # its images are in main memory, so the GPU has finished
        seconds.append(time.perf_counter() - started)
    return Speed(
        first=seconds[0],
        seconds=tuple(seconds[1:]),
        peak_bytes=torch.cuda.max_memory_allocated() if on_gpu else None,
    )


def _columns(speed: Speed, workload: Workload) -> str:
    each = [seconds / workload.count for seconds in speed.seconds]
    median = statistics.median(each)
    spread = f"{median:.3f} ({min(each):.3f} - {max(each):.3f})"
    peak = "-" if speed.peak_bytes is None else f"{speed.peak_bytes / GIB:.2f}"
    return f"{spread:>30}{60 / median:>16.1f}{peak:>10}{speed.first:>9.1f}"


def _memory_lines(model: DiffusionModel, precision: Precision, *, rows: int = 8) -> Iterator[str]:
    """Yield what one image of a pass holds, in the unit of `harness.editing.diffusion.batching`."""
    cells = model.profile.native_side // 8
    first = int(model.unet.config["block_out_channels"][0])
    unit = cells**2 * first * model.dtype.itemsize
    generator = torch.Generator(model.device).manual_seed(0)
    latents = torch.randn((rows, 4, cells, cells), generator=generator, device=model.device)
    with torch.no_grad():
        prompts = embed(model, ("",)).expand(rows, -1, -1)
    for name, run in (("forward", _forward), ("guidance", _guide)):
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run(model, latents, prompts)
        numbers = (torch.cuda.max_memory_allocated() - before) / rows / unit
        yield (
            f"{precision.value}: an image of a {name} pass holds {numbers:.0f} numbers by latent "
            "cell and first channel"
        )


def _forward(model: DiffusionModel, latents: torch.Tensor, prompts: torch.Tensor) -> None:
    with torch.no_grad():
        predict(model, latents, 500, prompts)


def _guide(model: DiffusionModel, latents: torch.Tensor, prompts: torch.Tensor) -> None:
    taps = Taps(model.unet, model.profile.taps)
    leaf = latents.clone().requires_grad_()
    with taps.connected() as tape, tape.collect_maps(taps.last_map) as maps:
        with suppress(MapsCompleteError):
            predict(model, leaf, 500, prompts)
        total = torch.stack([found.square().mean() for found in maps.values()]).sum()
        torch.autograd.grad(total, leaf)
