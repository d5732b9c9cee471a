import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusion_folders import TEXT, UNET, VAE, change_tensors, save_model
from safetensors.torch import load_file, save_file

from harness.checkpoints.place import WeightsPlace
from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.diffusion.loading import (
    check_taps,
    find_inpainting_profile,
    find_profile,
    load_diffusion_model,
    load_inpainting_model,
)
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.model_folder import native_side
from harness.editing.diffusion.profile import STABLE_DIFFUSION_TAPS, TapPoints
from harness.editing.diffusion.profiles import PROFILES, SD_1_5_INPAINTING, SD_2_1_BASE
from harness.editing.diffusion.tiny import make_tiny_inpainting, make_tiny_model
from harness.errors import WeightsError
from harness.records.diffusion import Precision

CPU = Runtime(device=torch.device("cpu"), dtype=torch.float32, memory_bytes=2**30)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(make_tiny_model(CPU), tmp_path_factory.mktemp("saved") / "small-model")


@pytest.fixture(scope="module")
def saved_inpainting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(make_tiny_inpainting(CPU), tmp_path_factory.mktemp("saved") / "pair")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def load(folder: Path, **files: str) -> Any:
    return load_diffusion_model(str(folder), files=files, runtime=CPU)


def test_what_was_saved_is_loaded_with_every_digest(saved: Path) -> None:
    made, loaded = make_tiny_model(CPU), load(saved)

    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = getattr(made, part).state_dict(), getattr(loaded, part).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        network = getattr(loaded, part)
        assert not any(module.training for module in network.modules())
        assert not any(parameter.requires_grad for parameter in network.parameters())
    assert loaded.digests[UNET] == hashlib.sha256((saved / UNET).read_bytes()).hexdigest()
    assert set(loaded.digests) == {
        str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()
    }
    assert not loaded.meaningless
    assert loaded.profile.name == "small-model"


def test_loading_shows_nothing(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(saved)
    assert capsys.readouterr() == ("", "")


def test_networks_are_loaded_in_the_format_that_was_asked_for(saved: Path) -> None:
    runtime = Runtime(device=CPU.device, dtype=torch.bfloat16, memory_bytes=2**30)
    model = load_diffusion_model(str(saved), files={}, runtime=runtime)
    for network in (model.unet, model.vae, model.text_encoder):
        assert {p.dtype for p in network.parameters()} == {torch.bfloat16}
    assert model.text_encoder.embeddings.position_ids.tolist() == [list(range(77))]


def test_half_precision_files_are_loaded(folder: Path) -> None:
    for name in (UNET, VAE, TEXT):
        tensors = {key: value.half() for key, value in load_file(folder / name).items()}
        half = folder / name.replace(".safetensors", ".fp16.safetensors")
        save_file(tensors, half, metadata={"format": "pt"})
        (folder / name).unlink()
    model = load(folder)
    full = make_tiny_model(CPU).unet.conv_in.weight
    assert torch.equal(model.unet.conv_in.weight, full.half().float())
    assert TEXT.replace(".safetensors", ".fp16.safetensors") in model.digests


def test_names_of_older_versions_are_understood(folder: Path) -> None:
    # as the files of Stable Diffusion 1 and 2 have them
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

    def age_attention(tensors: dict[str, torch.Tensor]) -> None:
        for name in [n for n in tensors if "mid_block.attentions" in n]:
            aged = name
            for new_word, old_word in old.items():
                aged = aged.replace(f".{new_word}.", f".{old_word}.")
            tensors[aged] = tensors.pop(name)

    def age_text(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            tensors[f"text_model.{name.removeprefix('text_model.')}"] = tensors.pop(name)
        tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]

    change_tensors(folder / VAE, age_attention)
    change_tensors(folder / TEXT, age_text)
    assert any("proj_attn" in name for name in load_file(folder / VAE))

    loaded, made = load(folder), make_tiny_model(CPU)
    for part in ("vae", "text_encoder"):
        ours, theirs = getattr(made, part).state_dict(), getattr(loaded, part).state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_tokenizer_tells_places_and_pads_as_the_model_says(saved: Path) -> None:
    tokenizer = load(saved).tokenizer
    coded = tokenizer("a red chandelier", return_offsets_mapping=True)
    assert coded.offset_mapping[1:3] == [(0, 1), (2, 5)]
    padded = tokenizer("a", padding="max_length").input_ids
    assert len(padded) == 77
    assert padded[3:] == [0] * 74  # SD 2 pads with "!", its first token


def test_a_tokenizer_beside_the_proven_files_is_not_read(folder: Path) -> None:
    (folder / "tokenizer" / "tokenizer.json").write_text("{}", encoding="utf-8")
    model = load(folder)
    assert model.tokenizer("a").input_ids
    assert "tokenizer/tokenizer.json" not in model.digests


def test_another_samplers_schedule_is_taken_for_ddim(folder: Path) -> None:
    published = {
        "_class_name": "PNDMScheduler",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "num_train_timesteps": 1000,
        "skip_prk_steps": True,
        "steps_offset": 1,
    }
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(published), encoding="utf-8")
    scheduler = load(folder).scheduler
    assert float(scheduler.alphas_cumprod[0]) == pytest.approx(0.99915, abs=1e-6)
    assert scheduler.config["clip_sample"] is False
    assert float(scheduler.final_alpha_cumprod) == float(scheduler.alphas_cumprod[0])


