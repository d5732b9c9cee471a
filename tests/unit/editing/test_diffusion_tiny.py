from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionControlNetInpaintPipeline
from torch import nn

from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.layouts import (
    STABLE_DIFFUSION_1,
    STABLE_DIFFUSION_1_INPAINTING,
    STABLE_DIFFUSION_2_BASE,
    Layout,
)
from harness.editing.diffusion.loading import check_taps
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.profiles import (
    PROFILES,
    SD_1_5,
    SD_1_5_INPAINTING,
    SD_2_1_BASE,
    TINY,
)
from harness.editing.diffusion.random_weights import NetworkMaker, fill_module, make_scheduler
from harness.editing.diffusion.tiny import (
    make_tiny_inpainting,
    make_tiny_model,
    random_full_size_model,
)
from harness.editing.diffusion.tiny_tokenizer import make_tokenizer
from harness.errors import WeightsError

CPU = Runtime(device=torch.device("cpu"), dtype=torch.float32, memory_bytes=2**30)


@pytest.fixture(scope="module")
def model() -> DiffusionModel:
    return make_tiny_model(CPU)


def numbers(*networks: nn.Module) -> int:
    return sum(p.numel() for network in networks for p in network.parameters())


def test_the_same_seed_makes_the_same_weights_and_another_others(model: DiffusionModel) -> None:
    again, other = make_tiny_model(CPU), make_tiny_model(CPU, seed=1)
    for part in ("unet", "vae", "text_encoder"):
        ours, same, different = (getattr(m, part).state_dict() for m in (model, again, other))
        assert all(torch.equal(ours[name], same[name]) for name in ours)
        assert any(not torch.equal(ours[name], different[name]) for name in ours)


def test_global_randomness_is_left_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    make_tiny_model(CPU)
    make_tiny_inpainting(CPU)
    assert torch.equal(before, torch.get_rng_state())


def test_it_evaluates_without_gradients_and_says_that_it_means_nothing(
    model: DiffusionModel,
) -> None:
    for network in (model.unet, model.vae, model.text_encoder):
        assert not any(module.training for module in network.modules())
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    assert model.meaningless
    assert model.digests == {}


def test_it_has_the_blocks_and_tap_points_of_stable_diffusion_2(model: DiffusionModel) -> None:
    check_taps(model.unet, TINY.taps, path=None)  # type: ignore[arg-type]
    with torch.device("meta"):
        full = type(model.unet)(**STABLE_DIFFUSION_2_BASE.unet)
    ours, theirs = (
        # where two levels are equally wide, there is nothing to bring to another width
        [name for name, _ in unet.named_modules() if not name.endswith("conv_shortcut")]
        for unet in (model.unet, full)
    )
    assert ours == theirs


def test_the_prompt_has_a_say_in_the_noise_and_the_noise_is_no_constant(
    model: DiffusionModel,
) -> None:
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))

    def noise(prompt: str) -> torch.Tensor:
        ids = model.tokenizer(prompt, padding="max_length", return_tensors="pt").input_ids
        embedding = model.text_encoder(ids)[0]
        assert embedding.shape == (1, 77, 32)
        return model.unet(latents, 500, embedding).sample

    with torch.no_grad():
        red, blue = noise("a red car"), noise("a blue car")
    assert red.shape == latents.shape
    assert 0.05 < float(red.std()) < 2
    assert float((red - blue).abs().max()) > 1e-4


def test_images_go_through_its_autoencoder(model: DiffusionModel) -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        latents = model.vae.encode(image).latent_dist.mean
        decoded = model.vae.decode(latents).sample
    assert latents.shape == (1, 4, 8, 8)
    assert decoded.shape == image.shape
    assert torch.isfinite(decoded).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_numbers_are_those_of_float32_rounded(model: DiffusionModel, dtype: torch.dtype) -> None:
    runtime = Runtime(device=CPU.device, dtype=dtype, memory_bytes=2**30)
    rounded = make_tiny_model(runtime)
    weight = rounded.unet.conv_in.weight
    assert weight.dtype is dtype
    assert torch.equal(weight, model.unet.conv_in.weight.to(dtype))
    assert rounded.text_encoder.embeddings.position_ids.tolist() == [list(range(77))]


@pytest.mark.parametrize(
    "text",
    [
        "a photo of a violet car on a street",
        "Zyzzyva's naïve café, 写真 🦆 (2024)!",
        "  a   wooden\tchandelier ",
        "x",
    ],
)
def test_any_text_is_tokenized_with_places_and_nothing_is_unknown(text: str) -> None:
    tokenizer = make_tokenizer()
    coded = tokenizer(text, return_offsets_mapping=True)
    inner = list(zip(coded.input_ids, coded.offset_mapping, strict=True))[1:-1]

    assert coded.input_ids[0] == tokenizer.bos_token_id
    assert coded.input_ids[-1] == tokenizer.eos_token_id
    assert all(number < tokenizer.bos_token_id for number, _ in inner)
    covered = {place for _, (first, last) in inner for place in range(first, last)}
    assert covered == {place for place, letter in enumerate(text) if not letter.isspace()}
    decoded = tokenizer.decode(coded.input_ids, skip_special_tokens=True)
    assert "".join(decoded.split()) == "".join(text.lower().split())


def test_common_words_are_one_token_and_rare_ones_several() -> None:
    tokenizer = make_tokenizer()
    assert [len(tokenizer.tokenize(word)) for word in ("car", "violet", "street")] == [1, 1, 1]
    assert len(tokenizer.tokenize("chandelier")) > 1
    assert tokenizer.model_max_length == 77


