"""How many containers share a run, which GPUs each gets, and whether the machine bears them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import DeviceError, SubmissionError
from harness.records.submission import ContainerLimits, SubmissionManifest

_MIB = 2**20
_GPU_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./=_-]{0,127}")
"""An index, a UUID (`GPU-...`, `MIG-...`) or a device's name as CDI has them."""


@dataclass(frozen=True, kw_only=True)
class WorkerPlan:
    """The containers that share a run."""

    gpu_ids: tuple[tuple[str, ...], ...] = ((),)
    """The GPUs of each container, as the engine names them; empty leaves the choice to it."""

    @property
    def workers(self) -> int:
        """Number of containers."""
        return len(self.gpu_ids)


def plan_workers(
    manifest: SubmissionManifest,
    limits: ContainerLimits,
    *,
    workers: int = 1,
    gpu_ids: Sequence[str] = (),
) -> WorkerPlan:
    """Return the plan for `workers` containers, each with `limits.gpus` GPUs of its own.

    Asked for a number of GPUs, an engine gives each container the same ones, the first. So those
    of several containers are named: by `gpu_ids`, in order, or by their indices from 0. A GPU that
    `gpu_ids` names twice is shared.

    Raises:
        DeviceError: The GPUs are too few, or are named where none are asked for.
        SubmissionError: The submission says that its predictions depend on more than their image.
    """
    if workers > 1 and not manifest.stateless:
        msg = (
            f"submission {manifest.name!r} says `stateless = false`: what it predicts depends on"
            f" the images before, so {workers} containers can't share them"
        )
        raise SubmissionError(msg, remedy="Evaluate it with --workers 1.")
    needed = workers * limits.gpus
    if not gpu_ids:
        indices = tuple(str(index) for index in range(needed)) if workers > 1 else ()
        return WorkerPlan(gpu_ids=_shares(indices, workers, limits.gpus))
    if not needed:
        msg = f"GPUs are named ({', '.join(gpu_ids)}), and no container gets any"
        raise DeviceError(msg, remedy="Say how many each container gets, as in --gpus 1.")
    _check_names(gpu_ids)
    if len(gpu_ids) < needed:
        msg = (
            f"{len(gpu_ids)} GPUs are named and {needed} are needed: {limits.gpus} for each of"
            f" {workers} containers"
        )
        raise DeviceError(
            msg,
            remedy="Name more by --gpu-ids, or ask for fewer --workers or --gpus.",
        )
    shares = _shares(tuple(gpu_ids), workers, limits.gpus)
    _check_shares(shares)
    return WorkerPlan(gpu_ids=shares)


def crowding(
    limits: ContainerLimits, *, workers: int, cpus: int, memory_bytes: int
) -> tuple[str, ...]:
    """Return what `workers` containers may take beyond the engine's machine, in sentences.

    `cpus` and `memory_bytes` are the machine's; 0 where the engine does not say.
    """
    found = []
    memory = workers * limits.memory_mb * _MIB
    if workers > 1 and 0 < memory_bytes < memory:
        found.append(
            f"{workers} containers of {limits.memory_mb} MiB may take {memory // _MIB} MiB, and the"
            f" engine's machine has {memory_bytes // _MIB}: one that runs out of memory there fails"
            " the run, or is ended for want of it; ask for fewer --workers or less --memory-mb"
        )
    if workers > 1 and 0 < cpus < workers * limits.cpus:
        found.append(
            f"{workers} containers of {limits.cpus:g} processors share {cpus}: each may be slower"
            " than alone, and its deadlines stay; fewer --workers or --cpus are fairer"
        )
    return tuple(found)


def _shares(gpu_ids: tuple[str, ...], workers: int, each: int) -> tuple[tuple[str, ...], ...]:
    return tuple(gpu_ids[number * each : (number + 1) * each] for number in range(workers))


def _check_names(gpu_ids: Sequence[str]) -> None:
    for name in gpu_ids:
        if not _GPU_ID.fullmatch(name):
            msg = f"{name!r} names no GPU"
            raise DeviceError(
                msg,
                remedy="Name indices or UUIDs as `nvidia-smi -L` shows them, with commas between:"
                " --gpu-ids 0,1.",
            )


def _check_shares(shares: Sequence[tuple[str, ...]]) -> None:
    for share in shares:
        if len(set(share)) < len(share):
            msg = f"one container would get the same GPU twice ({', '.join(share)})"
            raise DeviceError(msg, remedy="Name each of a container's GPUs once in --gpu-ids.")
