"""Which walls count as built, from what engines really answered, and what is refused."""

from dataclasses import replace
from typing import Any

import docker
import pytest

from harness.errors import EngineError
from harness.records.submission import ContainerLimits
from harness.sandbox.engine import EngineDescription
from harness.sandbox.wall_check import own_tmpfs, refuse_missing_walls, refuse_unenforced
from harness.sandbox.walls import NOBODY, host_settings

LIMITS = ContainerLimits(
    memory_mb=64, pids=32, tmp_mb=8, shm_mb=4, cpus=1.5, runtime="runsc", gpus=0
)
DOCKER = EngineDescription(
    name="Docker Engine",
    version="20.10.24",
    api_version="1.41",
    runtimes=("runc",),
    default_runtime="runc",
    storage_driver="overlay2",
    cgroup_version="1",
    root="/var/lib/docker",
    cpus=2,
    memory_bytes=2**33,
)
PODMAN = replace(DOCKER, name="Podman Engine", version="4.3.1")
PODMAN_DROPS = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP"
    " SETGID SETPCAP SETUID SYS_CHROOT"
)


def asked(limits: ContainerLimits = LIMITS, engine: EngineDescription = DOCKER) -> dict[str, Any]:
    """Return the host config as it goes to the engine, made by the SDK."""
    walls = host_settings(limits)
    walls["tmpfs"] |= own_tmpfs(engine)
    api = docker.APIClient(base_url="tcp://127.0.0.1:1", version="1.41")
    return dict(api.create_host_config(**walls))


def given_by_docker(**changes: Any) -> dict[str, Any]:
    """Return an inspection as Docker 20.10.24 gave it, less what nobody looks at."""
    host = {
        **asked(),
        "Binds": None,
        "CapAdd": None,
        "Privileged": False,
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "Devices": None,
        "VolumesFrom": None,
        "GroupAdd": None,
        "OomKillDisable": False,
        "NanoCpus": 0,
        "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
        "DeviceCgroupRules": None,
        "MaskedPaths": ["/proc/kcore"],
        "ReadonlyPaths": ["/proc/sys"],
    }
    config = {"User": NOBODY, "Healthcheck": {"Test": ["NONE"]}}
    return {"HostConfig": host | changes, "Config": config, "Mounts": []}


def given_by_podman(**changes: Any) -> dict[str, Any]:
    """Return an inspection as Podman 4.3.1 gave it for the same, less what nobody looks at."""
    own = ",rprivate,tmpcopyup"
    host = {
        "Binds": [],
        "LogConfig": {"Type": "none", "Config": None},
        "NetworkMode": "none",
        "CapAdd": [],
        "CapDrop": PODMAN_DROPS.split(),
        "GroupAdd": [],
        "IpcMode": "shareable",
        "PidMode": "private",
        "Privileged": False,
        "ReadonlyRootfs": True,
        "SecurityOpt": ["no-new-privileges"],
        "Tmpfs": {
            folder: options + own for folder, options in asked(engine=PODMAN)["Tmpfs"].items()
        },
        "UTSMode": "private",
        "UsernsMode": "",
        "ShmSize": 4194304,
        "Runtime": "oci",
        "Memory": 67108864,
        "NanoCpus": 1500000000,
        "CpuPeriod": 100000,
        "CpuQuota": 150000,
        "Devices": [],
        "DeviceRequests": None,
        "MemorySwap": 67108864,
        "OomKillDisable": False,
        "PidsLimit": 32,
        "Ulimits": [
            {"Name": "RLIMIT_NOFILE", "Hard": 4096, "Soft": 4096},
            {"Name": "RLIMIT_NPROC", "Hard": 4096, "Soft": 4096},
            {"Name": "RLIMIT_CORE", "Hard": 0, "Soft": 0},
        ],
        "Init": True,
        "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
        "DeviceCgroupRules": None,
        "MaskedPaths": None,
        "ReadonlyPaths": None,
        "CgroupParent": "user.slice",
    }
    check = {"Test": ["NONE"], "Interval": 30000000000, "Timeout": 30000000000, "Retries": 3}
    config = {"User": NOBODY, "Healthcheck": check}
    return {"HostConfig": host | changes, "Config": config, "Mounts": []}


