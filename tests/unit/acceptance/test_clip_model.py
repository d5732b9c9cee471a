import hashlib
import json
import logging
from dataclasses import replace

import numpy as np
import PIL
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from harness.acceptance import clip_model
from harness.acceptance.clip_model import open_clip
from harness.acceptance.clip_tiny import make_tiny_clip
from harness.checkpoints.place import WeightsPlace
from harness.errors import DeviceError, WeightsError
from harness.records.acceptance import ClipRule

TINY = ClipRule(model="tiny")
HERE = WeightsPlace(offline=True)
TEXTS = ("a photo of a car", "a photo of a violet car", "x", "a much longer text about a red bus")


def noise(seed, height=40, width=60):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny():
    return open_clip(TINY, place=HERE, device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint on disk as transformers saves it, of the tiny model."""
    path = tmp_path_factory.mktemp("clip")
    made = make_tiny_clip()
    made.model.save_pretrained(path)
    made.tokenizer.save_pretrained(path)
    size = made.model.config.vision_config.image_size
    sizes = {"size": {"shortest_edge": size}, "crop_size": {"height": size, "width": size}}
    CLIPImageProcessorPil(**sizes).save_pretrained(path)
    return path


def copy_of(folder, target):
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_embeddings_are_of_unit_length_and_differ(tiny):
    images, texts = tiny.images([noise(1), noise(2)]), tiny.texts(TEXTS)
    assert images.shape == (2, 24)
    assert texts.shape == (4, 24)
    assert images.dtype == texts.dtype == np.float32
    for vectors in (images, texts):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        cosines = vectors @ vectors.T
        assert np.abs(cosines[~np.eye(len(vectors), dtype=bool)]).max() < 0.999


def test_company_does_not_change_one_bit_of_an_embedding(tiny):
    images = [noise(seed, 20 + seed, 60) for seed in range(33)]
    texts = [f"{text} {'and more ' * n}" for n in range(9) for text in TEXTS]
    for embed, items in ((tiny.images, images), (tiny.texts, texts)):
        together = embed(items)
        alone = np.concatenate([embed([item]) for item in items])
        backwards = embed(items[::-1])[::-1]
        np.testing.assert_array_equal(alone, together)
        np.testing.assert_array_equal(backwards, together)


def test_the_identity_names_model_view_software_and_device(tiny, monkeypatch):
    same = open_clip(TINY, place=HERE, device="cpu")
    assert same.identity == tiny.identity
    assert replace(tiny, digests={"tiny": "0" * 64}).identity != tiny.identity
    assert replace(tiny, view=replace(tiny.view, mean=(0.5, 0.5, 0.5))).identity != tiny.identity
    changes = [(module, "__version__", "0.0") for module in (torch, clip_model.transformers, PIL)]
    changes.append((torch.backends.cpu, "get_cpu_capability", lambda: "another"))
    for where, name, value in changes:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, value)
            found = tiny.identity
        assert found != tiny.identity, (where, name)


def layer_norm(values, weights, name):
    centred = values - values.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(values, weights, name):
    return values @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0)


def encode(states, weights, *, heads, tower, causal):
    """The transformer of Radford et al. (2021): pre-norm, quick GELU; in numpy, for one input."""
    count, width = states.shape
    for layer in range(2):
        name = f"{tower}.encoder.layers.{layer}"
        normed = layer_norm(states, weights, f"{name}.layer_norm1")
        query, key, value = (
            linear(normed, weights, f"{name}.self_attn.{part}_proj")
            .reshape(count, heads, width // heads)
            .transpose(1, 0, 2)
            for part in "qkv"
        )
        logits = query @ key.transpose(0, 2, 1) / np.sqrt(width // heads)
        if causal:
            logits = np.where(np.tril(np.ones((count, count), bool)), logits, -np.inf)
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = (shares @ value).transpose(1, 0, 2).reshape(count, width)
        states = states + linear(mixed, weights, f"{name}.self_attn.out_proj")
        hidden = linear(
            layer_norm(states, weights, f"{name}.layer_norm2"), weights, f"{name}.mlp.fc1"
        )
        hidden = hidden / (1 + np.exp(-1.702 * hidden))
        states = states + linear(hidden, weights, f"{name}.mlp.fc2")
    return states


@pytest.fixture(scope="module")
def weights(tiny):
    return {name: t.double().numpy() for name, t in tiny.model.state_dict().items()}


def test_a_text_embedding_by_hand(tiny, weights):
    tokens = tiny.tokenizer("a red car")["input_ids"]
    words = weights["text_model.embeddings.token_embedding.weight"][tokens]
    places = weights["text_model.embeddings.position_embedding.weight"][: len(tokens)]
    states = encode(words + places, weights, heads=4, tower="text_model", causal=True)
    states = layer_norm(states, weights, "text_model.final_layer_norm")
    expected = linear(states[-1], weights, "text_projection")  # the end mark has seen all
    expected /= np.linalg.norm(expected)
    # Padded by a longer one in the same batch.
    np.testing.assert_allclose(tiny.texts(["a red car", TEXTS[3]])[0], expected, atol=1e-5)


def test_an_image_embedding_by_hand(tiny, weights):
    image = noise(5, 32, 32)
    pixels = tiny.view.pixels(image).astype(np.float64)
    patches = pixels.reshape(3, 4, 8, 4, 8).transpose(1, 3, 0, 2, 4).reshape(16, -1)
    kernel = weights["vision_model.embeddings.patch_embedding.weight"]
    seen = patches @ kernel.reshape(len(kernel), -1).T
    states = np.concatenate([weights["vision_model.embeddings.class_embedding"][None], seen])
    states = states + weights["vision_model.embeddings.position_embedding.weight"]
    states = layer_norm(states, weights, "vision_model.pre_layrnorm")
    states = encode(states, weights, heads=4, tower="vision_model", causal=False)
    pooled = layer_norm(states[0], weights, "vision_model.post_layernorm")
    expected = linear(pooled, weights, "visual_projection")
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(tiny.images([image])[0], expected, atol=1e-5)


def test_a_checkpoint_gives_what_transformers_gives(folder):
    rule = ClipRule(model="somebody/clip")
    clip = open_clip(rule, place=WeightsPlace(folder=folder), device="cpu")
    image = noise(6, 120, 200)
    processor = CLIPImageProcessorPil.from_pretrained(folder)
    given = processor(images=Image.fromarray(image), return_tensors="pt")
    with torch.inference_mode():
        theirs = clip.model.get_image_features(**given).pooler_output[0]
        text = clip.model.get_text_features(**clip.tokenizer(TEXTS[1], return_tensors="pt"))
    for ours, features in (
        (clip.images([image])[0], theirs),
        (clip.texts([TEXTS[1]])[0], text.pooler_output[0]),
    ):
        np.testing.assert_allclose(ours, (features / features.norm()).numpy(), atol=1e-5)
    file = folder / "model.safetensors"
    assert clip.digests["model.safetensors"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert "preprocessor_config.json" in clip.digests


def test_the_tiny_model_is_always_the_same_and_draws_from_nothing_shared():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = make_tiny_clip()
    assert torch.equal(torch.rand(2), expected)
    assert make_tiny_clip().digests == first.digests
    assert make_tiny_clip(seed=1).digests != first.digests


def test_the_tiny_model_says_that_it_means_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        open_clip(TINY, place=HERE, device="cpu")
    assert "MEAN NOTHING" in caplog.text
    with pytest.raises(WeightsError, match=r"config\.json is promised"):
        open_clip(ClipRule(model="tiny", files={"config.json": "0" * 64}), place=HERE, device="cpu")


def test_a_text_that_is_too_long_is_cut_and_counted(tiny, caplog):
    longest = 256
    words = "ab " * 200
    with caplog.at_level(logging.WARNING):
        cut = tiny.texts([words, "short"])
    assert f"1 of 2 texts are longer than {longest} tokens" in caplog.text
    # Start mark, 254 bytes, end mark: what follows has no say.
    np.testing.assert_allclose(tiny.texts([words[:390] + "z" * 50])[0], cut[0], atol=1e-6)
    assert not np.allclose(tiny.texts(["z" + words])[0], cut[0], atol=1e-3)


def test_weights_that_lack_something_are_refused(folder, tmp_path):
    path = copy_of(folder, tmp_path)
    tensors = load_file(path / "model.safetensors")
    del tensors["visual_projection.weight"]
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 1 weights .* visual_projection\.weight"):
        open_clip(ClipRule(), place=WeightsPlace(folder=path), device="cpu")


def test_another_kind_of_model_is_refused(folder, tmp_path):
    path = copy_of(folder, tmp_path)
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    config["model_type"] = "bert"
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(WeightsError, match="bert"):
        open_clip(ClipRule(), place=WeightsPlace(folder=path), device="cpu")


def test_a_pinned_file_of_other_bytes_is_refused(folder):
    rule = ClipRule(files={"config.json": "0" * 64})
    with pytest.raises(WeightsError, match=r"config\.json"):
        open_clip(rule, place=WeightsPlace(folder=folder), device="cpu")


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(DeviceError, match="cuda:99"):
        open_clip(TINY, place=HERE, device="cuda:99")


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives(tiny, cuda_device):
    assert cuda_device
    there = open_clip(TINY, place=HERE, device="cuda")
    images = [noise(7), noise(8, 90, 50)]
    np.testing.assert_allclose(there.images(images), tiny.images(images), atol=1e-5)
    np.testing.assert_allclose(there.texts(TEXTS), tiny.texts(TEXTS), atol=1e-5)
