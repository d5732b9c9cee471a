import json

import numpy as np
import pytest
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from harness.acceptance.clip_view import ClipView, read_view
from harness.errors import WeightsError

PUBLISHED = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": 224,
}
"""As openai/clip-vit-large-patch14 has it."""


def noise(height, width):
    generator = np.random.default_rng(height * 1000 + width)
    coarse = generator.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height)))


@pytest.mark.parametrize(
    "shape", [(360, 480), (480, 360), (224, 224), (100, 333), (301, 97), (256, 512), (1, 7)]
)
def test_it_is_transformers_own_preparation(shape):
    image = noise(*shape)
    theirs = CLIPImageProcessorPil()(images=Image.fromarray(image), return_tensors="np")
    ours = ClipView().pixels(image)
    assert ours.shape == (3, 224, 224)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs["pixel_values"][0], atol=1e-6)


def test_a_flat_picture_by_hand():
    view = ClipView(shortest_edge=8, size=8)
    values = view.pixels(np.full((10, 20, 3), 51, np.uint8))
    for channel, (mean, std) in enumerate(zip(view.mean, view.std, strict=True)):
        assert values[channel] == pytest.approx((0.2 - mean) / std, abs=1e-6)


def write(folder, **changes):
    told = {**PUBLISHED, **changes}
    (folder / "preprocessor_config.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def test_the_published_file_is_the_default(tmp_path):
    assert read_view(write(tmp_path), image_size=224) == ClipView()
    objects = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    assert read_view(write(tmp_path, **objects), image_size=224) == ClipView()


def test_other_sizes_and_statistics_are_taken(tmp_path):
    folder = write(tmp_path, size=336, crop_size=336, image_mean=[0.5] * 3, image_std=[0.25] * 3)
    expected = ClipView(shortest_edge=336, size=336, mean=(0.5,) * 3, std=(0.25,) * 3)
    assert read_view(folder, image_size=336) == expected


def test_without_the_file_the_networks_size_is_taken(tmp_path):
    assert read_view(tmp_path, image_size=32) == ClipView(shortest_edge=32, size=32)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"do_normalize": False}, "leaves out do_normalize"),
        ({"resample": 2}, "not scale bicubically"),
        ({"rescale_factor": 1.0}, "not in 0-1"),
        ({"crop_size": 336}, "takes 224"),
        ({"image_mean": [0.5]}, "1 channels"),
        ({"size": {"longest_edge": 224}}, "shortest_edge"),
        ({"size": None}, "no preparation"),
    ],
)
def test_another_preparation_is_refused(tmp_path, changes, said):
    with pytest.raises(WeightsError, match=said):
        read_view(write(tmp_path, **changes), image_size=224)


def test_a_broken_file_is_refused(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"preprocessor_config\.json"):
        read_view(tmp_path, image_size=224)
