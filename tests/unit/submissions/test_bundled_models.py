"""The trained submissions answer with valid classes and find what a mini scene shows."""

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.serving.serve import check_probabilities, loss_map

ROOT = Path(__file__).parents[3]
SUBMISSIONS = ROOT / "submissions"
SOURCES = ROOT / "benchmark_data" / "mini" / "sources"
VOC_BACKGROUND = 0
MODULES = ("color_features", "forest", "predict", "serve")


@pytest.fixture
def import_from(monkeypatch):
    """Return an importer of one submission's module, as if it ran alone in its container."""

    def imported(folder: str, module: str) -> types.ModuleType:
        for name in MODULES:
            monkeypatch.delitem(sys.modules, name, raising=False)
        stub = types.ModuleType("serve")
        stub.serve = stub.serve_batched = None  # the real one takes over stdout when imported
        monkeypatch.setitem(sys.modules, "serve", stub)
        monkeypatch.syspath_prepend(str(SUBMISSIONS / folder))
        path = SUBMISSIONS / folder / f"{module}.py"
        spec = importlib.util.spec_from_file_location(f"{folder}.{module}", path)
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, loaded)
        spec.loader.exec_module(loaded)
        return loaded

    return imported


@pytest.fixture
def predictor(import_from):
    """Return the function that a submission serves."""

    def loaded(folder: str):
        if folder == "color-forest":
            forest = import_from(folder, "predict").load_color_forest(
                SUBMISSIONS / folder / "forest.npz"
            )
            return forest.class_ids_of
        return import_from(folder, "predict").UNet(SUBMISSIONS / folder / "unet.onnx").predict

    return loaded


def scene(stem: str):
    image = np.asarray(Image.open(SOURCES / "images" / f"{stem}.webp").convert("RGB"))
    return image, np.asarray(Image.open(SOURCES / "labels" / f"{stem}.png"))


def foreground_iou(predicted, label) -> float:
    known = label != 255
    found, shown = predicted[known] != VOC_BACKGROUND, label[known] != VOC_BACKGROUND
    return (found & shown).sum() / (found | shown).sum()


FOLDERS = ("color-forest", "mini-unet", "mini-unet-augmented")


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("size", [(360, 480), (97, 61)])
def test_answers_have_the_images_size_and_known_classes(predictor, folder, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    predicted = predictor(folder)(image)
    assert predicted.shape == size
    assert predicted.dtype == np.uint8
    assert predicted.max() <= 20


@pytest.mark.parametrize("folder", FOLDERS)
def test_same_image_same_answer(predictor, folder):
    image = np.random.default_rng(1).integers(0, 256, (360, 480, 3), dtype=np.uint8)
    predict = predictor(folder)
    assert np.array_equal(predict(image), predict(image))


def test_guided_smoothing_keeps_an_edge_of_the_guide(import_from):
    forest = import_from("color-forest", "forest")
    guide = np.zeros((20, 20), dtype=np.float32)
    guide[:, 10:] = 1
    shares = np.stack([1 - guide, guide], axis=2)
    smooth = forest.guided_smoothing(shares, guide)
    assert np.abs(smooth - shares).max() < 0.05
    flat = forest.guided_smoothing(shares, np.zeros_like(guide))
    assert flat[10, 9, 1] == pytest.approx(0.5, abs=0.15)


def test_box_mean_is_the_mean_of_what_lies_inside(import_from):
    features = import_from("color-forest", "color_features")
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    smooth = features.box_mean(values, 1)
    assert smooth[0, 0] == pytest.approx((0 + 1 + 4 + 5) / 4)
    assert smooth[1, 1] == pytest.approx(5)
    assert smooth[2, 3] == pytest.approx((6 + 7 + 10 + 11) / 4)


def test_lab_of_known_colours(import_from):
    features = import_from("color-forest", "color_features")
    image = np.zeros((72, 96, 3), dtype=np.uint8)
    image[:24] = 255
    image[24:48] = (255, 0, 0)
    lab = features.small_lab(image)
    assert lab[0, 0] == pytest.approx([1.0, 0, 0], abs=1e-3)
    assert lab[36, 0] == pytest.approx([0.5324, 0.8009, 0.6720], abs=1e-3)  # sRGB red, D65
    assert lab[70, 0] == pytest.approx([0, 0, 0], abs=1e-3)


def test_forest_walk_takes_the_threshold_to_the_left(import_from):
    module = import_from("color-forest", "forest")
    stump = module.Forest(
        roots=np.array([0], dtype=np.int32),
        feature=np.array([1, 0, 0], dtype=np.int32),
        threshold=np.array([0.5, 0, 0], dtype=np.float32),
        children=np.array([2, 1, 1, 1, 2, 2], dtype=np.int32),
        shares=np.array([[0, 0], [255, 0], [51, 204]], dtype=np.uint8),
        depth=1,
    )
    shares = stump.predict(np.array([[[9, 0.5], [9, 0.6]]], dtype=np.float32))
    assert shares[0] == pytest.approx(np.array([[1, 0], [0.2, 0.8]]))


@pytest.mark.parametrize("folder", ["mini-unet", "mini-unet-augmented"])
@pytest.mark.parametrize(("stem", "class_id"), [("car-01", 7), ("person-01", 15)])
def test_unets_find_the_object_and_its_class(predictor, folder, stem, class_id):
    image, label = scene(stem)
    predicted = predictor(folder)(image)
    assert foreground_iou(predicted, label) > 0.5
    known = label != 255
    found, shown = predicted[known] == class_id, label[known] == class_id
    assert (found & shown).sum() / (found | shown).sum() > 0.5


@pytest.mark.parametrize(("stem", "class_id"), [("person-01", 15), ("sheep-03", 17)])
def test_the_forest_finds_objects_by_their_colours(predictor, stem, class_id):
    image, label = scene(stem)
    predicted = predictor("color-forest")(image)
    shown = label == class_id
    assert (predicted[shown] == class_id).mean() > 0.3


@pytest.mark.parametrize("folder", ["mini-unet", "mini-unet-augmented"])
def test_unets_probabilities_are_those_of_their_prediction(import_from, folder):
    network = import_from(folder, "predict").UNet(SUBMISSIONS / folder / "unet.onnx")
    image = np.random.default_rng(0).integers(0, 256, (97, 61, 3), dtype=np.uint8)

    found = network.probabilities(image)

    assert found.dtype == np.float32
    assert found.shape == (21, 97, 61)
    assert np.abs(found.sum(axis=0) - 1).max() < 1e-5
    assert np.array_equal(found.argmax(axis=0), network.predict(image))
    never = np.flatnonzero(found.reshape(len(found), -1).max(axis=1) == 0).tolist()
    assert never == sorted(set(range(21)) - set(network._class_ids.tolist()))
    assert VOC_BACKGROUND not in never
    check_probabilities(found, image)
    # tvmonitor, the greatest id of VOC, was never learned, and can be asked for all the same
    assert np.unique(loss_map(found, [20])).tolist() == [65535]
    assert loss_map(found, [VOC_BACKGROUND]).max() < 65535
