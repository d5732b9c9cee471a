from harness.records.submission import ContainerLimits
from harness.sandbox.walls import container_settings, host_settings

LIMITS = ContainerLimits(
    memory_mb=100, cpus=1.5, pids=40, shm_mb=8, tmp_mb=16, max_in_flight=3, runtime="runsc"
)


def test_every_wall_stands():
    settings = host_settings(LIMITS)

    assert settings["network_mode"] == "none"
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges"]
    assert settings["read_only"] is True
    assert settings["init"] is True
    assert settings["ipc_mode"] == "private"
    assert settings["mem_limit"] == settings["memswap_limit"] == 104857600
    assert settings["pids_limit"] == 40
    assert settings["cpu_quota"] / settings["cpu_period"] == 1.5
    assert settings["shm_size"] == 8388608
    assert settings["log_config"]["Type"] == "none"
    assert settings["runtime"] == "runsc"
    assert settings["device_requests"] == []
    (tmpfs,) = settings["tmpfs"].values()
    assert set(tmpfs.split(",")) >= {"noexec", "nosuid", "nodev", "size=16m"}
    assert {limit["Name"] for limit in settings["ulimits"]} == {"nofile", "nproc", "core"}
    assert not {"binds", "mounts", "devices", "privileged", "cap_add"} & set(settings)


def test_gpus_are_asked_for_only_where_wanted():
    (request,) = host_settings(LIMITS.model_copy(update={"gpus": 2}))["device_requests"]

    assert (request["Count"], request["Capabilities"]) == (2, [["gpu"]])


def test_a_submission_is_nobody_and_is_told_what_it_may_use():
    settings = container_settings(LIMITS, image_environment={})

    assert settings["user"] == "65534:65534"
    assert settings["healthcheck"] == {"test": ["NONE"]}
    assert settings["stdin_open"] is True
    assert settings["environment"]["HARNESS_MAX_IN_FLIGHT"] == "3"
    assert settings["environment"]["OMP_NUM_THREADS"] == "2"


def test_an_image_that_names_gpus_sees_only_what_was_granted():
    image = {"NVIDIA_VISIBLE_DEVICES": "all"}
    without = container_settings(LIMITS, image_environment=image)
    granted = LIMITS.model_copy(update={"gpus": 1})

    assert without["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert (
        "NVIDIA_VISIBLE_DEVICES"
        not in container_settings(granted, image_environment=image)["environment"]
    )


def test_threads_that_an_image_sets_itself_are_left():
    settings = container_settings(LIMITS, image_environment={"OMP_NUM_THREADS": "7"})

    assert "OMP_NUM_THREADS" not in settings["environment"]
