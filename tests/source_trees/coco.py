"""Writes a small COCO-Stuff 164k: images, pixel maps and an instances JSON of drawn pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from source_trees.drawn_scenes import Patch, Scene, box, ellipse

from harness.dataset.coco_ids import COCO_CLASS_IDS, THING_IDS
from harness.dataset.label_space import load_label_space

SPLIT = "val2017"
PERSON, STOP_SIGN, BEAR, COUCH, CLOCK = 1, 13, 23, 63, 85
FLOOR_WOOD, GRASS, SKY, TREE, WALL = 118, 124, 157, 169, 173
"""COCO's own ids; a pixel map holds them less one."""
UNLABELLED = 255


def _patch(
    coco_id: int, outline: tuple[tuple[int, int], ...], color: tuple[int, int, int]
) -> Patch:
    return Patch(value=coco_id - 1, outline=outline, color=color)


COUCH_SCENE = Scene(
    name="000000000139",
    width=128,
    height=96,
    rest=WALL - 1,
    patches=(
        _patch(FLOOR_WOOD, box(0, 68, 127, 95), (150, 110, 70)),
        _patch(
            COUCH, ((16, 80), (16, 50), (28, 38), (100, 38), (112, 50), (112, 80)), (60, 110, 150)
        ),
        Patch(value=UNLABELLED, outline=box(0, 0, 127, 4), color=(30, 30, 30)),
    ),
)
BEARS_SCENE = Scene(
    name="000000000285",
    width=144,
    height=96,
    rest=GRASS - 1,
    patches=(
        _patch(BEAR, ellipse(50, 52, 36, 30), (110, 70, 40)),
        _patch(BEAR, ellipse(106, 58, 22, 24), (80, 55, 40)),
    ),
)
"""Two bears that touch: one component of the label, two instances."""
CLOCK_SCENE = Scene(
    name="000000000632",
    width=128,
    height=96,
    rest=WALL - 1,
    patches=(_patch(CLOCK, ellipse(64, 40, 12, 12), (230, 230, 220)),),
)
SIGN_SCENE = Scene(
    name="000000000724",
    width=96,
    height=128,
    rest=SKY - 1,
    patches=(
        _patch(TREE, box(0, 84, 95, 127), (50, 100, 50)),
        _patch(PERSON, box(8, 100, 88, 120), (120, 90, 90)),
        _patch(STOP_SIGN, ellipse(48, 50, 30, 30, points=8), (190, 30, 40)),
    ),
)
SCENES = (COUCH_SCENE, BEARS_SCENE, CLOCK_SCENE, SIGN_SCENE)
"""A couch, two bears and a stop sign of over a tenth of their images, and an image without such."""


def write_coco_tree(root: Path) -> Path:
    """Write the split val2017 into `root`, and return it."""
    for scene in SCENES:
        scene.write(
            root / "images" / SPLIT / f"{scene.name}.jpg",
            root / "stuffthingmaps" / SPLIT / f"{scene.name}.png",
        )
    write_instances(root, instances_json())
    return root


def write_instances(root: Path, content: dict[str, Any]) -> Path:
    """Write an instances JSON to where COCO has it, and return its path."""
    path = root / "annotations" / f"instances_{SPLIT}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def instances_json() -> dict[str, Any]:
    """The instances of `SCENES` as COCO writes them: polygons, and run lengths for the crowd."""
    annotations = [
        _annotation(scene, patch) for scene in SCENES for patch in scene.patches if _is_thing(patch)
    ]
    return {
        "info": {"description": "COCO 2017 Dataset", "version": "1.0", "year": 2017},
        "licenses": [{"url": "http://flickr.com/commons/usage/", "id": 7, "name": "No known"}],
        "images": [_image(scene) for scene in SCENES],
        "annotations": [
            {**annotation, "id": 1000 + place} for place, annotation in enumerate(annotations)
        ],
        "categories": _categories(),
    }


def _is_thing(patch: Patch) -> bool:
    return patch.value + 1 in THING_IDS


def _image(scene: Scene) -> dict[str, Any]:
    return {
        "license": 7,
        "file_name": f"{scene.name}.jpg",
        "height": scene.height,
        "width": scene.width,
        "date_captured": "2013-11-21 01:34:01",
        "id": int(scene.name),
    }


def _annotation(scene: Scene, patch: Patch) -> dict[str, Any]:
    inside = scene.inside(patch)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    left, top = float(columns[0]), float(rows[0])
    crowd = patch.value + 1 == PERSON
    return {
        "segmentation": _crowd(inside) if crowd else [_polygon(patch)],
        "area": float(inside.sum()),
        "iscrowd": int(crowd),
        "image_id": int(scene.name),
        "bbox": [left, top, float(columns[-1]) + 1 - left, float(rows[-1]) + 1 - top],
        "category_id": patch.value + 1,
    }


def _polygon(patch: Patch) -> list[float]:
    # The outline runs through pixels' centres, a polygon of COCO along their edges.
    middle = np.mean(patch.outline, axis=0)
    return [
        float(value) + (1.0 if value > middle[axis] else 0.0)
        for point in patch.outline
        for axis, value in enumerate(point)
    ]


def _crowd(inside: np.ndarray) -> dict[str, Any]:
    """Uncompressed run lengths: down the columns, the first of what is outside."""
    flat = inside.flatten(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = [0, *changes.tolist(), len(flat)]
    counts = np.diff(edges).tolist()
    return {"counts": [0, *counts] if flat[0] else counts, "size": list(inside.shape)}


def _categories() -> list[dict[str, Any]]:
    names = {c.id: c.name for c in load_label_space("coco-stuff").classes}
    return [
        {"supercategory": "thing", "id": coco_id, "name": names[COCO_CLASS_IDS[coco_id]]}
        for coco_id in sorted(THING_IDS)
    ]
