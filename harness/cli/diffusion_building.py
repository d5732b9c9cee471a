"""How a recipe of the diffusion editor is shared out over devices; nothing of pixels."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from harness.cli.build_plan import BuildPlan
from harness.cli.diffusion_opening import DiffusionSeat, open_diffusion
from harness.cli.diffusion_place import DiffusionOptions
from harness.cli.workspace import Workspace
from harness.dataset.recipe_check import RecipeFault
from harness.dataset.recipe_file import LoadedRecipe
from harness.distribution.local import processors
from harness.editing.diffusion.layouts import NOISE_SCHEDULE
from harness.editing.diffusion.preflight import Preflight
from harness.editing.diffusion.presets import inversion_steps_of
from harness.editing.diffusion.profiles import TINY_NAME
from harness.editing.diffusion.schedule import make_schedule
from harness.editing.editor import BatchEditor
from harness.errors import DeviceError, ImageEditError, WeightsError
from harness.records.diffusion import DiffusionEditorSpec

MOST_STEPS = NOISE_SCHEDULE["num_train_timesteps"] - NOISE_SCHEDULE["steps_offset"]
"""The longest walk: the first of more steps would lie beyond the schedule."""


def diffusion_plan(
    workspace: Workspace,
    loaded: LoadedRecipe,
    spec: DiffusionEditorSpec,
    *,
    workers: int | None,
    options: DiffusionOptions,
) -> BuildPlan:
    """Return how `loaded` is built: one process a device, which loads the model once.

    Raises:
        DeviceError: More processes are asked for than there are devices.
        WeightsError: What is said to be the folder of the recipe's model can't be it.
    """
    devices = options.device or _every_gpu() or ("cpu",)
    seat = DiffusionSeat(
        spec=spec,
        edits=loaded.recipe.all_edits(),
        cache=workspace.cache,
        compile_unet=options.compile_unet,
        memory_gib=options.memory_gib,
        folder=_folder("--model", options.model, own=spec.model),
        geometry_folder=_folder(
            "--geometry-model", options.geometry_model, own=spec.geometry_model
        ),
    )
    return BuildPlan(
        loaded=loaded,
        written=loaded,
        preflight=Preflight(spec, loaded.recipe.all_edits()),
        editor_factory=partial(open_on, seat, devices),
        workers=_workers(workers, devices),
        # One process leaves the number of threads to torch; several share the processors.
        threads=None if len(devices) == 1 else max(1, processors() // len(devices)),
    )


def open_on(seat: DiffusionSeat, devices: tuple[str, ...], worker: int) -> BatchEditor:
    """Return the editor of process number `worker`, on the device that is its own.

    Raises:
        WeightsError: The recipe's weights are nowhere, or other than promised.
        DeviceError: There is no such device, or too little memory.
    """
    return open_diffusion(replace(seat, device=devices[worker % len(devices)])).editor


def walk_fault(spec: DiffusionEditorSpec) -> RecipeFault | None:
    """Return why sampling can't walk through the levels of the inversion, or None if it can.

    The models that profiles name share one noise schedule, so no weights are needed to know.
    """
    inversion = inversion_steps_of(spec)
    place = ("editor", "steps" if spec.inversion_steps is None else "inversion_steps")
    if max(spec.steps, inversion) > MOST_STEPS:
        what = f"a walk of {max(spec.steps, inversion)} steps leaves the schedule"
        return RecipeFault(place=place, what=what, remedy=f"Use {MOST_STEPS} at most.")
    scheduler = DDIMScheduler(**NOISE_SCHEDULE)
    try:
        make_schedule(scheduler, steps=spec.steps, inversion_steps=inversion)
    except ImageEditError as error:
        return RecipeFault(place=place, what=str(error), remedy=error.remedy)
    return None


def _folder(option: str, said: str | None, *, own: str) -> Path | None:
    """Return the folder that weights are said to lie in: which model it is says the recipe.

    Raises:
        WeightsError: It can't be the folder of the model that the recipe names.
    """
    if said is None:
        return None
    if own == TINY_NAME:
        msg = f"{option} {said}: the recipe's model is made of random numbers on the spot"
        raise WeightsError(msg, remedy=f"Leave {option} out.")
    if not Path(said).is_dir():
        msg = f"{option} {said} is no folder, and which model it is says the recipe: {own}"
        raise WeightsError(msg, remedy="Name its folder, or copy the recipe to use another model.")
    return Path(said)


def _every_gpu() -> tuple[str, ...]:
    # device_count() asks the driver and takes no memory of any GPU, as a look at its memory would.
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return tuple(f"cuda:{index}" for index in range(count))


def _workers(asked: int | None, devices: tuple[str, ...]) -> int:
    if asked is None or asked <= len(devices):
        return len(devices) if asked is None else asked
    listed = ", ".join(devices)
    msg = f"--workers {asked} is more than one process a device ({listed})"
    raise DeviceError(
        msg,
        remedy=f"Use --workers {len(devices)}: a process loads the whole model and keeps its "
        "device busy by itself, on a CPU with as many threads as torch finds useful.",
    )