def test_the_tokenizer_is_always_the_same() -> None:
    assert make_tokenizer().get_vocab() == make_tokenizer().get_vocab()
    assert len(make_tokenizer()) == 2 * 256 + len(make_tokenizer().get_vocab()) - 512


def test_parts_of_the_inpainting_model_run_in_diffusers_pipeline() -> None:
    parts = make_tiny_inpainting(CPU)
    assert parts.unet.config["in_channels"] == 9
    assert parts.meaningless
    pipeline = StableDiffusionControlNetInpaintPipeline(
        vae=parts.vae,
        text_encoder=parts.text_encoder,
        tokenizer=parts.tokenizer,
        unet=parts.unet,
        controlnet=parts.controlnet,
        scheduler=parts.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)

    def painted(control: float) -> np.ndarray:
        result = pipeline(
            "a car",
            image=torch.full((1, 3, 64, 64), 0.5),
            mask_image=torch.ones(1, 1, 64, 64),
            control_image=torch.full((1, 3, 64, 64), control),
            num_inference_steps=2,
            generator=torch.Generator().manual_seed(0),
            output_type="np",
        )
        return result.images

    with torch.no_grad():
        dark, light = painted(0.0), painted(1.0)
    assert dark.shape == (1, 64, 64, 3)
    assert np.isfinite(dark).all()
    assert np.abs(dark - light).max() > 1e-4, "the ControlNet has no say"


@pytest.mark.parametrize(
    ("layout", "parameters"),
    [
        (STABLE_DIFFUSION_2_BASE, SD_2_1_BASE.parameters),
        (STABLE_DIFFUSION_1, SD_1_5.parameters),
        (STABLE_DIFFUSION_1_INPAINTING, SD_1_5_INPAINTING.parameters),
    ],
)
def test_published_settings_make_networks_of_the_published_size(
    monkeypatch: pytest.MonkeyPatch, layout: Layout, parameters: int
) -> None:
    # without memory: 1.3 thousand million numbers are counted, not drawn
    monkeypatch.setattr("harness.editing.diffusion.random_weights.fill_module", lambda *_: None)
    monkeypatch.setattr(nn.Module, "to_empty", lambda self, **_: self)
    monkeypatch.setattr(nn.Module, "to", lambda self, *_, **__: self)
    maker = NetworkMaker(layout, CPU, torch.Generator())
    networks = [maker.unet(), maker.vae(), maker.text_encoder(make_tokenizer())]
    if layout.controlnet is not None:
        networks.append(maker.controlnet())
    assert numbers(*networks) == parameters


def test_a_full_size_model_is_made_of_the_profiles_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Layout(
        unet={**STABLE_DIFFUSION_2_BASE.unet, "block_out_channels": (32, 32, 32, 32)},
        vae={**STABLE_DIFFUSION_2_BASE.vae, "block_out_channels": (32, 32, 32, 32)},
        text_encoder={**STABLE_DIFFUSION_2_BASE.text_encoder, "num_hidden_layers": 1},
    )
    monkeypatch.setattr("harness.editing.diffusion.tiny._FULL_SIZE", {SD_2_1_BASE.name: small})
    made = random_full_size_model(SD_2_1_BASE, CPU)
    assert made.profile is SD_2_1_BASE
    assert made.meaningless
    assert made.text_encoder.config.hidden_size == 1024
    assert made.text_encoder.config.vocab_size == 49408


def test_blocks_without_tap_points_are_compiled_where_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **_: compiled.append(self))
    before = torch.compiler.config.recompile_limit
    monkeypatch.setattr(torch.compiler.config, "recompile_limit", before)

    made = make_tiny_model(CPU)
    assert compiled == []
    unet = make_tiny_model(replace(CPU, compile=True)).unet

    # SD's UNet has 22 residual blocks, one of them tapped, and 16 transformer blocks
    assert len(compiled) == 21 + 16
    tapped = unet.get_submodule(made.profile.taps.features.removesuffix(".conv2"))
    assert all(module is not tapped for module in compiled)
    assert torch.compiler.config.recompile_limit >= 8 * len(compiled)


def test_a_profile_of_unknown_size_is_refused() -> None:
    with pytest.raises(WeightsError, match="settings of tiny are not known"):
        random_full_size_model(PROFILES["tiny"], CPU)


def test_the_schedule_is_that_of_stable_diffusion() -> None:
    scheduler = make_scheduler()
    # cumulated alpha of the first and last training step: 1 - 0.00085, and the published 0.0047
    assert float(scheduler.alphas_cumprod[0]) == pytest.approx(0.99915, abs=1e-6)
    assert float(scheduler.alphas_cumprod[-1]) == pytest.approx(0.00466, abs=1e-5)
    assert scheduler.config["clip_sample"] is False


def test_layers_keep_the_size_of_what_goes_through() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = nn.Conv2d(4, 64, 3).requires_grad_(requires_grad=False)
    norm = nn.GroupNorm(4, 64).requires_grad_(requires_grad=False)
    nn.init.constant_(norm.weight, 7)
    with torch.no_grad():
        fill_module(layer, generator)
        fill_module(norm, generator)
    # fan-in is 4 channels x 3 x 3
    assert float(layer.weight.var()) == pytest.approx(1 / 36, rel=0.05)
    assert torch.equal(norm.weight, torch.ones(64))
