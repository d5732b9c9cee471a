"""The ADE20K layout: SceneParse150 as in ADEChallengeData2016.

Its instances (annotations_instance of the Places Challenge 2017) are not read: they are of 100 of
the 150 classes, so that a house would never be an object.
"""

from pathlib import Path

from harness.dataset.broken import BrokenReason
from harness.dataset.label_format import LabelFormat
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.dataset.source_tree import SourceTree

FOLDER = "ADEChallengeData2016"
IMAGES, LABELS = "images", "annotations"
_SPLITS = {"train": "training", "val": "validation"}
_FULL_ADE20K = Path("images", "ADE")
"""Where the full data set (ADE20K_2021_17_01) keeps its pictures."""


def list_ade20k(root: Path, *, split: str, description: str) -> SourceListing:
    """Return the images of the split with their labels, by name.

    Args:
        root: The folder ADEChallengeData2016, or the one that it lies in.
        split: `training` or `validation`, or `train` or `val` for short.
        description: Where the data set is to be had.

    Raises:
        SourceDataError: A folder is missing or empty, or most images have no label.
    """
    split = _SPLITS.get(split, split)
    tree = _tree(root, split, description=description)
    images = tree.files(
        tree.folder(IMAGES, split), (".jpg", ".jpeg"), missing=BrokenReason.NO_IMAGE
    )
    labels = tree.files(tree.folder(LABELS, split), (".png",), missing=BrokenReason.NO_LABEL)
    for files, kind in ((images, "JPEG"), (labels, "PNG")):
        if not files.paths and not files.broken:
            msg = f"{files.folder.relative_to(tree.root).as_posix()} holds no {kind}"
            raise tree.lacks(msg)

    def source(name: str, image: Path, label: Path) -> SourceFile:
        return SourceFile(
            name=name, image=image, label=label, label_format=LabelFormat.ADE20K, root=tree.root
        )

    names = {*images.paths, *images.broken, *labels.paths, *labels.broken}
    return tree.listing(names, images, labels, source=source)


def _tree(root: Path, split: str, *, description: str) -> SourceTree:
    kit = root / FOLDER if (root / FOLDER).is_dir() else root
    tree = SourceTree(
        root=kit,
        layout=(
            f"{IMAGES}/{split}/NAME.jpg and {LABELS}/{split}/NAME.png, in the folder itself or its"
            f" {FOLDER}; the splits with labels are training and validation"
        ),
        description=description,
    )
    if (kit / _FULL_ADE20K).is_dir():
        msg = f"it is the full ADE20K, whose 150-class form is {FOLDER}"
        raise tree.lacks(msg)
    return tree
