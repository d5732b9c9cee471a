import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.editing.diffusion.determinism import computing, fix_workspace
from harness.editing.diffusion.device import (
    Gpu,
    Machine,
    Runtime,
    choose_runtime,
    describe_runtime,
    look_at_machine,
)
from harness.editing.diffusion.memory import free_memory, usable
from harness.editing.diffusion.profiles import SD_1_5, SD_2_1_BASE, TINY
from harness.editing.diffusion.tiny import make_tiny_model
from harness.errors import DeviceError
from harness.records.diffusion import Precision
from harness.records.editing import DeviceEnvironment

GIB = 2**30
BIG = Gpu(name="Big GPU", free_bytes=80 * GIB, bfloat16=True)
OLD = Gpu(name="Old GPU", free_bytes=16 * GIB, bfloat16=False)
NO_GPU = Machine(gpus=(), free_bytes=64 * GIB)
ONE_GPU = Machine(gpus=(BIG,), free_bytes=64 * GIB)


def chosen(
    machine: Machine,
    *,
    device: str | None = None,
    precision: Precision | None = None,
    memory_gib: float | None = None,
) -> Runtime:
    return choose_runtime(
        device=device,
        precision=precision,
        profile=SD_2_1_BASE,
        memory_gib=memory_gib,
        machine=machine,
    )


def test_without_a_wish_it_is_the_first_gpu_in_the_profiles_format() -> None:
    runtime = chosen(ONE_GPU)
    assert runtime.device == torch.device("cuda", 0)
    assert runtime.dtype is torch.bfloat16
    assert runtime.precision is Precision.BFLOAT16
    assert runtime.memory_bytes == int(80 * GIB * 0.85)
    assert runtime.weights_bytes == 2 * SD_2_1_BASE.parameters
    assert runtime.working_bytes == runtime.memory_bytes - runtime.weights_bytes


def test_without_a_gpu_it_is_the_cpu_in_float32() -> None:
    runtime = chosen(NO_GPU)
    assert runtime.device == torch.device("cpu")
    assert runtime.dtype is torch.float32
    assert runtime.memory_bytes == int(64 * GIB * 0.85)


def test_a_numbered_gpu_is_taken() -> None:
    machine = Machine(gpus=(OLD, BIG), free_bytes=64 * GIB)
    assert chosen(machine, device="cuda:1").device == torch.device("cuda", 1)
    assert chosen(machine, device="cuda").device == torch.device("cuda", 0)
    assert chosen(machine, device="cpu").device == torch.device("cpu")


@pytest.mark.parametrize(("machine", "device"), [(NO_GPU, "cuda"), (ONE_GPU, "cuda:1")])
def test_a_gpu_that_is_not_there_is_an_error_with_a_way_out(machine: Machine, device: str) -> None:
    with pytest.raises(DeviceError, match=f"no device {device}") as caught:
        chosen(machine, device=device)
    assert caught.value.exit_code == 18
    assert "--device cpu" in caught.value.remedy
    assert "--model tiny" in caught.value.remedy


@pytest.mark.parametrize("device", ["gpu", "mps", "cuda:", "cuda:x", "cuda:-1", "cpu:0", ""])
def test_other_devices_are_unknown(device: str) -> None:
    with pytest.raises(DeviceError, match="is no device the harness knows"):
        chosen(ONE_GPU, device=device)


def test_float16_on_a_cpu_is_refused() -> None:
    with pytest.raises(DeviceError, match="float16") as caught:
        chosen(NO_GPU, precision=Precision.FLOAT16)
    assert "bfloat16" in caught.value.remedy


def test_a_gpu_without_bfloat16_gets_float32_unless_asked() -> None:
    machine = Machine(gpus=(OLD,), free_bytes=64 * GIB)
    assert chosen(machine).dtype is torch.float32
    assert chosen(machine, precision=Precision.FLOAT16).dtype is torch.float16
    sd15 = choose_runtime(device=None, precision=None, profile=SD_1_5, machine=machine)
    assert sd15.dtype is torch.float16
    with pytest.raises(DeviceError, match="Old GPU has no bfloat16"):
        chosen(machine, precision=Precision.BFLOAT16)


def test_too_little_memory_says_what_is_needed_and_what_there_is() -> None:
    # 1,289,952,427 numbers of 4 bytes are 4.8 GiB; of 5 GiB free 85 % may be used
    machine = Machine(gpus=(), free_bytes=5 * GIB)
    with pytest.raises(DeviceError) as caught:
        chosen(machine)
    assert "takes 4.8 GiB for its weights alone" in str(caught.value)
    assert "4.2 GiB of main memory may be used" in str(caught.value)
    assert "bfloat16" in caught.value.remedy