def test_what_docker_built_is_what_was_asked() -> None:
    refuse_missing_walls(asked(), given_by_docker(), user=NOBODY, engine=DOCKER, waived=())


def test_podman_says_the_same_in_other_words() -> None:
    limits = LIMITS.model_copy(update={"runtime": None})
    wanted = asked(limits, engine=PODMAN)
    refuse_missing_walls(wanted, given_by_podman(), user=NOBODY, engine=PODMAN, waived=())


def test_podman_ignores_a_runtime_and_is_caught() -> None:
    wanted = asked(engine=PODMAN)
    with pytest.raises(EngineError, match="runtime is 'oci', not 'runsc'") as raised:
        refuse_missing_walls(wanted, given_by_podman(), user=NOBODY, engine=PODMAN, waived=())
    assert "podman --runtime" in raised.value.remedy


def test_podmans_own_writable_folders_are_caught() -> None:
    limits = LIMITS.model_copy(update={"runtime": None})
    with pytest.raises(EngineError, match=r"writable folders is .*/var/tmp"):
        refuse_missing_walls(
            asked(limits), given_by_podman(), user=NOBODY, engine=PODMAN, waived=()
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Memory": 0}, "memory is 0"),
        ({"MemorySwap": -1}, "swap is -1"),
        ({"PidsLimit": None}, "pids is None"),
        ({"CpuQuota": 0}, "cpus is 0"),
        ({"ShmSize": 67108864}, "shm is 67108864"),
        ({"NetworkMode": "bridge"}, "network is 'bridge'"),
        ({"CapDrop": ["CAP_MKNOD"]}, "capabilities is"),
        ({"CapDrop": None}, "capabilities is None"),
        ({"CapAdd": ["SYS_ADMIN"]}, "CapAdd is"),
        ({"ReadonlyRootfs": False}, "read-only root is False"),
        ({"SecurityOpt": None}, "security options is None"),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, "security options is"),
        ({"SecurityOpt": ["no-new-privileges=false"]}, "security options is"),
        ({"Ulimits": []}, "ulimits is"),
        ({"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}]}, "ulimits is"),
        ({"Tmpfs": {}}, "writable folders is"),
        ({"Tmpfs": {"/tmp": "rw,size=1g"}}, "writable folders is"),  # noqa: S108
        ({"LogConfig": {"Type": "json-file", "Config": {}}}, "log is"),
        ({"Runtime": "runc"}, "runtime is 'runc'"),
        ({"IpcMode": "host"}, "ipc is 'host'"),
        ({"Init": False}, "init is False"),
        ({"DeviceRequests": [{"Count": -1}]}, "gpus is"),
        ({"Privileged": True}, "Privileged is True"),
        ({"Binds": ["/:/host"]}, "Binds is"),
        ({"PidMode": "host"}, "PidMode is 'host'"),
        ({"UsernsMode": "host"}, "UsernsMode is 'host'"),
        ({"Devices": [{"PathOnHost": "/dev/kvm"}]}, "Devices is"),
        ({"OomKillDisable": True}, "OomKillDisable is True"),
        ({"DeviceCgroupRules": ["a *:* rwm"]}, "DeviceCgroupRules is"),
        ({"Mounts": [{"Type": "bind"}]}, "Mounts is"),
        ({"RestartPolicy": {"Name": "always"}}, "RestartPolicy is 'always'"),
        ({"Sysctls": {"kernel.shmmax": "1"}}, "Sysctls is"),
        ({"MaskedPaths": []}, "MaskedPaths is []"),
        ({"ReadonlyPaths": []}, "ReadonlyPaths is []"),
    ],
)
def test_each_missing_wall_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError, match="did not build the walls") as raised:
        refuse_missing_walls(
            asked(), given_by_docker(**change), user=NOBODY, engine=DOCKER, waived=()
        )
    assert said in str(raised.value)


