"""The walls around a container as the engine's settings; nothing of its life.

Every wall of DESIGN.md, "Isolation", stands here and nowhere else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from docker.types import DeviceRequest, LogConfig, Ulimit

from harness.records.submission import ContainerLimits

NOBODY = "65534:65534"
_MIB = 2**20
_CPU_PERIOD_MICROSECONDS = 100_000
_OPEN_FILES = 4096
_PROCESSES_OF_NOBODY = 4096
"""A kernel limit over all containers of this user; the pids limit is each container's own."""


def host_settings(limits: ContainerLimits, *, gpu_ids: Sequence[str] = ()) -> dict[str, Any]:
    """Return the keyword arguments of the SDK's `create_host_config`.

    `gpu_ids` names the GPUs that the container gets; without them the engine chooses.
    """
    return {
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "tmpfs": {
            "/tmp": f"rw,noexec,nosuid,nodev,mode=1777,size={limits.tmp_mb}m"  # noqa: S108 - the container's own
        },
        "init": True,
        "ipc_mode": "private",
        "mem_limit": limits.memory_mb * _MIB,
        "memswap_limit": limits.memory_mb * _MIB,
        "pids_limit": limits.pids,
        # A quota, as the engine refuses `nano_cpus` above the machine's number of processors.
        "cpu_period": _CPU_PERIOD_MICROSECONDS,
        "cpu_quota": round(limits.cpus * _CPU_PERIOD_MICROSECONDS),
        "shm_size": limits.shm_mb * _MIB,
        "ulimits": [
            Ulimit(name="nofile", soft=_OPEN_FILES, hard=_OPEN_FILES),
            Ulimit(name="nproc", soft=_PROCESSES_OF_NOBODY, hard=_PROCESSES_OF_NOBODY),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "log_config": LogConfig(type=LogConfig.types.NONE),
        "device_requests": _gpu_requests(limits.gpus, gpu_ids),
        "runtime": limits.runtime,
    }


def container_settings(
    limits: ContainerLimits, *, image_environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return the keyword arguments of the SDK's `create_container`, less the host's."""
    return {
        "user": NOBODY,
        "hostname": "submission",
        "network_disabled": True,
        "stdin_open": True,
        "tty": False,
        # The image's own health check would run beside the model, and nobody asks for its result.
        "healthcheck": {"test": ["NONE"]},
        "environment": _environment(limits, image_environment),
    }


def _environment(limits: ContainerLimits, image_environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a submission is told: the only writable place and how much it may use."""
    threads = {"OMP_NUM_THREADS": str(max(1, round(limits.cpus)))}
    fixed = {
        "HOME": "/tmp",  # noqa: S108 - the container's own
        "TMPDIR": "/tmp",  # noqa: S108 - the container's own
        "HARNESS_MAX_IN_FLIGHT": str(limits.max_in_flight),
    }
    # Where NVIDIA's runtime is the default, an image that says `all`, as CUDA's do, would get GPUs.
    unseen = {} if limits.gpus else {"NVIDIA_VISIBLE_DEVICES": "void"}
    unset = {name: value for name, value in threads.items() if name not in image_environment}
    return unset | fixed | unseen


def _gpu_requests(gpus: int, gpu_ids: Sequence[str]) -> list[DeviceRequest]:
    if gpu_ids:
        return [DeviceRequest(device_ids=list(gpu_ids), capabilities=[["gpu"]])]
    return [DeviceRequest(count=gpus, capabilities=[["gpu"]])] if gpus else []
