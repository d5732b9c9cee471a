"""Weather does to the pixels what it does outdoors."""

import numpy as np
import pytest
from edited_scenes import one, source, street, textured

from harness.editing.procedural.layout import Layout
from harness.editing.roles import Role, role_table
from harness.records.label_space import LabelClass, LabelSpace


def grey(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def test_snow_whitens_the_road_and_the_tops_of_things_more_than_their_sides() -> None:
    scene = street(level=80)
    result = grey(one(scene, "weather=snowy").image)
    before = grey(scene.image)
    road = scene.label == 3
    assert result[road].mean() > before[road].mean() + 60
    rows = np.flatnonzero(scene.mask.any(axis=1))
    columns = np.flatnonzero(scene.mask.any(axis=0))
    inner = slice(columns[0] + 3, columns[-1] - 3)
    top = (result - before)[rows[0] + 1 : rows[0] + 3, inner].mean()
    side = (result - before)[rows[0] + 15 : rows[-1] - 5, inner].mean()
    assert top > side + 25


def test_snow_light_is_cold() -> None:
    scene = street()
    red, _, blue = one(scene, "weather=snowy").image.reshape(-1, 3).mean(axis=0)
    assert blue > red


def test_fog_takes_contrast_with_depth() -> None:
    label = np.full((160, 120), 3, np.uint8)
    label[:40] = 0
    image = textured(160, 120, 2)
    scene = source(image, None, label=label, space=street().label_space)
    fogged = grey(one(scene, "weather=foggy").image)
    before = grey(image)
    kept = [fogged[r : r + 20].std() / before[r : r + 20].std() for r in (0, 44, 80, 140)]
    assert kept[0] < 0.25
    assert kept[0] < kept[1] < kept[2] < kept[3]
    assert kept[3] > 0.5


def test_rain_darkens_the_road_and_mutes_colour() -> None:
    scene = street(level=150)
    image = scene.image.copy()
    image[scene.label == 3] = (190, 120, 60)
    wet = one(source(image, None, label=scene.label, space=scene.label_space), "weather=rainy")
    road = scene.label == 3
    assert grey(wet.image)[road].mean() < grey(image)[road].mean() - 25
    spread = wet.image[road].astype(int)
    assert np.ptp(spread, axis=1).mean() < 80


def test_wet_ground_mirrors_what_stands_on_it() -> None:
    label = np.full((160, 120), 3, np.uint8)
    label[:80] = 1
    image = np.full((160, 120, 3), 90, np.uint8)
    image[30:80, :60] = (230, 40, 40)
    wet = one(source(image, None, label=label, space=street().label_space), "weather=rainy").image
    under_red = wet[86:110, 8:50].astype(int)
    under_grey = wet[86:110, 70:112].astype(int)
    redness = (under_red[..., 0] - under_red[..., 2]).mean()
    assert redness > (under_grey[..., 0] - under_grey[..., 2]).mean() + 8


def test_night_is_dark_and_blue() -> None:
    scene = street(level=150)
    result = one(scene, "weather=night").image
    assert grey(result).mean() < 0.4 * grey(scene.image).mean()
    red, _, blue = result[scene.label == 0].mean(axis=0)
    assert blue > red
    assert blue < 90


def test_at_night_cars_have_their_lights_on() -> None:
    scene = street(level=110)
    result = one(scene, "weather=night").image
    assert result[scene.mask].max() > 200


def test_roles_come_from_class_names() -> None:
    space = LabelSpace(
        name="mixed",
        ignore_id=255,
        classes=tuple(
            LabelClass(id=i, name=name, color=(i, i, i))
            for i, name in enumerate(("road", "Sky", "vegetation", "wall", "pole", "bus"))
        ),
    )
    table = role_table(space)
    wanted = [Role.GROUND, Role.SKY, Role.PLANT, Role.BUILT, Role.THIN, Role.THING]
    assert table[:6].tolist() == wanted
    assert table[255] == Role.UNKNOWN
    assert table[77] == Role.UNKNOWN


def test_without_a_sky_class_the_smooth_blue_top_is_the_sky() -> None:
    image = textured(120, 160, 4)
    image[:40] = (120, 170, 240)
    layout = Layout(roles=np.full((120, 160), Role.BACKDROP, np.uint8), image=image)
    assert layout.sky[:30].mean() > 0.9
    assert layout.sky[55:].mean() == 0
    assert layout.horizon == pytest.approx(44, abs=8)


def test_things_stand_as_far_as_their_foot() -> None:
    roles = np.full((100, 100), Role.GROUND, np.uint8)
    roles[:40] = Role.SKY
    roles[30:90, 10:40] = Role.THING
    roles[35:55, 60:80] = Role.THING
    depth = Layout(roles=roles, image=np.zeros((100, 100, 3), np.uint8)).depth
    near, far = depth[40:85, 15:35], depth[42:50, 63:77]
    assert np.ptp(near) < 0.02
    assert far.mean() > near.mean() + 0.1
    assert depth[5, 90] == 1.0
