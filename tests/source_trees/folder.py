"""A tiny tree of the plain layout: images, index masks and a file of class names."""

from pathlib import Path

import numpy as np
from source_trees.drawing import Shape, draw_scene, save_photo, save_values

CLASSES = ("background", "mug", "plate", "table")
MUG, PLATE, TABLE, IGNORED = 1, 2, 3, 255
SCENES: dict[str, tuple[Shape, ...]] = {
    "kitchen-1.jpg": (
        Shape(class_id=TABLE, box=(60, 0, 96, 128), color=(150, 110, 70)),
        Shape(class_id=MUG, box=(20, 40, 80, 80), color=(200, 40, 40)),
    ),
    "küche 2.png": (
        Shape(class_id=PLATE, box=(20, 20, 76, 110), color=(220, 220, 225), round=True),
        Shape(class_id=IGNORED, box=(0, 0, 4, 128), color=(0, 0, 0)),
    ),
    "台所.webp": (Shape(class_id=MUG, box=(40, 50, 60, 66), color=(60, 90, 180)),),
}


def write_folder_tree(root: Path, *, split: str = "all", masks: bool = False) -> None:
    """Three kitchens, of one nothing of a tenth, and classes.txt; with `masks`, one of a mug."""
    folder = root if split == "all" else root / split
    for number, (file, shapes) in enumerate(SCENES.items()):
        scene = draw_scene(shapes, seed=number)
        save_photo(folder / "images" / file, scene.image)
        stem = file.rpartition(".")[0]
        save_values(folder / "labels" / f"{stem}.png", scene.label)
    if masks:
        mug = draw_scene(SCENES["kitchen-1.jpg"], seed=0).label == MUG
        save_values(folder / "masks/kitchen-1.png", np.where(mug, 255, 0).astype(np.uint8))
    (root / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
