"""Size and position edits by inpainting, with small random networks: all but the hole is real."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from edited_scenes import STREET, editor, request, source, street, textured

from harness.editing.diffusion.device import Runtime
from harness.editing.diffusion.geometry import InpaintingGeometry
from harness.editing.diffusion.geometry_method import open_geometry
from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.diffusion.tiny import make_tiny_inpainting
from harness.editing.editor import EditSource
from harness.errors import ImageEditError
from harness.records.diffusion import DiffusionEditorSpec, GeometryMethod, Preset
from harness.records.editing import UNetPasses

ROAD, CAR = 3, 8
CPU = Runtime(device=torch.device("cpu"), dtype=torch.float32, memory_bytes=2**30)


@pytest.fixture(scope="module")
def model() -> InpaintingModel:
    return small(CPU)


def small(runtime: Runtime) -> InpaintingModel:
    """The tiny model at a quarter of its area, for speed."""
    made = make_tiny_inpainting(runtime)
    return replace(made, profile=replace(made.profile, native_side=128))


@pytest.fixture(scope="module")
def matched(model: InpaintingModel) -> InpaintingGeometry:
    return geometry(model, Preset.MATCHED)


@pytest.fixture(scope="module")
def published(model: InpaintingModel) -> InpaintingGeometry:
    return geometry(model, Preset.PUBLISHED)


def geometry(
    model: InpaintingModel, preset: Preset, *, steps: int = 1, guidance_scale: float = 7.5
) -> InpaintingGeometry:
    spec = DiffusionEditorSpec(
        preset=preset, geometry_model="tiny", steps=steps, guidance_scale=guidance_scale
    )
    return InpaintingGeometry(model, spec)


def car_on_road(*, height: int = 100, width: int = 200, left: int = 20) -> EditSource:
    """A car of 40 x 40 pixels, its upper edge at row 30, on a road that fills the image."""
    image = textured(height, width, 4)
    label = np.full((height, width), ROAD, np.uint8)
    mask = np.zeros((height, width), np.bool_)
    mask[30:70, left : left + 40] = True
    label[mask] = CAR
    return source(image, mask, label=label, space=STREET, object_class="car")


EDITS = [
    ("position=right", 0.2),
    ("position=left", 0.35),
    ("position=right", None),
    ("size=smaller", 0.4),
    ("size=larger", 0.3),
]


@pytest.mark.parametrize("preset", list(Preset))
@pytest.mark.parametrize(("edit", "amount"), EDITS)
def test_label_and_mask_are_the_procedural_editors(
    model: InpaintingModel, preset: Preset, edit: str, amount: float | None
) -> None:
    wanted = request(edit, amount=amount)
    ours = geometry(model, preset).edit(street(), wanted)
    theirs = editor().edit(street(), (wanted,))[0]
    assert ours.mask is not None
    assert theirs.mask is not None
    assert np.array_equal(ours.label, theirs.label)
    assert np.array_equal(ours.mask, theirs.mask)
    assert ours.visible_fraction == theirs.visible_fraction
    assert ours.image.shape == theirs.image.shape
    assert ours.image.dtype == ours.label.dtype == np.uint8


def test_outside_the_hole_and_the_object_no_pixel_changes(matched: InpaintingGeometry) -> None:
    given = car_on_road()
    result = matched.edit(given, request("position=right", amount=0.5))
    touched = np.zeros((100, 200), np.bool_)
    # Rim 3, shadow 6 further down, dilated by 2; and the object's new place.
    touched[25:81, 15:65] = True
    touched[30:70, 120:160] = True
    assert np.array_equal(result.image[~touched], given.image[~touched])
    hole = (slice(30, 70), slice(20, 60))
    assert (result.image[hole] != given.image[hole]).any(axis=-1).mean() > 0.9


def test_a_moved_object_is_bit_identical_inside_its_seam(matched: InpaintingGeometry) -> None:
    given = car_on_road()
    result = matched.edit(given, request("position=right", amount=0.1))
    assert np.array_equal(result.image[32:68, 42:78], given.image[32:68, 22:58])


def test_the_same_seed_gives_the_same_pixels_and_another_one_others(
    matched: InpaintingGeometry,
) -> None:
    given = car_on_road()
    wanted = request("position=right", amount=0.5, seed=7)
    first = matched.edit(given, wanted)
    other = matched.edit(given, replace(wanted, seed=8))
    again = matched.edit(given, wanted)
    assert np.array_equal(first.image, again.image)
    assert first.final_latents is not None
    assert again.final_latents is not None
    assert np.array_equal(first.final_latents, again.final_latents)
    hole = (slice(30, 70), slice(20, 60))
    assert (first.image[hole] != other.image[hole]).any(axis=-1).mean() > 0.9
    assert np.array_equal(first.label, other.label)


def test_global_randomness_is_neither_used_nor_touched(matched: InpaintingGeometry) -> None:
    wanted = request("position=right", amount=0.5)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = matched.edit(car_on_road(), wanted)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert np.array_equal(first.image, matched.edit(car_on_road(), wanted).image)


def test_the_source_is_not_changed(matched: InpaintingGeometry) -> None:
    given, untouched = car_on_road(), car_on_road()
    matched.edit(given, request("size=smaller", amount=0.5))
    assert np.array_equal(given.image, untouched.image)
    assert np.array_equal(given.label, untouched.label)
    assert np.array_equal(given.mask, untouched.mask)


@pytest.mark.parametrize("preset", list(Preset))
def test_passes_and_latents_are_told(model: InpaintingModel, preset: Preset) -> None:
    wanted = request("position=right", amount=0.5)
    result = geometry(model, preset, steps=3).edit(car_on_road(), wanted)
    assert result.passes == UNetPasses(sampling=2 * 3)
    assert result.final_latents is not None
    # 96 x 200 is what the published size leaves of 100 x 200; 88 x 176 is within 128 x 128.
    shape = (1, 4, 12, 25) if preset is Preset.PUBLISHED else (1, 4, 11, 22)
    assert result.final_latents.shape == shape
    assert result.final_latents.dtype == np.float32


def test_without_guidance_a_step_is_one_pass(model: InpaintingModel) -> None:
    unguided = geometry(model, Preset.MATCHED, steps=3, guidance_scale=1.0)
    result = unguided.edit(car_on_road(), request("position=right", amount=0.5))
    assert result.passes == UNetPasses(sampling=3)


def test_where_the_object_covers_its_hole_nothing_is_painted(matched: InpaintingGeometry) -> None:
    given = car_on_road(left=80)
    result = matched.edit(given, request("size=larger", amount=0.5))
    assert result.passes == UNetPasses()
    assert result.final_latents is None
    assert result.mask is not None
    assert np.count_nonzero(result.mask) == 60 * 60
    assert np.array_equal(result.image[~result.mask], given.image[~result.mask])


def test_the_published_picture_passes_through_the_autoencoder_whole(
    published: InpaintingGeometry,
) -> None:
    given = car_on_road(height=101, width=203, left=80)
    result = published.edit(given, request("size=larger", amount=0.5))
    assert result.passes == UNetPasses(sampling=2)
    assert result.image.shape == given.image.shape
    assert (result.image != given.image).any(axis=-1).mean() > 0.9


def test_an_object_partly_out_of_the_frame_says_so(matched: InpaintingGeometry) -> None:
    result = matched.edit(car_on_road(), request("position=left", amount=0.15))
    assert result.visible_fraction == pytest.approx(30 / 40)
    assert result.mask is not None
    assert np.count_nonzero(result.mask) == 40 * 30


def test_an_object_that_left_the_frame_leaves_only_its_hole(matched: InpaintingGeometry) -> None:
    given = car_on_road()
    result = matched.edit(given, request("position=left", amount=1.0))
    assert result.visible_fraction == 0.0
    assert result.mask is not None
    assert not result.mask.any()
    assert (result.label == ROAD).all()
    assert (result.image[30:70, 20:60] != given.image[30:70, 20:60]).any(axis=-1).mean() > 0.9


@pytest.mark.parametrize("amount", [0.0, -0.1, 1.5, float("nan")])
def test_an_amount_that_is_no_share_is_refused(matched: InpaintingGeometry, amount: float) -> None:
    with pytest.raises(ImageEditError, match="amount over 0 and up to 1"):
        matched.edit(car_on_road(), request("size=larger", amount=amount))


def test_what_is_no_geometry_edit_is_refused(matched: InpaintingGeometry) -> None:
    with pytest.raises(ImageEditError, match="neither scales nor moves"):
        matched.edit(car_on_road(), request("color=violet"))


def test_a_source_without_an_object_is_refused(matched: InpaintingGeometry) -> None:
    given = replace(car_on_road(), mask=None)
    with pytest.raises(ImageEditError, match="has no object mask"):
        matched.edit(given, request("size=larger"))
    with pytest.raises(ImageEditError, match="has an empty object mask"):
        matched.edit(replace(given, mask=np.zeros((100, 200), np.bool_)), request("size=larger"))


def test_an_object_that_fills_the_image_is_refused(matched: InpaintingGeometry) -> None:
    full = replace(
        car_on_road(),
        mask=np.ones((100, 200), np.bool_),
        label=np.full((100, 200), CAR, np.uint8),
    )
    with pytest.raises(ImageEditError, match="nothing but the object says what it becomes"):
        matched.edit(full, request("size=smaller"))


def test_a_strip_too_narrow_for_the_model_is_refused(matched: InpaintingGeometry) -> None:
    strip = car_on_road(height=100, width=30000)
    with pytest.raises(ImageEditError, match="the model needs 32"):
        matched.edit(strip, request("position=right"))


@pytest.mark.parametrize(
    ("part", "whose"), [("unet", "inpainting"), ("vae", "decoding")], ids=["unet", "decoder"]
)
def test_what_is_no_number_is_told(part: str, whose: str) -> None:
    broken = small(CPU)
    layer = broken.unet.conv_out if part == "unet" else broken.vae.decoder.conv_out
    with torch.no_grad():
        layer.bias.fill_(float("nan"))
    with pytest.raises(ImageEditError, match=f"{whose} left the range of numbers"):
        geometry(broken, Preset.MATCHED).edit(car_on_road(), request("position=right"))


def test_the_control_picture_steers_the_hole(model: InpaintingModel) -> None:
    given = car_on_road()
    # The same words, another colour: the label space calls the car what ADE20K does not know.
    renamed = STREET.model_copy(
        update={
            "classes": tuple(
                c.model_copy(update={"name": "wheelbarrow"}) if c.id == CAR else c
                for c in STREET.classes
            )
        }
    )
    wanted = request("position=right", amount=0.5)
    both = [
        geometry(model, Preset.MATCHED).edit(s, wanted)
        for s in (given, replace(given, label_space=renamed))
    ]
    assert np.array_equal(both[0].label, both[1].label)
    latents = [result.final_latents for result in both]
    assert latents[0] is not None
    assert latents[1] is not None
    assert not np.array_equal(latents[0], latents[1])


def test_half_precision_gives_a_picture(model: InpaintingModel) -> None:
    runtime = Runtime(device=torch.device("cpu"), dtype=torch.bfloat16, memory_bytes=2**30)
    wanted = request("position=right", amount=0.5)
    result = geometry(small(runtime), Preset.MATCHED).edit(car_on_road(), wanted)
    assert result.final_latents is not None
    assert result.final_latents.dtype == np.float32
    exact = geometry(model, Preset.MATCHED).edit(car_on_road(), wanted)
    assert exact.final_latents is not None
    error = np.abs(result.final_latents - exact.final_latents).mean()
    assert error < 0.1 * np.abs(exact.final_latents).mean()


def test_no_progress_bar_is_drawn(
    matched: InpaintingGeometry, capfd: pytest.CaptureFixture[str]
) -> None:
    matched.edit(car_on_road(), request("position=right", amount=0.5))
    assert capfd.readouterr() == ("", "")


def test_a_recipe_may_name_the_procedural_painting() -> None:
    def load() -> InpaintingModel:
        pytest.fail("no model is needed")

    spec = DiffusionEditorSpec(geometry=GeometryMethod.PROCEDURAL)
    wanted = request("position=left", amount=0.2)
    ours = open_geometry(spec, load).edit(street(), wanted)
    theirs = editor().edit(street(), (wanted,))[0]
    assert np.array_equal(ours.image, theirs.image)
    assert np.array_equal(ours.label, theirs.label)
    assert ours.passes is None
    with pytest.raises(ImageEditError, match="neither scales nor moves"):
        open_geometry(spec, load).edit(street(), request("weather=rainy"))


def test_a_recipe_names_inpainting_by_itself(model: InpaintingModel) -> None:
    made = open_geometry(DiffusionEditorSpec(steps=1), lambda: model)
    assert made.edit(car_on_road(), request("position=right")).passes == UNetPasses(sampling=2)
