"""A tiny tree of CamVid in the 11 classes of the SegNet papers."""

from pathlib import Path

from source_trees.drawing import Shape, draw_scene, save_photo, save_values

SKY, BUILDING, ROAD, TREE, CAR, UNLABELLED = 0, 1, 3, 5, 8, 11
STREET = (
    Shape(class_id=SKY, box=(0, 0, 30, 128), color=(160, 190, 220)),
    Shape(class_id=ROAD, box=(64, 0, 90, 128), color=(100, 95, 95)),
    Shape(class_id=UNLABELLED, box=(90, 0, 96, 128), color=(20, 20, 20)),
    Shape(class_id=TREE, box=(8, 100, 60, 124), color=(40, 100, 40), round=True),
)
SCENES = {
    "0001TP_008550": (Shape(class_id=CAR, box=(40, 10, 80, 60), color=(170, 30, 40)),),
    "0016E5_07959": (
        Shape(class_id=CAR, box=(44, 50, 86, 98), color=(40, 60, 160), round=True),
        Shape(class_id=CAR, box=(50, 4, 62, 20), color=(190, 190, 60)),
    ),
    "Seq05VD_f00000": (Shape(class_id=CAR, box=(52, 30, 62, 50), color=(220, 220, 220)),),
}


def write_camvid_tree(root: Path, *, split: str = "test", segnet: bool = False) -> None:
    """Three streets, two with a car of a tenth; with `segnet`, as the SegNet tutorial lays out."""
    images, labels = (
        (root / "CamVid" / split, root / "CamVid" / f"{split}annot")
        if segnet
        else (root / split / "images", root / split / "labels")
    )
    for number, (name, shapes) in enumerate(SCENES.items()):
        scene = draw_scene((*STREET, *shapes), seed=number, ground=BUILDING)
        save_photo(images / f"{name}.png", scene.image)
        save_values(labels / f"{name}.png", scene.label)
