"""A tiny tree of PASCAL VOC 2012, file by file as its development kit has them."""

from pathlib import Path

import numpy as np
from source_trees.drawing import (
    Scene,
    Shape,
    bit_palette,
    draw_scene,
    outlined,
    save_photo,
    save_values,
)

AEROPLANE, BOAT, CHAIR, DOG, PERSON, MONITOR = 1, 4, 9, 12, 15, 20
VAL = ("2007_000033", "2007_000042", "2007_000061", "2007_000123")
TRAIN = ("2007_000032",)
AUGMENTED = ("2007_000032", "2008_000002")
SCENES: dict[str, tuple[Shape, ...]] = {
    "2007_000032": (
        Shape(class_id=AEROPLANE, box=(20, 20, 70, 110), color=(200, 60, 50), instance=1),
    ),
    # An aeroplane of about a quarter, and a small person.
    "2007_000033": (
        Shape(
            class_id=AEROPLANE, box=(16, 14, 72, 92), color=(190, 190, 200), round=True, instance=1
        ),
        Shape(class_id=PERSON, box=(70, 104, 92, 114), color=(150, 90, 60), instance=2),
    ),
    # Two chairs that touch: one component, two instances.
    "2007_000042": (
        Shape(class_id=CHAIR, box=(40, 10, 90, 50), color=(120, 70, 30), instance=1),
        Shape(class_id=CHAIR, box=(30, 50, 90, 100), color=(60, 110, 40), instance=2),
    ),
    # Nothing of a tenth.
    "2007_000061": (
        Shape(class_id=BOAT, box=(60, 40, 80, 70), color=(220, 200, 60), round=True, instance=1),
    ),
    "2007_000123": (
        Shape(class_id=MONITOR, box=(10, 60, 50, 110), color=(30, 30, 40), instance=1),
        Shape(class_id=DOG, box=(40, 20, 92, 84), color=(160, 120, 70), round=True, instance=2),
    ),
}


def write_voc_tree(root: Path, *, kit: str = "VOCdevkit/VOC2012") -> None:
    """Four labelled images in val, one in train, two in trainaug, and one that has no label."""
    folder = root / kit
    for number, (name, shapes) in enumerate(SCENES.items()):
        scene = draw_scene(shapes, seed=number)
        _write_source(folder, name, scene)
    save_photo(folder / "JPEGImages/2007_000027.jpg", draw_scene((), seed=20).image)
    _write_augmented(folder)
    lists = folder / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    splits = {"train": TRAIN, "val": VAL, "trainval": sorted((*TRAIN, *VAL)), "trainaug": AUGMENTED}
    for split, names in splits.items():
        (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def _write_source(folder: Path, name: str, scene: Scene) -> None:
    save_photo(folder / f"JPEGImages/{name}.jpg", scene.image)
    palette = bit_palette()
    for kind, values in (
        ("SegmentationClass", scene.label),
        ("SegmentationObject", scene.instances),
    ):
        save_values(
            folder / kind / f"{name}.png", outlined(values, scene.instances), palette=palette
        )


def _write_augmented(folder: Path) -> None:
    """The labels of the Semantic Boundaries Dataset: plain ids without boundaries or objects."""
    first = draw_scene(SCENES["2007_000032"], seed=0)
    second = draw_scene(
        (Shape(class_id=DOG, box=(30, 30, 90, 80), color=(90, 70, 50), round=True),), seed=9
    )
    save_photo(folder / "JPEGImages/2008_000002.jpg", second.image)
    for name, scene in zip(AUGMENTED, (first, second), strict=True):
        values = np.ascontiguousarray(scene.label)
        save_values(folder / "SegmentationClassAug" / f"{name}.png", values)
