"""A tiny tree of Cityscapes: gtFine with label ids, instance ids, colours and polygons."""

import json
from pathlib import Path

import numpy as np
from source_trees.drawing import Shape, draw_scene, save_photo, save_values

SIZE = (64, 128)
ROAD, BUILDING, SKY, PERSON, CAR, TRUCK, EGO = 7, 11, 23, 24, 26, 27, 1
TRAIN_IDS = {ROAD: 0, BUILDING: 2, SKY: 10, PERSON: 11, CAR: 13, TRUCK: 14}
STREET = (
    Shape(class_id=SKY, box=(0, 0, 20, 128), color=(150, 190, 230)),
    Shape(class_id=ROAD, box=(40, 0, 60, 128), color=(90, 90, 95)),
    Shape(class_id=EGO, box=(60, 0, 64, 128), color=(20, 20, 20)),
)
VAL: dict[str, tuple[Shape, ...]] = {
    # Two cars that touch.
    "frankfurt_000000_000294": (
        Shape(class_id=CAR, box=(24, 10, 56, 50), color=(180, 30, 30), instance=26000),
        Shape(class_id=CAR, box=(28, 50, 56, 76), color=(40, 60, 170), instance=26001),
    ),
    "frankfurt_000001_002512": (
        Shape(class_id=TRUCK, box=(12, 40, 58, 100), color=(200, 180, 60), instance=27000),
        Shape(class_id=PERSON, box=(30, 104, 50, 110), color=(60, 120, 60), instance=24000),
    ),
    # Cars that were not told apart: a group has no instances.
    "lindau_000000_000019": (Shape(class_id=CAR, box=(30, 30, 52, 90), color=(120, 120, 130)),),
    "munster_000173_000029": (
        Shape(class_id=CAR, box=(30, 60, 40, 80), color=(200, 200, 200), instance=26000),
    ),
}
TRAIN = {"aachen_000000_000019": VAL["frankfurt_000000_000294"]}


def write_cityscapes_tree(root: Path, *, train_ids: bool = False) -> None:
    """Four images of three cities in val and one in train; with `train_ids`, their files too."""
    for split, scenes in (("val", VAL), ("train", TRAIN)):
        for number, (name, shapes) in enumerate(scenes.items()):
            _write_source(root, split, name, shapes, seed=number, train_ids=train_ids)


def _write_source(
    root: Path, split: str, name: str, shapes: tuple[Shape, ...], *, seed: int, train_ids: bool
) -> None:
    scene = draw_scene((*STREET, *shapes), seed=seed, ground=BUILDING, size=SIZE)
    city = name.partition("_")[0]
    save_photo(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", scene.image)
    stem = root / "gtFine" / split / city / f"{name}_gtFine"
    save_values(Path(f"{stem}_labelIds.png"), scene.label)
    instances = np.where(scene.instances > 0, scene.instances, scene.label).astype(np.uint16)
    save_values(Path(f"{stem}_instanceIds.png"), instances)
    save_photo(Path(f"{stem}_color.png"), np.dstack([scene.label] * 3))
    polygons = {"imgHeight": SIZE[0], "imgWidth": SIZE[1], "objects": []}
    Path(f"{stem}_polygons.json").write_text(json.dumps(polygons))
    if train_ids:
        table = np.full(256, 255, np.uint8)
        for label_id, train_id in TRAIN_IDS.items():
            table[label_id] = train_id
        save_values(Path(f"{stem}_labelTrainIds.png"), table[scene.label])
