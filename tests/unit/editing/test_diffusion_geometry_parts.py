"""The hole, the control picture and the words of a size or position edit, without a network."""

import numpy as np
import pytest
from edited_scenes import STREET, VOC, source, street, textured
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from harness.dataset.label_space import load_label_space
from harness.editing.diffusion.geometry_control import ade_color, control_image
from harness.editing.diffusion.geometry_hole import (
    Hole,
    hole_of,
    painted_area,
    put_together,
    with_object,
)
from harness.editing.diffusion.geometry_inputs import PipelineInputs, pipeline_inputs
from harness.editing.diffusion.geometry_prompt import HoleText, hole_text
from harness.editing.diffusion.geometry_rules import (
    MATCHED_GEOMETRY,
    PUBLISHED_GEOMETRY,
    Control,
    GeometryRules,
    HoleCells,
    HolePrompt,
    HoleReach,
    geometry_rules_of,
)
from harness.editing.editor import EditSource
from harness.editing.geometry.moved import MovedObject, ObjectScene, move_object
from harness.editing.geometry.vacancy import vacate
from harness.editing.roles import role_table
from harness.errors import ImageEditError
from harness.records.diffusion import Preset
from harness.records.label_space import LabelClass, LabelSpace

ROAD, CAR, PEDESTRIAN, IGNORED = 3, 8, 9, 11


