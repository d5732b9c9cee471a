"""How a recipe of the diffusion editor is shared out, and what is refused before any weights."""

import pickle

import pytest
import torch
from click import UsageError

from harness.cli.diffusion_building import open_on, walk_fault
from harness.cli.diffusion_opening import DiffusionSeat
from harness.cli.diffusion_place import DiffusionOptions
from harness.cli.recipe_editors import known_editors, plan_build
from harness.cli.workspace import Workspace
from harness.distribution.local import processors
from harness.errors import DeviceError, WeightsError
from harness.records.attributes import Edit
from harness.records.diffusion import DiffusionEditorSpec, Preset


@pytest.fixture
def repository(pytestconfig):
    return Workspace(root=pytestconfig.rootpath)


def plan(repository, workers=None, **options):
    return plan_build(
        repository, "mini-diffusion", workers=workers, options=DiffusionOptions(**options)
    )


def with_gpus(monkeypatch, count):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_one_process_a_gpu_and_one_on_a_cpu(monkeypatch, repository):
    with_gpus(monkeypatch, 0)
    on_cpu = plan(repository)
    assert (on_cpu.workers, on_cpu.threads) == (1, None)
    with_gpus(monkeypatch, 3)
    on_gpus = plan(repository)
    assert (on_gpus.workers, on_gpus.threads) == (3, max(1, processors() // 3))


def test_devices_may_be_named(monkeypatch, repository):
    with_gpus(monkeypatch, 3)
    assert plan(repository, device=("cuda:2",)).workers == 1
    assert plan(repository, device=("cuda:0", "cuda:2")).workers == 2
    assert plan(repository, workers=0).workers == 0
    assert plan(repository, workers=2).workers == 2


@pytest.mark.parametrize(("gpus", "devices"), [(0, "cpu"), (2, "cuda:0, cuda:1")])
def test_more_processes_than_devices_are_refused_with_the_reason(
    monkeypatch, repository, gpus, devices
):
    with_gpus(monkeypatch, gpus)
    with pytest.raises(DeviceError) as caught:
        plan(repository, workers=4)
    assert f"--workers 4 is more than one process a device ({devices})" in str(caught.value)
    assert f"--workers {max(1, gpus)}:" in caught.value.remedy
    assert "the whole model" in caught.value.remedy


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"model": "weights"}, "--model"),
        ({"device": ("cpu",)}, "--device"),
        ({"compile_unet": True}, "--compile"),
        ({"memory_gib": 2.0}, "--memory-gib"),
        ({"geometry_model": "holes"}, "--geometry-model"),
    ],
)
def test_a_painted_recipe_takes_no_option_of_diffusion(repository, options, name):
    with pytest.raises(UsageError, match=f"{name} is for recipes of the diffusion editor; mini"):
        plan_build(repository, "mini", workers=None, options=DiffusionOptions(**options))


def test_the_recipe_says_which_model_and_the_option_only_where_it_lies(repository, tmp_path):
    def camvid(**options):
        chosen = DiffusionOptions(**options)
        return plan_build(repository, "camvid-ea", workers=None, options=chosen)

    assert camvid(model=str(tmp_path)).workers >= 1
    with pytest.raises(WeightsError, match=r"sd-1\.5 is no folder.* recipe: sd-2\.1-base"):
        camvid(model="sd-1.5")
    with pytest.raises(WeightsError, match="--geometry-model tiny is no folder"):
        camvid(geometry_model="tiny")
    assert camvid(model="tiny", geometry_model="tiny").loaded.recipe.name == "camvid-ea-tiny"
    with pytest.raises(WeightsError, match="random numbers") as caught:
        plan(repository, model=str(tmp_path))
    assert caught.value.remedy == "Leave --model out."


def test_each_process_takes_the_device_of_its_number(tmp_path):
    spec = DiffusionEditorSpec(model="tiny", steps=2)
    snowy = Edit(attribute="weather", value="snowy")
    seat = DiffusionSeat(spec=spec, edits=(snowy,), cache=tmp_path)
    devices = ("cpu", "cuda:77")
    assert open_on(seat, devices, 0).device.device == "cpu"
    assert open_on(seat, devices, 2).device.device == "cpu"
    with pytest.raises(DeviceError, match="no device cuda:77"):
        open_on(seat, devices, 1)


def test_how_an_editor_is_opened_can_be_sent_to_a_process(repository):
    factory = plan(repository, device=("cpu",)).editor_factory
    sent = pickle.loads(pickle.dumps(factory))  # noqa: S301 - our own bytes
    assert sent.args == factory.args


@pytest.mark.parametrize(
    ("steps", "inversion", "preset"),
    [(50, None, "matched"), (50, None, "published"), (7, None, "published"), (50, 100, "matched")],
)
def test_walks_that_meet_are_taken(steps, inversion, preset):
    spec = DiffusionEditorSpec(steps=steps, inversion_steps=inversion, preset=Preset(preset))
    assert walk_fault(spec) is None


def test_a_walk_that_misses_a_timestep_is_named():
    fault = walk_fault(DiffusionEditorSpec(steps=50, inversion_steps=75))
    assert fault.place == ("editor", "inversion_steps")
    assert "75 inversion steps don't pass through the 50 sampling timesteps" in fault.what
    assert "(50)" in fault.remedy


def test_a_walk_longer_than_the_schedule_is_named():
    fault = walk_fault(DiffusionEditorSpec(steps=1000))
    assert fault.place == ("editor", "steps")
    assert fault.remedy == "Use 999 at most."


def test_what_is_known_of_the_editors():
    known = known_editors()
    assert {"sd-2.1-base", "sd-1.5", "tiny"} <= set(known.models)
    assert {"sd-1.5-inpainting", "tiny"} <= set(known.geometry_models)
    assert known.diffusion_fault(DiffusionEditorSpec(steps=1000)) is None
