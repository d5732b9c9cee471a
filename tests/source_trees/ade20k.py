"""Writes a small ADE20K as its archive unpacks: ADEChallengeData2016 with drawn pictures."""

from pathlib import Path

from source_trees.drawn_scenes import Patch, Scene, box, ellipse

FOLDER = "ADEChallengeData2016"
OTHER, BUILDING, SKY, TREE, ROAD, PERSON, EARTH = 0, 2, 3, 5, 7, 13, 14
CAR, SOFA, HOUSE, FLOOR, WALL = 21, 24, 26, 4, 1
"""Values of SceneParse150's labels, as its objectInfo150.txt counts them: from 1, 0 is other."""

HOUSE_SCENE = Scene(
    name="ADE_val_00000001",
    width=144,
    height=96,
    rest=SKY,
    patches=(
        Patch(value=EARTH, outline=box(0, 70, 143, 95), color=(120, 130, 70)),
        Patch(
            value=HOUSE,
            outline=((30, 78), (30, 40), (65, 14), (100, 40), (100, 78)),
            color=(196, 96, 70),
        ),
        Patch(value=TREE, outline=ellipse(122, 48, 14, 26), color=(40, 110, 50)),
        Patch(value=OTHER, outline=box(0, 90, 143, 95), color=(90, 90, 90)),
    ),
)
CAR_SCENE = Scene(
    name="ADE_val_00000002",
    width=128,
    height=96,
    rest=BUILDING,
    patches=(
        Patch(value=ROAD, outline=box(0, 60, 127, 95), color=(96, 96, 100)),
        Patch(
            value=CAR,
            outline=(
                (20, 74),
                (24, 54),
                (44, 50),
                (54, 34),
                (88, 34),
                (98, 52),
                (110, 58),
                (110, 74),
            ),
            color=(40, 70, 170),
        ),
    ),
)
SOFA_SCENE = Scene(
    name="ADE_val_00000003",
    width=96,
    height=128,
    rest=WALL,
    patches=(
        Patch(value=FLOOR, outline=box(0, 90, 95, 127), color=(150, 110, 70)),
        Patch(
            value=SOFA,
            outline=((10, 104), (10, 62), (22, 50), (74, 50), (86, 62), (86, 104)),
            color=(140, 40, 60),
        ),
    ),
)
EMPTY_SCENE = Scene(
    name="ADE_val_00000004",
    width=128,
    height=96,
    rest=SKY,
    patches=(
        Patch(value=EARTH, outline=box(0, 56, 127, 95), color=(140, 120, 80)),
        Patch(value=PERSON, outline=box(60, 44, 68, 70), color=(60, 40, 120)),
    ),
)
SCENES = (HOUSE_SCENE, CAR_SCENE, SOFA_SCENE, EMPTY_SCENE)
"""A house, a car and a sofa of over a tenth of their images, and an image without such."""


def write_ade20k_tree(root: Path) -> Path:
    """Write the validation split below `root`, and return its folder ADEChallengeData2016."""
    kit = root / FOLDER
    for scene in SCENES:
        scene.write(
            kit / "images" / "validation" / f"{scene.name}.jpg",
            kit / "annotations" / "validation" / f"{scene.name}.png",
        )
    (kit / "sceneCategories.txt").write_text(
        "".join(f"{scene.name} misc\n" for scene in SCENES), encoding="utf-8"
    )
    return kit
