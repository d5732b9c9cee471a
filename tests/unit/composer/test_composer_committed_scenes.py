"""The scenes in the repository obey the benchmark's rules."""

import io
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark_data.composer.benchmark import SOURCES, load_plan
from benchmark_data.composer.catalogue import Split, load_catalogue
from benchmark_data.composer.library import VOC_IDS
from benchmark_data.composer.notice import SCENE_LICENSE, render_notice, used_assets
from harness.records.base import sha256_hex
from harness.records.recipe import Recipe

MINI = SOURCES.parent
RECIPE = MINI.parent / "recipes" / "mini.toml"
SCENES = tomllib.loads((SOURCES / "scenes.toml").read_text(encoding="utf-8"))["scenes"]
SHAREABLE = {"GPL-2.0-or-later", "CC-BY-4.0", "CC0-1.0", "public-domain"}


def paths(scene) -> tuple[Path, Path, Path]:
    stem = scene["stem"]
    return (
        SOURCES / "images" / f"{stem}.webp",
        SOURCES / "labels" / f"{stem}.png",
        SOURCES / "masks" / f"{stem}.png",
    )


def test_there_are_enough_scenes_of_enough_classes():
    classes = Counter(scene["object_class"] for scene in SCENES)
    assert len(SCENES) >= 48
    assert len(classes) >= 8
    assert min(classes.values()) >= 3
    assert [scene["stem"] for scene in SCENES] == [scene.stem for scene in load_plan().scenes]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["stem"])
def test_a_scene_obeys_the_rules(scene):
    files = [path.read_bytes() for path in paths(scene)]
    digests = [scene["image_sha256"], scene["label_sha256"], scene["mask_sha256"]]
    assert [sha256_hex(data) for data in files] == digests
    image, label, mask = (Image.open(io.BytesIO(data)) for data in files)
    assert (image.mode, label.mode, mask.mode) == ("RGB", "L", "L")
    assert image.size == label.size == mask.size == (480, 360)
    ids, shown = np.asarray(label), np.asarray(mask)
    assert set(np.unique(shown)) == {0, 255}
    assert (shown > 0).mean() >= 0.10
    assert (ids[shown > 0] == VOC_IDS[scene["object_class"]]).all()
    assert set(np.unique(ids)) <= {0, *VOC_IDS.values(), 255}
    assert (ids == 255).mean() < 0.03


def test_folders_hold_exactly_the_listed_files_and_stay_small():
    listed = {path for scene in SCENES for path in paths(scene)} | {SOURCES / "scenes.toml"}
    assert {path for path in SOURCES.rglob("*") if path.is_file()} == listed
    assert sum(path.stat().st_size for path in listed) < 16_000_000


def test_no_photograph_is_in_both_splits_and_every_class_can_be_trained():
    catalogue = load_catalogue()
    for assets in (catalogue.cutouts, catalogue.backgrounds):
        sides = {s: {a.sha256 for a in assets if a.split is s} for s in Split}
        assert not sides[Split.BENCHMARK] & sides[Split.TRAINING]
    trained = {c.object_class for c in catalogue.cutouts if c.split is Split.TRAINING}
    assert {scene["object_class"] for scene in SCENES} <= trained


def test_scenes_use_benchmark_photographs_only():
    used = used_assets(load_catalogue(), load_plan())
    assert {asset.split for asset in used} == {Split.BENCHMARK}
    named = {scene["background"] for scene in SCENES} | {scene["cutout"] for scene in SCENES}
    named |= {other for scene in SCENES for other in scene["other_cutouts"]}
    assert named == {asset.id for asset in used}


def test_every_used_photograph_is_credited_and_may_be_shared():
    used = used_assets(load_catalogue(), load_plan())
    notice = (MINI / "NOTICE").read_text(encoding="utf-8")
    assert notice == render_notice(load_catalogue(), load_plan())
    assert {asset.credit.license for asset in used} <= SHAREABLE
    for asset in used:
        assert f"\n{asset.id}\n" in notice
        assert asset.path in notice


def test_the_recipe_is_valid_and_names_the_scenes():
    recipe = Recipe.model_validate(tomllib.loads(RECIPE.read_text(encoding="utf-8")))
    assert recipe.license == SCENE_LICENSE
    assert recipe.source.root is not None
    assert (RECIPE.parent / recipe.source.root).resolve() == SOURCES
    assert len(recipe.all_edits()) == 27


def test_the_data_card_states_the_counts():
    card = (MINI / "DATA_CARD.md").read_text(encoding="utf-8")
    for name, count in Counter(scene["object_class"] for scene in SCENES).items():
        assert f"| {name} | {count} |" in card