def road(*, height: int = 100, width: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, label and mask of a car of 40 x 40 pixels on a road."""
    label = np.full((height, width), ROAD, np.uint8)
    mask = np.zeros((height, width), np.bool_)
    mask[30:70, 20:60] = True
    label[mask] = CAR
    return textured(height, width, 4), label, mask


def scene(given_source: EditSource) -> ObjectScene:
    assert given_source.mask is not None
    roles = role_table(given_source.label_space)[given_source.label]
    return ObjectScene(
        source=given_source,
        mask=given_source.mask,
        roles=roles,
        vacancy=vacate(given_source.label, given_source.mask, roles),
    )


def moved_car(value: str, amount: float) -> tuple[ObjectScene, MovedObject]:
    image, label, mask = road()
    given_scene = scene(source(image, mask, label=label, space=STREET, object_class="car"))
    return given_scene, move_object(given_scene, value, amount)


def box_mask(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(shape, np.bool_)
    mask[rows, columns] = True
    return mask


def test_the_published_hole_is_what_the_object_leaves_dilated_by_5_x_5() -> None:
    hole = hole_of(*moved_car("right", 0.5), HoleReach.OBJECT)
    assert np.array_equal(hole.core, box_mask((100, 200), slice(30, 70), slice(20, 60)))
    assert np.array_equal(hole.pixels, box_mask((100, 200), slice(28, 72), slice(18, 62)))


def test_where_the_object_still_stands_there_is_no_hole_but_for_its_seam() -> None:
    # Moved by 20 of its 40 columns: the left half is free, and the hole reaches 2 pixels under.
    hole = hole_of(*moved_car("right", 0.1), HoleReach.OBJECT)
    assert np.array_equal(hole.core, box_mask((100, 200), slice(30, 70), slice(20, 40)))
    assert np.array_equal(hole.pixels, box_mask((100, 200), slice(28, 72), slice(18, 42)))


def test_the_corrected_hole_takes_rim_and_contact_shadow_along() -> None:
    hole = hole_of(*moved_car("right", 0.5), HoleReach.VACATED)
    assert hole.core[30:70, 20:60].all()
    # A rim of 3, the shadow 6 further down, and the dilation of 2 around both.
    rows, columns = np.nonzero(hole.pixels)
    assert (rows.min(), rows.max()) == (30 - 5, 69 + 11)
    assert (columns.min(), columns.max()) == (20 - 5, 59 + 5)


def test_the_ring_that_loses_its_class_is_painted_too() -> None:
    image, label, mask = road()
    label[24:76, 14:66] = IGNORED
    label[mask] = CAR
    given_scene = scene(source(image, mask, label=label, space=STREET))
    moved = move_object(given_scene, "right", 0.5)
    changed = label != moved.label
    assert changed[24:30, 20:60].all()
    published = hole_of(given_scene, moved, HoleReach.OBJECT)
    assert (changed & ~moved.covered & ~published.pixels).any()
    corrected = hole_of(given_scene, moved, HoleReach.VACATED)
    assert not (changed & ~moved.covered & ~corrected.core).any()


def test_other_things_are_no_hole() -> None:
    image, label, mask = road()
    label[30:70, 60:64] = PEDESTRIAN
    given_scene = scene(source(image, mask, label=label, space=STREET))
    hole = hole_of(given_scene, move_object(given_scene, "right", 0.5), HoleReach.VACATED)
    assert not hole.pixels[30:70, 60:64].any()


@pytest.mark.parametrize("reach", list(HoleReach))
def test_an_object_that_covers_what_it_leaves_makes_no_hole(reach: HoleReach) -> None:
    assert not hole_of(*moved_car("larger", 0.4), reach).pixels.any()


def test_the_model_paints_whole_cells() -> None:
    hole = Hole(
        core=np.zeros((32, 64), np.bool_), pixels=box_mask((32, 64), slice(7, 9), slice(17, 18))
    )
    area = painted_area(hole, size=(32, 64), rule=HoleCells.ANY_OVERLAP)
    assert np.array_equal(area, box_mask((32, 64), slice(0, 16), slice(16, 24)))
    # At half the size the same pixels are less than one cell wide, and none of them is lost.
    small = painted_area(hole, size=(16, 32), rule=HoleCells.ANY_OVERLAP)
    assert np.array_equal(small, box_mask((16, 32), slice(0, 8), slice(8, 16)))
    assert np.array_equal(painted_area(hole, size=(9, 9), rule=HoleCells.NEAREST), hole.pixels)


def test_the_core_is_the_models_and_the_rim_fades() -> None:
    given_scene, moved = moved_car("right", 0.5)
    hole = hole_of(given_scene, moved, HoleReach.OBJECT)
    black = np.zeros_like(given_scene.source.image)
    white = np.full_like(black, 255)
    result = put_together(black, white, hole=hole, moved=moved)
    assert (result[30:70, 20:60] == 255).all()
    # Thirds of the way: the dilated rim is two pixels wide.
    assert result[50, 17, 0] == 0
    assert [int(v) for v in result[50, 18:20, 0]] == [85, 170]
    assert (result[:28] == 0).all()


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(("left", "right", "larger", "smaller")),
    st.floats(0.02, 1.0),
)
def test_outside_hole_and_object_every_pixel_is_the_sources(
    seed: int, value: str, amount: float
) -> None:
    random = np.random.Generator(np.random.Philox(seed))
    image = textured(48, 64, seed % 1000)
    coarse = random.random((6, 8)) < 0.2
    coarse[3, 4] = True
    mask = np.kron(coarse, np.ones((8, 8), np.bool_)) & (random.random((48, 64)) < 0.9)
    label = random.choice([ROAD, PEDESTRIAN, IGNORED], (48, 64), p=[0.8, 0.1, 0.1]).astype(np.uint8)
    label[mask] = CAR
    given_scene = scene(source(image, mask, label=label, space=STREET))
    moved = move_object(given_scene, value, amount)
    for reach in HoleReach:
        hole = hole_of(given_scene, moved, reach)
        result = put_together(image, 255 - image, hole=hole, moved=moved)
        outside = ~hole.pixels & ~moved.covered
        assert np.array_equal(result[outside], image[outside])
        painted = hole.core & ~moved.covered
        assert np.array_equal(result[painted], (255 - image)[painted])
        # No pixel shows the object where the label says that it is gone.
        assert not (mask & ~moved.covered & ~hole.core).any()


def test_the_object_is_pasted_before_the_hole_is_painted() -> None:
    given_scene, moved = moved_car("right", 0.5)
    pasted = with_object(given_scene.source.image, moved)
    image = given_scene.source.image
    assert np.array_equal(pasted[30:70, 120:160], image[30:70, 20:60])
    assert np.array_equal(pasted[:, :120], image[:, :120])


def test_the_published_control_is_the_object_in_a_buildings_colour() -> None:
    _, moved = moved_car("right", 0.5)
    control = control_image(moved, STREET, Control.OBJECT)
    assert (control[moved.covered] == (180, 120, 120)).all()
    assert (control[~moved.covered] == 0).all()


def test_the_corrected_control_is_the_edited_label_in_ade20ks_colours() -> None:
    _, moved = moved_car("right", 0.5)
    control = control_image(moved, STREET, Control.SCENE)
    assert (control[moved.covered] == (0, 102, 200)).all()
    assert (control[~moved.covered] == (140, 140, 140)).all()


def test_what_ade20k_lacks_is_black() -> None:
    label = np.zeros((40, 40), np.uint8)
    mask = box_mask((40, 40), slice(10, 20), slice(5, 15))
    label[mask] = 4
    given_scene = scene(source(np.zeros((40, 40, 3), np.uint8), mask, label=label, space=VOC))
    moved = move_object(given_scene, "right", 0.3)
    control = control_image(moved, VOC, Control.SCENE)
    assert (control[moved.covered] == (173, 255, 0)).all()
    assert (control[~moved.covered] == 0).all()
    assert ade_color("wheelbarrow") == (0, 0, 0)


def test_ade20k_is_shown_in_its_own_palette() -> None:
    space = load_label_space("ade20k")
    fireplace, escalator = (space.classes[i] for i in (49, 96))
    label = np.full((40, 40), escalator.id, np.uint8)
    mask = box_mask((40, 40), slice(10, 20), slice(5, 15))
    label[mask] = fireplace.id
    given_scene = scene(source(np.zeros((40, 40, 3), np.uint8), mask, label=label, space=space))
    moved = move_object(given_scene, "right", 0.3)
    control = control_image(moved, space, Control.SCENE)
    assert (fireplace.color, escalator.color) == ((250, 10, 15), (0, 255, 163))
    assert (control[moved.covered] == fireplace.color).all()
    assert (control[0, 0] == escalator.color).all()


def text_of(names: list[str], *, object_class: str | None = "car") -> HoleText:
    ids = {entry.name: entry.id for entry in STREET.classes}
    given_source = source(
        np.zeros((16, 16, 3), np.uint8), None, space=STREET, object_class=object_class
    )
    vacated = np.array([ids.get(name, IGNORED) for name in names], np.uint8)
    return hole_text(given_source, vacated, HolePrompt.BACKDROP)


def test_the_hole_is_described_by_what_it_becomes_and_never_by_the_object() -> None:
    assert text_of(["road"]) == HoleText(prompt="a photo of road", negative="car")
    two = text_of(["road"] * 3 + ["pavement"] * 5)
    assert two == HoleText(prompt="a photo of pavement and road", negative="car")
    four = text_of(["sky"] * 4 + ["road"] * 3 + ["tree"] * 2 + ["fence"])
    assert four.prompt == "a photo of sky, road and tree"
    # One pixel of twenty-one is not worth a word.
    assert text_of(["road"] * 20 + ["sky"]).prompt == "a photo of road"


def test_a_hole_without_a_name_has_no_prompt() -> None:
    assert text_of(["?"]) == HoleText(prompt="", negative="car")
    assert text_of([]) == HoleText(prompt="", negative="car")
    assert text_of([], object_class=None) == HoleText(prompt="", negative="")


def test_a_building_that_leaves_a_building_is_not_forbidden() -> None:
    text = text_of(["building"], object_class="building")
    assert text == HoleText(prompt="a photo of building", negative="")


def test_nouns_stand_for_names_and_wide_ids_are_ignored() -> None:
    space = LabelSpace(
        name="rooms",
        ignore_id=255,
        classes=(
            LabelClass(id=0, name="diningtable", color=(0, 0, 0), noun="dining table"),
            LabelClass(id=1, name="tvmonitor", color=(0, 0, 1), noun="TV monitor"),
            LabelClass(id=300, name="far", color=(0, 0, 2)),
        ),
    )
    given_source = source(
        np.zeros((16, 16, 3), np.uint8), None, space=space, object_class="tvmonitor"
    )
    text = hole_text(given_source, np.zeros(9, np.uint8), HolePrompt.BACKDROP)
    assert text == HoleText(prompt="a photo of dining table", negative="TV monitor")


def test_the_published_hole_has_no_words() -> None:
    text = hole_text(street(), np.full(9, ROAD, np.uint8), HolePrompt.NOTHING)
    assert text == HoleText(prompt="", negative="")


def inputs_of(rules: GeometryRules, *, height: int, width: int) -> PipelineInputs:
    image, label, mask = road(height=height, width=width)
    given_scene = scene(source(image, mask, label=label, space=STREET))
    moved = move_object(given_scene, "right", 0.3)
    hole = hole_of(given_scene, moved, rules.reach)
    return pipeline_inputs(given_scene.source, moved, hole, native_side=256, rules=rules)


def test_the_published_pictures_have_the_images_own_size() -> None:
    inputs = inputs_of(PUBLISHED_GEOMETRY, height=101, width=203)
    assert {inputs.image.size, inputs.mask.size, inputs.control.size} == {(203, 101)}


def test_the_corrected_pictures_keep_the_aspect_at_the_native_area() -> None:
    inputs = inputs_of(MATCHED_GEOMETRY, height=101, width=203)
    assert {inputs.image.size, inputs.mask.size, inputs.control.size} == {(352, 176)}
    # Neither mask nor control holds a value between those it was made of.
    assert set(np.unique(np.asarray(inputs.mask))) == {0, 255}
    colors = np.asarray(inputs.control.quantize(8).convert("RGB")).reshape(-1, 3)
    assert {tuple(map(int, c)) for c in np.unique(colors, axis=0)} == {
        (140, 140, 140),
        (0, 102, 200),
    }


@pytest.mark.parametrize("rules", [PUBLISHED_GEOMETRY, MATCHED_GEOMETRY])
def test_an_image_of_a_few_pixels_is_refused(rules: GeometryRules) -> None:
    image = np.zeros((12, 40, 3), np.uint8)
    mask = box_mask((12, 40), slice(2, 6), slice(2, 6))
    label = np.where(mask, CAR, ROAD).astype(np.uint8)
    given_scene = scene(source(image, mask, label=label, space=STREET))
    moved = move_object(given_scene, "right", 0.3)
    hole = hole_of(given_scene, moved, rules.reach)
    with pytest.raises(ImageEditError, match="under 16 pixels"):
        pipeline_inputs(given_scene.source, moved, hole, native_side=256, rules=rules)


def test_presets_differ_in_every_rule() -> None:
    published = geometry_rules_of(Preset.PUBLISHED)
    matched = geometry_rules_of(Preset.MATCHED)
    fields = published.__dataclass_fields__
    assert all(getattr(published, name) is not getattr(matched, name) for name in fields)


def test_the_control_picture_is_an_rgb_image() -> None:
    inputs = inputs_of(MATCHED_GEOMETRY, height=100, width=200)
    assert inputs.control.mode == inputs.image.mode == "RGB"
    assert inputs.mask.mode == "L"
    assert isinstance(inputs.image, Image.Image)