def test_wrong_bytes_are_refused_before_anything_is_loaded(folder: Path) -> None:
    with pytest.raises(WeightsError, match=f"{UNET} is not the promised file") as caught:
        load(folder, **{UNET: "0" * 64})
    assert "0" * 64 in str(caught.value)


def test_a_unet_without_a_tap_point_is_refused(saved: Path) -> None:
    unet = load(saved).unet

    def taps(**changes: Any) -> TapPoints:
        values = {name: getattr(STABLE_DIFFUSION_TAPS, name) for name in TapPoints.__annotations__}
        return TapPoints(**{**values, **changes})

    gone = "up_blocks.1.attentions.9.transformer_blocks.0.attn1"
    path = Path("unet/config.json")
    check_taps(unet, taps(), path)
    with pytest.raises(WeightsError, match=f"without {gone}"):
        check_taps(unet, taps(self_attention=(gone,)), path)
    with pytest.raises(WeightsError, match="conv_in is no Attention"):
        check_taps(unet, taps(cross_attention=("conv_in",)), path)
    with pytest.raises(WeightsError, match=r"up_blocks\.0 is no Conv2d"):
        check_taps(unet, taps(features="up_blocks.0"), path)


@pytest.mark.parametrize(
    ("sample_size", "side"),
    [(64, 512), (96, 768), (32, 512), (16, 512), (None, 512), ([64, 64], 512)],
)
def test_the_native_side_is_what_the_model_was_trained_at(sample_size: object, side: int) -> None:
    assert native_side({"sample_size": sample_size}) == side


def test_a_folders_profile_knows_its_size_and_pins_nothing(saved: Path) -> None:
    profile = find_profile(str(saved))
    made = make_tiny_model(CPU)
    networks = (made.unet, made.vae, made.text_encoder)
    assert profile.parameters == sum(p.numel() for n in networks for p in n.parameters())
    assert profile.files == {}
    assert profile.native_side == 512
    assert profile.gpu_precision is Precision.BFLOAT16
    assert profile.taps == STABLE_DIFFUSION_TAPS


def test_a_name_is_a_profile_and_anything_else_is_refused() -> None:
    assert find_profile("sd-2.1-base") is SD_2_1_BASE
    assert find_inpainting_profile("sd-1.5-inpainting") is SD_1_5_INPAINTING
    with pytest.raises(WeightsError, match=r"sd-2\.1-base, sd-1\.5, tiny"):
        find_profile("sd-9")
    with pytest.raises(WeightsError, match=r"sd-1\.5-inpainting, tiny"):
        find_inpainting_profile("sd-2.1-base")


def test_a_name_goes_before_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_profile("tiny") is PROFILES["tiny"]
    with pytest.raises(WeightsError, match=r"model_index\.json is not there"):
        find_profile("./tiny")


