import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusion_folders import TEXT, UNET, VAE, change_settings, change_tensors, save_model

from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.loading import load_diffusion_model
from harness.editing.diffusion.tiny import make_tiny_model
from harness.errors import WeightsError

CPU = Runtime(device=torch.device("cpu"), dtype=torch.float32, memory_bytes=2**30)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(make_tiny_model(CPU), tmp_path_factory.mktemp("saved") / "small-model")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def cut_short(folder: Path) -> None:
    path = folder / UNET
    path.write_bytes(path.read_bytes()[:-1000])


def no_safetensors(folder: Path) -> None:
    (folder / VAE).write_bytes(b"not weights at all")


def another_kind(folder: Path) -> None:
    change_settings(
        folder / "unet/config.json", lambda s: s.update(_class_name="SD3Transformer2DModel")
    )


def another_text_encoder(folder: Path) -> None:
    change_settings(folder / "text_encoder/config.json", lambda s: s.update(model_type="t5"))


def another_width(folder: Path) -> None:
    change_settings(folder / "unet/config.json", lambda s: s.update(cross_attention_dim=40))


def other_shapes(folder: Path) -> None:
    change_tensors(folder / UNET, lambda t: t.update({"conv_in.weight": torch.zeros(32, 4, 1, 1)}))


def other_text_shapes(folder: Path) -> None:
    name = "final_layer_norm.weight"

    def change(tensors: dict[str, torch.Tensor]) -> None:
        key = next(key for key in tensors if key.endswith(name))
        tensors[key] = torch.ones(7)

    change_tensors(folder / TEXT, change)


def a_tensor_missing(folder: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["conv_out.bias"]

    change_tensors(folder / UNET, change)


def a_text_tensor_missing(folder: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        del tensors[next(key for key in tensors if key.endswith("token_embedding.weight"))]

    change_tensors(folder / TEXT, change)


def no_json(folder: Path) -> None:
    (folder / "vae/config.json").write_text("{", encoding="utf-8")


def no_object(folder: Path) -> None:
    (folder / "vae/config.json").write_text("[]", encoding="utf-8")


def three_levels(folder: Path) -> None:
    change_settings(folder / "vae/config.json", lambda s: s["block_out_channels"].pop())


def other_latents(folder: Path) -> None:
    change_settings(folder / "vae/config.json", lambda s: s.update(latent_channels=16))


def nonsense_settings(folder: Path) -> None:
    change_settings(folder / "unet/config.json", lambda s: s.update(block_out_channels=[32]))


def an_inpainting_unet(folder: Path) -> None:
    change_settings(folder / "unet/config.json", lambda s: s.update(in_channels=9))
    change_tensors(folder / UNET, lambda t: t.update({"conv_in.weight": torch.zeros(32, 9, 3, 3)}))


def too_many_tokens(folder: Path) -> None:
    path = folder / "tokenizer" / "vocab.json"
    change_settings(path, lambda s: s.update(extra=len(s)))


def no_vocabulary(folder: Path) -> None:
    (folder / "tokenizer" / "vocab.json").write_text("3", encoding="utf-8")


def a_gap_in_the_vocabulary(folder: Path) -> None:
    path = folder / "tokenizer" / "vocab.json"
    change_settings(path, lambda s: s.update(extra=5000))


def an_unknown_merge(folder: Path) -> None:
    path = folder / "tokenizer" / "merges.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:2], "qq xx", *lines[2:]]), encoding="utf-8")


def merges_of_bytes(folder: Path) -> None:
    (folder / "tokenizer" / "merges.txt").write_bytes(b"\xff\xfe\x00")


def a_strange_schedule(folder: Path) -> None:
    path = folder / "scheduler" / "scheduler_config.json"
    change_settings(path, lambda s: s.update(beta_schedule="none known"))


@pytest.mark.parametrize(
    ("break_it", "file", "told"),
    [
        (cut_short, UNET, "no whole safetensors file"),
        (no_safetensors, VAE, "no whole safetensors file"),
        (another_kind, "unet/config.json", "SD3Transformer2DModel, not UNet2DConditionModel"),
        (another_text_encoder, "text_encoder/config.json", "'t5', not a CLIP text encoder"),
        (another_width, "unet/config.json", "40 wide, and text_encoder/config.json gives 32"),
        (other_shapes, UNET, "conv_in"),
        (other_text_shapes, TEXT, "another shape of"),
        (a_tensor_missing, UNET, "lacks conv_out.bias"),
        (a_text_tensor_missing, TEXT, "token_embedding.weight"),
        (no_json, "vae/config.json", "can't be read as JSON"),
        (no_object, "vae/config.json", "no JSON object"),
        (three_levels, "vae/config.json", "3 levels"),
        (other_latents, "vae/config.json", "16 latent channels, and the UNet has 4"),
        (nonsense_settings, UNET, "does not load"),
        (an_inpainting_unet, "unet/config.json", "takes 9 channels, not 4: it is an inpainting"),
        (too_many_tokens, "tokenizer/vocab.json", "813 tokens, and the text encoder knows 812"),
        (no_vocabulary, "tokenizer/vocab.json", "no JSON object"),
        (a_gap_in_the_vocabulary, "tokenizer/vocab.json", "does not number its tokens"),
        (an_unknown_merge, "tokenizer/merges.txt", "line 3: 'qq xx' merges no two tokens"),
        (merges_of_bytes, "tokenizer/merges.txt", "can't be read as text"),
        (a_strange_schedule, "scheduler/scheduler_config.json", "does not load"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_folder_that_is_no_model_is_refused_by_file(
    folder: Path, break_it: Callable[[Path], None], file: str, told: str
) -> None:
    break_it(folder)
    with pytest.raises(WeightsError) as caught:
        load_diffusion_model(str(folder), files={}, runtime=CPU)
    assert str(folder / file) in str(caught.value)
    assert told in str(caught.value)
    assert caught.value.remedy
