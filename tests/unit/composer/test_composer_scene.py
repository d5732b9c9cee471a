"""Drawing scenes from a library of synthetic photographs."""

import numpy as np
import pytest

from benchmark_data.composer.catalogue import BackgroundAsset, Credit, CutoutAsset, Split
from benchmark_data.composer.fringe import clean_cutout
from benchmark_data.composer.library import Background, Cutout, Library
from benchmark_data.composer.placement import Placement, View, place_beside
from benchmark_data.composer.scene import MIN_OBJECT_SHARE, compose_scene, directed_scene

CREDIT = Credit(author="nobody", license="CC0-1.0")


def cutout(name, object_class, *, height_m=1.0, split="benchmark", habitat="meadow"):
    asset = CutoutAsset(
        id=name, split=split, package="p", path=name, sha256="0" * 64, credit=CREDIT,
        object_class=object_class, habitats=(habitat,), height_m=height_m,
    )  # fmt: skip
    rows, columns = np.mgrid[0:90, 0:120]
    inside = ((rows - 45) / 45) ** 2 + ((columns - 60) / 60) ** 2 < 1
    rgb = np.zeros((90, 120, 3), dtype=np.uint8)
    rgb[..., 0] = 180
    return Cutout(asset=asset, rgb=rgb, alpha=np.where(inside, 255, 0).astype(np.uint8))


def background(name="field", *, split="benchmark", surface="grass"):
    asset = BackgroundAsset(
        id=name, split=split, package="p", path=name, sha256="1" * 64, credit=CREDIT,
        habitats=("meadow",), surface=surface, horizon=0.4, ground=(0.5, 1.0),
    )  # fmt: skip
    rgb = np.random.default_rng(0).integers(60, 200, (600, 800, 3), dtype=np.uint8)
    return Background(asset=asset, rgb=rgb)


def library(split="benchmark"):
    cutouts = (cutout("a-cow", "cow", split=split), cutout("a-dog", "dog", split=split))
    return Library(split=Split(split), cutouts=cutouts, backgrounds=(background(split=split),))


@pytest.mark.parametrize("split", ["benchmark", "training"])
def test_the_same_seed_gives_the_same_scene(split):
    drawn = [compose_scene(library(split), split, np.random.default_rng(5)) for _ in range(2)]
    assert np.array_equal(drawn[0].image, drawn[1].image)
    assert np.array_equal(drawn[0].label, drawn[1].label)
    assert np.array_equal(drawn[0].mask, drawn[1].mask)
    assert drawn[0].cutouts == drawn[1].cutouts


def test_the_splits_do_not_mix():
    with pytest.raises(ValueError, match="training"):
        compose_scene(library("benchmark"), "training", np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(6))
def test_a_benchmark_scene_obeys_the_rules(seed):
    scene = compose_scene(library(), "benchmark", np.random.default_rng(seed))
    class_id = {"cow": 10, "dog": 12}[scene.object_class]
    assert scene.image.shape == (360, 480, 3)
    assert scene.label.shape == scene.mask.shape == (360, 480)
    assert scene.mask.mean() >= MIN_OBJECT_SHARE
    assert (scene.label[scene.mask] == class_id).all()
    assert set(np.unique(scene.label)) <= {0, 10, 12, 255}


def test_training_scenes_have_none_one_or_more_objects_of_all_sizes():
    lib = library("training")
    scenes = [compose_scene(lib, "training", np.random.default_rng([1, i])) for i in range(24)]
    assert {len(scene.cutouts) for scene in scenes} >= {0, 1, 2}
    empty = [scene for scene in scenes if not scene.cutouts]
    assert all(scene.object_class is None and not scene.mask.any() for scene in empty)
    assert all((scene.label == 0).all() for scene in empty)
    shares = [scene.mask.mean() for scene in scenes if scene.cutouts]
    assert min(shares) < 0.06
    assert max(shares) > 0.15


def test_an_object_that_cannot_fit_is_refused_by_name():
    thin = cutout("a-pole", "person")
    alpha = np.zeros_like(thin.alpha)
    alpha[:, 60] = 255
    with pytest.raises(ValueError, match="a-pole"):
        directed_scene(
            background(),
            Cutout(asset=thin.asset, rgb=thin.rgb, alpha=alpha),
            (),
            np.random.default_rng(0),
        )


def test_a_companion_keeps_proportion_on_the_common_ground():
    view = View(box=(0, 0, 480, 360), mirrored=False, horizon=0.25, ground=(0.99, 1.0))
    main = (cutout("a-cow", "cow", height_m=1.5), Placement(
        left=100, top=90, width=200, height=180, mirrored=False
    ))  # fmt: skip
    beside = place_beside(
        cutout("a-dog", "dog", height_m=0.75), view, np.random.default_rng(0),
        canvas=(480, 360), neighbour=main,
    )  # fmt: skip
    # Half as high as the cow, and twice as near: rows 360 and 270 under a horizon at row 90.
    assert beside.foot == pytest.approx(358, abs=2)
    assert beside.height == pytest.approx(180 * 0.5 * (358 - 90) / (270 - 90), abs=2)


def test_cleaning_takes_the_fringe_of_the_old_background_away():
    rgb = np.full((21, 21, 3), 255, dtype=np.uint8)
    rgb[6:15, 6:15] = (10, 20, 30)
    alpha = np.zeros((21, 21), dtype=np.uint8)
    alpha[5:16, 5:16] = 128
    alpha[6:15, 6:15] = 255
    colours, coverage = clean_cutout(rgb, alpha)
    assert np.abs(colours[5, 10].astype(int) - (10, 20, 30)).max() <= 3
    assert coverage[10, 10] == 255
    assert coverage[5, 10] == round((128 - 40) * 255 / 195)
    assert coverage[0, 0] == 0