@pytest.mark.parametrize("loader", [load_diffusion_model, load_inpainting_model])
def test_a_folder_may_be_called_by_its_own_name(
    loader: Callable[..., DiffusionModel | InpaintingModel],
    saved: Path,
    saved_inpainting: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = saved if loader is load_diffusion_model else saved_inpainting
    monkeypatch.chdir(folder.parent)
    model = loader(folder.name, files={}, runtime=CPU, place=WeightsPlace(offline=True))
    assert model.profile.name == folder.name
    assert "unet/config.json" in model.digests


def test_a_folder_named_as_a_profile_is_held_to_its_digests(saved: Path) -> None:
    place = WeightsPlace(folder=saved)
    with pytest.raises(WeightsError, match="is not the promised file"):
        load_diffusion_model("sd-2.1-base", files={}, runtime=CPU, place=place)


def test_a_recipes_digest_goes_before_the_profiles(saved: Path) -> None:
    read = load(saved).digests
    place = WeightsPlace(folder=saved)
    model = load_diffusion_model("sd-2.1-base", files=read, runtime=CPU, place=place)
    assert model.digests == read
    assert model.profile is SD_2_1_BASE


def test_digests_are_remembered(saved: Path, tmp_path: Path) -> None:
    place = WeightsPlace(digests=tmp_path / "digests.json")
    load_diffusion_model(str(saved), files={}, runtime=CPU, place=place)
    kept = json.loads((tmp_path / "digests.json").read_text(encoding="utf-8"))
    assert str((saved / UNET).resolve()) in kept


def test_tiny_says_loudly_that_it_means_nothing(caplog: pytest.LogCaptureFixture) -> None:
    model = load_diffusion_model("tiny", files={}, runtime=CPU)
    assert model.meaningless
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "MEAN NOTHING" in caplog.text
    pair = load_inpainting_model("tiny", files={}, runtime=CPU)
    assert pair.meaningless
    assert len(caplog.records) == 2


@pytest.mark.parametrize("loader", [load_diffusion_model, load_inpainting_model])
def test_tiny_has_no_files_to_promise(loader: Callable[..., object]) -> None:
    with pytest.raises(WeightsError, match="random weights are made without files"):
        loader("tiny", files={UNET: "0" * 64}, runtime=CPU)


def test_an_inpainting_pair_is_loaded(saved_inpainting: Path) -> None:
    made = make_tiny_inpainting(CPU)
    loaded = load_inpainting_model(str(saved_inpainting), files={}, runtime=CPU)
    for part in ("unet", "controlnet", "vae", "text_encoder"):
        ours, theirs = getattr(made, part).state_dict(), getattr(loaded, part).state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert "controlnet/config.json" in loaded.digests
    assert loaded.profile.parameters == sum(
        parameter.numel()
        for part in ("unet", "controlnet", "vae", "text_encoder")
        for parameter in getattr(made, part).parameters()
    )


def test_a_pair_without_its_controlnet_is_refused(saved: Path) -> None:
    with pytest.raises(WeightsError, match=r"controlnet/config\.json is not there"):
        load_inpainting_model(str(saved), files={}, runtime=CPU)


def test_a_pair_whose_unet_edits_is_refused(
    saved_inpainting: Path, saved: Path, tmp_path: Path
) -> None:
    mixed = Path(shutil.copytree(saved_inpainting, tmp_path / "mixed"))
    shutil.copytree(saved / "unet", mixed / "unet", dirs_exist_ok=True)
    with pytest.raises(WeightsError, match="takes 4 channels, not 9"):
        load_inpainting_model(str(mixed), files={}, runtime=CPU)


def test_the_reference_model_is_loaded_at_the_side_it_was_computed_at(project_root: Path) -> None:
    reference = project_root.parent / "shared" / "data" / "pnp_reference" / "tiny-sd"
    if not reference.is_dir():
        pytest.fail(f"{reference} is missing: the reference data lies beside the project")
    model = load(reference)
    assert model.profile.native_side == 512
    assert model.scheduler.config["prediction_type"] == "epsilon"
    assert model.tokenizer("chairs", return_offsets_mapping=True).offset_mapping[1] == (0, 6)
