"""What the training scripts build examples and exports from."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from submissions.training.appearance import mild_change, strong_change
from submissions.training.composites import CompositeSet, class_indices
from submissions.training.forest import Examples, as_arrays, fitted, walking
from submissions.training.geometry import View, random_view
from submissions.training.scoring import intersection_over_union, mean_iou

ROOT = Path(__file__).parents[3]
CATALOGUE = ROOT / "benchmark_data" / "composer" / "catalogue.toml"


@pytest.fixture
def view():
    generator = np.random.default_rng(3)
    label = np.zeros((192, 256), dtype=np.uint8)
    label[60:140, 80:200] = 3
    label[59, 80:200] = 255
    image = generator.integers(0, 256, (192, 256, 3), dtype=np.uint8)
    return View(image=image, label=label)


def test_iou_of_a_hand_made_confusion():
    counts = np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
    scores = intersection_over_union(counts)
    assert scores[:2] == pytest.approx([6 / 9, 3 / 6])
    assert np.isnan(scores[2])
    assert mean_iou(scores) == pytest.approx((6 / 9 + 3 / 6) / 2)


def test_class_indices_ignore_what_is_not_taught():
    table = class_indices((0, 3, 254))
    assert table[[0, 3, 254, 255, 7]].tolist() == [0, 1, 2, 255, 255]


def test_class_weights_favour_the_rare():
    labels = np.zeros((1, 10, 10), dtype=np.uint8)
    labels[0, 0, :4] = 3
    scenes = CompositeSet(
        images=np.zeros((1, 10, 10, 3), dtype=np.uint8),
        labels=labels,
        class_ids=(0, 3),
        photographs="",
    )
    weights = scenes.class_weights()
    assert weights.mean() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx((96 / 4) ** 0.5)


def test_random_view_moves_image_and_label_together(view):
    marked = View(image=np.repeat(view.label[..., None], 3, axis=2), label=view.label)
    seen = random_view(marked, np.random.default_rng(0))
    inside = seen.image[..., 0] == 3
    assert seen.label.shape == seen.image.shape[:2] == (192, 256)
    assert (seen.label[inside] == 3).mean() > 0.97
    assert not np.array_equal(seen.label, view.label)


def test_random_views_are_repeatable(view):
    first = random_view(view, np.random.default_rng(5))
    second = random_view(view, np.random.default_rng(5))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.label, second.label)


def test_changes_of_appearance_leave_the_label_alone(view):
    generator = np.random.default_rng(0)
    for _ in range(60):
        changed = strong_change(view, view.image[::-1], generator)
        assert changed.image.shape == view.image.shape
        assert changed.image.dtype == np.uint8
        assert changed.label is view.label


def test_mild_change_keeps_colours_in_order(view):
    changed = mild_change(view, np.random.default_rng(0)).image.astype(int)
    difference = np.abs(changed - view.image.astype(int))
    assert 0 < difference.mean() < 40


def test_the_walk_agrees_with_scikit_learn():
    generator = np.random.default_rng(0)
    features = generator.random((4000, 5), dtype=np.float32)
    classes = (features[:, 0] + features[:, 2] > 1).astype(np.uint8)
    model = fitted(Examples(features=features, classes=classes), 6, seed=1)
    arrays = as_arrays([model], "x")
    named = {name.removeprefix("x_"): array for name, array in arrays.items()}
    children = np.stack([named.pop("right"), named.pop("left")], axis=1).reshape(-1)
    forest = walking.Forest(**named, children=children)
    asked = generator.random((10, 10, 5), dtype=np.float32)
    expected = model.predict_proba(asked.reshape(-1, 5)).reshape(10, 10, 2)
    assert forest.predict(asked) == pytest.approx(expected, abs=0.005)


def test_supplement_holds_nothing_of_the_catalogue():
    catalogue = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    taken = {a["path"] for a in (*catalogue["cutouts"], *catalogue["backgrounds"])}
    path = ROOT / "submissions" / "training" / "supplement.toml"
    supplement = tomllib.loads(path.read_text(encoding="utf-8"))
    cutouts = supplement["cutouts"]
    added = {f"{cutouts['folder']}/{f}" for group in cutouts["group"] for f in group["files"]}
    for source in supplement["backgrounds"]:
        added |= {f"{source['folder']}/{file}" for file in source["files"]}
    assert len(added) > 60
    assert not added & taken
