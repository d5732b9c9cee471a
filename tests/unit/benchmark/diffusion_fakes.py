"""A batch editor that looks like diffusion and computes nothing: no torch, no weights."""

from functools import partial

import numpy as np
from benchmark_fakes import RECIPE, FakeEditor

from harness.editing.editor import EditJob, EditResult
from harness.records.diffusion import Precision
from harness.records.editing import DeviceEnvironment, UNetPasses

EDITOR = """kind = "diffusion"
model = "tiny"
geometry_model = "tiny"
steps = 10
sources_per_batch = 2"""
DIFFUSION_RECIPE = RECIPE.replace("algorithm = 1", EDITOR).replace(
    "[[edits]]", "[lock]\nmin_signature_psnr = 40\n[[edits]]", 1
)
DEVICE = DeviceEnvironment(
    device="cuda:0",
    device_name="Fake 9000",
    precision=Precision.FLOAT16,
    deterministic=False,
    compiled=False,
    threads=1,
    torch="2.0",
    cuda="12",
    cudnn="9",
    diffusers="0.36",
    transformers="5.0",
    weights={"unet/config.json": "a" * 64},
)


class FakeBatchEditor(FakeEditor):
    """Adds to each global edit the number of sources beside it, as a batch's rounding might."""

    def __init__(self, worker: int, *, device: DeviceEnvironment = DEVICE, nudge: int = 0) -> None:
        self.device = device.model_copy(update={"device": f"cuda:{worker}"})
        self._nudge = nudge
        self.batches: list[int] = []

    def edit_many(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        self.batches.append(len(jobs))
        return tuple(self._edited(job, company=len(jobs)) for job in jobs)

    def _edited(self, job: EditJob, *, company: int) -> tuple[EditResult, ...]:
        results = self.edit(job.source, job.requests)
        for number, (request, result) in enumerate(zip(job.requests, results, strict=True)):
            if request.phrase is None:
                result.image[...] += np.uint8(company)
            elif request.edit.value == "violet":
                result.image[result.mask] += np.uint8(self._nudge)
            inversion = 10 if number == 0 else 0
            passes = UNetPasses(inversion=inversion, sampling=20, guidance=3)
            object.__setattr__(result, "passes", passes)
        return results


def on_device(**changes: object) -> partial[FakeBatchEditor]:
    """Return a factory of editors on another device."""
    return partial(FakeBatchEditor, device=DEVICE.model_copy(update=changes))


def nudged(levels: int) -> partial[FakeBatchEditor]:
    """Return a factory of editors whose violet is `levels` brighter, as on other hardware."""
    return partial(FakeBatchEditor, nudge=levels)
