"""The published preset, by the command line, against what the published code computed (issue 3).

The reference's text encoder is not the one in its folder. Its tensors have names that the packages
of the published code (transformers 4.26.1, as its README pins) did not know, so those drew new
ones, silently, after seeding with 1 and building the autoencoder and the UNet. They are drawn again
here; with the folder's own text encoder the first step of the inversion is off already. The
published code itself, run with the folder's own text encoder, agrees with this preset to 1e-5.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import harness
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

pytestmark = pytest.mark.reference

ROOT = Path(__file__).resolve().parents[2]
CAPTION = "a dining room with a table and chairs and a chandelier"
GUIDANCE = {
    "without": ("--no-guidance",),
    "with": (
        *("--guidance-loss-scale", "100"),
        *("--guidance-max-tries", "2"),
        *("--guidance-steps", "3"),
    ),
}
PASSES = {
    "without": {"inversion": 50, "sampling": 150, "guidance": 0},
    "with": {"inversion": 50, "sampling": 150, "guidance": 6},
}


@pytest.fixture(scope="module")
def reference():
    data = Path(os.environ.get("HARNESS_TEST_DATA", ROOT.parent / "shared" / "data"))
    folder = data / "pnp_reference"
    if not (folder / "tiny-sd" / "unet").is_dir():
        message = f"the numeric reference is not in {folder}; HARNESS_TEST_DATA names other data"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="module")
def model(reference, tmp_path_factory):
    """The reference's model as it was used: its folder with the text encoder that was drawn."""
    folder = tmp_path_factory.mktemp("model") / "tiny-sd"
    shutil.copytree(reference / "tiny-sd", folder, copy_function=shutil.copyfile)
    shutil.rmtree(folder / "text_encoder")
    encoder = _reference_text_encoder(reference / "tiny-sd")
    encoder.save_pretrained(folder / "text_encoder")
    return folder


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("guidance", ["without", "with"])
def test_the_published_preset_gives_the_published_edit(reference, model, tmp_path, guidance):
    finished = harness(
        tmp_path,
        *("edit", str(reference / "source.png"), "--mask", str(reference / "mask.png")),
        *("--class", "chairs", "--caption", CAPTION, "--to", "color=pink"),
        *("--preset", "published", "--model", str(model), "--device", "cpu"),
        *("--steps", "50", "--inversion-steps", "50", *GUIDANCE[guidance]),
        *("--save-latents", str(tmp_path / "latents.npz"), "--output", str(tmp_path / "edits")),
    )
    assert finished.returncode == 0, finished.stderr
    expected = np.load(reference / f"expected_{guidance}_guidance.npz")
    latents = np.load(tmp_path / "latents.npz")["final_latents"]
    most = np.abs(expected["final_latents"]).max()
    assert np.abs(latents - expected["final_latents"]).max() <= 1e-3 * most
    image = np.asarray(Image.open(tmp_path / "edits" / "color-pink.png")).astype(int)
    assert np.abs(image - expected["image"].astype(int)).max() <= 2
    (account,) = json.loads((tmp_path / "edits" / "edit.json").read_text())["edits"]
    assert account["target_prompt"] == CAPTION.replace("chairs", "pink chairs")
    assert account["passes"] == PASSES[guidance]


def _reference_text_encoder(folder: Path) -> CLIPTextModel:
    """Return the text encoder that the packages of the published code drew for themselves."""
    config = CLIPTextConfig.from_pretrained(folder / "text_encoder")
    state = torch.random.get_rng_state()
    torch.manual_seed(1)
    AutoencoderKL.from_config(AutoencoderKL.load_config(folder / "vae"))
    UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))
    width, inner = config.hidden_size, config.intermediate_size
    drawn = {
        "embeddings.token_embedding.weight": nn.Embedding(config.vocab_size, width).weight,
        "embeddings.position_embedding.weight": nn.Embedding(
            config.max_position_embeddings, width
        ).weight,
    }
    for layer in range(config.num_hidden_layers):
        for name, given, made in (
            *((f"self_attn.{part}_proj", width, width) for part in ("k", "v", "q", "out")),
            ("mlp.fc1", width, inner),
            ("mlp.fc2", inner, width),
        ):
            linear = nn.Linear(given, made)
            drawn[f"encoder.layers.{layer}.{name}.weight"] = linear.weight
            drawn[f"encoder.layers.{layer}.{name}.bias"] = torch.zeros(made)
    encoder = CLIPTextModel(config)
    torch.random.set_rng_state(state)
    kept = encoder.load_state_dict({k: v.detach() for k, v in drawn.items()}, strict=False)
    assert not kept.unexpected_keys
    assert all("norm" in name for name in kept.missing_keys)
    return encoder.eval().requires_grad_(requires_grad=False)
