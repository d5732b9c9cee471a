import pytest
import torch

from harness.checkpoints.device import choose_dtype, choose_torch_device
from harness.errors import DeviceError

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("asked", "gpus", "expected"),
    [
        (None, (), "cpu"),
        (None, ("Big", "Small"), "cuda:0"),
        ("cpu", ("Big",), "cpu"),
        ("cuda", ("Big",), "cuda:0"),
        ("cuda:1", ("Big", "Small"), "cuda:1"),
    ],
)
def test_a_gpu_is_taken_where_there_is_one(asked, gpus, expected):
    assert choose_torch_device(asked, gpus=gpus) == torch.device(expected)


def test_this_machine_is_looked_at_where_nothing_is_said():
    assert choose_torch_device(None).type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("asked", ["gpu", "mps", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "cpu:", ""])
def test_other_devices_are_unknown(asked):
    with pytest.raises(DeviceError, match="is no device the harness knows"):
        choose_torch_device(asked, gpus=("Big",))


def test_a_gpu_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(DeviceError, match=r"no device cuda:1: torch .* sees Big") as caught:
        choose_torch_device("cuda:1", gpus=("Big",))
    assert "--device cpu" in caught.value.remedy
    with pytest.raises(DeviceError, match="sees no CUDA GPU"):
        choose_torch_device("cuda", gpus=())


def test_number_formats():
    assert choose_dtype(None, CPU) is torch.float32
    assert choose_dtype(None, GPU) is torch.float16
    assert choose_dtype("bfloat16", CPU) is torch.bfloat16
    assert choose_dtype("float32", GPU) is torch.float32
    with pytest.raises(DeviceError, match="a CPU computes float16 slowly"):
        choose_dtype("float16", CPU)