def test_a_container_that_would_run_as_root_is_refused() -> None:
    made = given_by_docker() | {"Config": {"User": ""}}
    with pytest.raises(EngineError, match="user is ''"):
        refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=())


def test_a_health_check_is_refused() -> None:
    check = {"Test": ["CMD", "touch", "/checked"]}
    made = given_by_docker() | {"Config": {"User": NOBODY, "Healthcheck": check}}
    with pytest.raises(EngineError, match="health check is"):
        refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=())


def test_another_runtime_than_the_usual_is_refused_where_none_was_asked() -> None:
    wanted = asked(LIMITS.model_copy(update={"runtime": None}))
    made = given_by_docker(Runtime="runc")
    refuse_missing_walls(wanted, made, user=NOBODY, engine=DOCKER, waived=())
    made = given_by_docker(Runtime="other")
    with pytest.raises(EngineError, match="runtime is 'other', not the engine's usual 'runc'"):
        refuse_missing_walls(wanted, made, user=NOBODY, engine=DOCKER, waived=())


@pytest.mark.parametrize("nothing", ["", None, [], {}])
def test_nothing_is_nothing_however_it_is_said(nothing: Any) -> None:
    keys = ("Sysctls", "DeviceCgroupRules", "Mounts", "RestartPolicy", "Devices", "Binds")
    made = given_by_docker(**dict.fromkeys(keys, nothing), MaskedPaths=None, ReadonlyPaths=None)
    made["Config"]["Healthcheck"] = nothing
    refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=())


def test_what_is_left_of_capabilities_goes_before_what_was_taken() -> None:
    none_left = {"EffectiveCaps": None, "BoundingCaps": []}
    made = given_by_docker(CapDrop=["CHOWN"]) | none_left
    refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=())
    made = given_by_docker() | {"EffectiveCaps": None, "BoundingCaps": ["CAP_KILL"]}
    with pytest.raises(EngineError, match="CAP_KILL"):
        refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=())


def test_a_volume_is_refused() -> None:
    made = given_by_docker() | {"Mounts": [{"Type": "volume", "Destination": "/data"}]}
    with pytest.raises(EngineError, match="/data is a mount"):
        refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=())


def test_a_gpu_that_is_not_given_is_said() -> None:
    limits = LIMITS.model_copy(update={"gpus": 1})
    with pytest.raises(EngineError, match="gpus is"):
        refuse_missing_walls(
            asked(limits), given_by_docker(), user=NOBODY, engine=DOCKER, waived=()
        )


def test_only_what_is_waived_may_be_missing() -> None:
    made = given_by_docker(Memory=0, PidsLimit=0)
    refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=("memory", "pids"))
    with pytest.raises(EngineError) as raised:
        refuse_missing_walls(asked(), made, user=NOBODY, engine=DOCKER, waived=("memory",))
    assert "pids" in str(raised.value)
    assert "memory" not in str(raised.value)


def test_an_engine_that_enforces_everything_is_taken() -> None:
    refuse_unenforced(DOCKER, waived=())


def test_an_engine_that_does_not_is_refused_with_the_way_out() -> None:
    lacking = replace(DOCKER, unenforced=("memory", "swap", "pids"), rootless=True)
    with pytest.raises(EngineError, match="does not enforce swap, pids on") as raised:
        refuse_unenforced(lacking, waived=("memory",))
    assert "--allow-unenforced memory,swap,pids" in raised.value.remedy
    assert "rootless" in raised.value.remedy
    refuse_unenforced(lacking, waived=("memory", "swap", "pids"))


def test_only_podman_is_asked_to_shut_its_own_folders() -> None:
    assert own_tmpfs(DOCKER) == {}
    assert set(own_tmpfs(PODMAN)) == {"/run", "/var/tmp"}  # noqa: S108
    assert all(options.startswith("ro,") for options in own_tmpfs(PODMAN).values())