def test_where_the_gpu_is_full_the_cpu_is_proposed() -> None:
    full = replace(BIG, free_bytes=GIB)
    with pytest.raises(DeviceError, match="of Big GPU may be used") as caught:
        chosen(Machine(gpus=(full,), free_bytes=64 * GIB))
    assert "nvidia-smi" in caught.value.remedy
    assert "--device cpu" in caught.value.remedy


def test_where_nothing_fits_another_machine_is_proposed() -> None:
    full = replace(BIG, free_bytes=GIB)
    with pytest.raises(DeviceError) as caught:
        chosen(Machine(gpus=(full,), free_bytes=GIB))
    assert "--device cpu" not in caught.value.remedy
    assert "--model tiny" in caught.value.remedy


def test_the_tiny_model_fits_anywhere() -> None:
    machine = Machine(gpus=(), free_bytes=GIB // 4)
    runtime = choose_runtime(device=None, precision=None, profile=TINY, machine=machine)
    assert runtime.working_bytes > 0


def test_the_users_budget_goes_before_the_found_one() -> None:
    assert chosen(NO_GPU, memory_gib=6.0).memory_bytes == 6 * GIB
    with pytest.raises(DeviceError, match=r"1\.0 GiB of main memory"):
        chosen(NO_GPU, memory_gib=1.0)


@pytest.mark.parametrize("memory_gib", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_that_is_none_is_refused(memory_gib: float) -> None:
    with pytest.raises(DeviceError, match="can't be used"):
        chosen(NO_GPU, memory_gib=memory_gib)


def test_where_nothing_tells_the_memory_the_user_must() -> None:
    blind = Machine(gpus=(), free_bytes=None)
    with pytest.raises(DeviceError) as caught:
        chosen(blind)
    assert "--memory-gib" in caught.value.remedy
    assert chosen(blind, memory_gib=8.0).memory_bytes == 8 * GIB


def test_this_machine_is_looked_at() -> None:
    machine = look_at_machine()
    assert len(machine.gpus) == torch.cuda.device_count()
    assert machine.free_bytes is None or machine.free_bytes > 0


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """Have torch tell of three GPUs; return whose memory was looked at, which makes a context."""
    looked: list[torch.device] = []

    def look(device: torch.device) -> list[int]:
        looked.append(device)
        return [(device.index + 1) * 10 * GIB, 80 * GIB]

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(torch.cuda, "mem_get_info", look)
    return looked


def test_only_the_chosen_gpus_memory_is_looked_at(three_gpus: list[torch.device]) -> None:
    runtime = choose_runtime(device="cuda:2", precision=None, profile=SD_2_1_BASE)
    assert runtime.memory_bytes == usable(30 * GIB)
    assert three_gpus == [torch.device("cuda", 2)]


@pytest.mark.parametrize(("device", "memory_gib"), [("cpu", None), ("cuda:1", 8.0)])
def test_no_gpus_memory_is_looked_at_where_it_does_not_count(
    three_gpus: list[torch.device], device: str, memory_gib: float | None
) -> None:
    choose_runtime(device=device, precision=None, profile=TINY, memory_gib=memory_gib)
    assert [gpu.name for gpu in look_at_machine().gpus] == ["GPU 0", "GPU 1", "GPU 2"]
    assert three_gpus == []


def write(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


MEMINFO = "MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:    8388608 kB\n"


def test_without_a_limit_the_kernel_says_what_is_free(tmp_path: Path) -> None:
    write(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="0::/\n")
    assert free_memory(tmp_path) == 8 * GIB


def test_a_control_group_of_version_2_limits(tmp_path: Path) -> None:
    write(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="0::/a/b\n")
    group = tmp_path / "sys" / "fs" / "cgroup" / "a"
    write(
        group,
        memory_dot_max=str(4 * GIB),
        memory_dot_current=str(3 * GIB),
        memory_dot_stat=f"anon 5\ninactive_file {GIB}\n",
    )
    write(group / "b", memory_dot_max="max\n", memory_dot_current="7")
    # 4 GiB allowed, 3 in use, 1 of those given back at need
    assert free_memory(tmp_path) == 2 * GIB


@pytest.mark.parametrize("seen_path", ["docker/abc", ""])
def test_a_control_group_of_version_1_limits(tmp_path: Path, seen_path: str) -> None:
    # inside a container the path is the host's and only the mount itself is there
    write(
        tmp_path,
        proc__meminfo=MEMINFO,
        proc__self__cgroup="5:devices:/x\n4:memory,misc:/docker/abc\n0::/\n",
    )
    write(
        tmp_path / "sys" / "fs" / "cgroup" / "memory" / seen_path,
        memory_dot_limit_in_bytes=f"{2 * GIB}\n",
        memory_dot_usage_in_bytes=f"{GIB}\n",
        memory_dot_stat="inactive_file 1\ntotal_inactive_file 24\n",
    )
    assert free_memory(tmp_path) == GIB + 24


def test_version_1_without_a_limit_writes_a_huge_one(tmp_path: Path) -> None:
    write(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="4:memory:/\n")
    write(
        tmp_path / "sys" / "fs" / "cgroup" / "memory",
        memory_dot_limit_in_bytes="9223372036854771712\n",
        memory_dot_usage_in_bytes="1\n",
    )
    assert free_memory(tmp_path) == 8 * GIB


def test_a_group_over_its_limit_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="0::/\n")
    write(tmp_path / "sys/fs/cgroup", memory_dot_max="100", memory_dot_current="200")
    assert free_memory(tmp_path) == 0


def test_a_system_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    assert free_memory(tmp_path) is None


def test_a_share_is_kept_free() -> None:
    assert usable(1000) == 850


def settings() -> list[object]:
    cudnn = torch.backends.cudnn
    return [
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.benchmark,
        cudnn.deterministic,
        cudnn.allow_tf32,
        torch.backends.cuda.matmul.allow_tf32,
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    ]


def fail() -> None:
    raise ValueError


@pytest.mark.parametrize("end", [lambda: None, fail])
@pytest.mark.parametrize("workspace", [None, ":16:8"])
def test_deterministic_settings_are_set_and_put_back(
    monkeypatch: pytest.MonkeyPatch, end: Callable[[], None], workspace: str | None
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    if workspace:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", workspace)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = settings()
    try:
        with computing(replace(chosen(NO_GPU), deterministic=True)):
            assert settings() == [True, False, False, True, False, False, ":4096:8"]
            end()
    except ValueError:
        pass
    assert settings() == before


def test_a_pass_and_its_gradient_repeat_themselves_bit_by_bit() -> None:
    runtime = replace(chosen(NO_GPU), deterministic=True)
    model = make_tiny_model(runtime)
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    text = torch.randn(2, 77, 32, generator=torch.Generator().manual_seed(1))

    def gradient() -> torch.Tensor:
        leaf = latents.clone().requires_grad_()
        model.unet(leaf, 500, text).sample.square().mean().backward()
        assert leaf.grad is not None
        return leaf.grad

    with computing(runtime):
        first, second = gradient(), gradient()
        decoded = model.vae.decode(latents).sample
    assert torch.equal(first, second)
    assert torch.isfinite(decoded).all()
    assert float(first.abs().max()) > 0


def test_nothing_is_set_where_it_was_not_asked_for() -> None:
    before = settings()
    with computing(chosen(NO_GPU)):
        assert settings() == before


def test_what_it_computes_on_is_recorded_and_reads_back() -> None:
    runtime = replace(chosen(NO_GPU), deterministic=True)
    record = describe_runtime(runtime, weights={"unet/config.json": "0" * 64})
    assert record.device == "cpu"
    assert record.device_name
    assert record.precision is Precision.FLOAT32
    assert record.deterministic
    assert not record.compiled
    assert record.torch == torch.__version__
    assert record.cuda is None
    assert record.threads == torch.get_num_threads()
    assert record.weights == {"unet/config.json": "0" * 64}
    assert DeviceEnvironment.model_validate_json(record.model_dump_json()) == record


@pytest.mark.usefixtures("three_gpus")
def test_cpu_threads_tell_records_apart_on_a_cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GPU")
    on_gpu, on_cpu = [], []
    for threads, device in ((16, "cuda:0"), (4, "cuda:2")):  # alone, and one of several
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        on_gpu.append(describe_runtime(chosen(look_at_machine(), device=device)).any_number())
        on_cpu.append(describe_runtime(chosen(NO_GPU)).any_number())
    assert on_gpu[0] == on_gpu[1]
    assert on_gpu[0].threads is None
    assert [record.threads for record in on_cpu] == [16, 4]


def test_records_from_before_geometry_had_its_own_format_still_read() -> None:
    former = describe_runtime(chosen(NO_GPU)).model_dump(mode="json")
    del former["geometry_precision"]
    assert DeviceEnvironment.model_validate(former).geometry_precision is None


def test_the_workspace_is_fixed_unless_the_user_chose_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    fix_workspace()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    fix_workspace()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
