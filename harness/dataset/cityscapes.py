"""The Cityscapes layout: leftImg8bit and gtFine, a folder a city."""

import os
from pathlib import Path

from harness.dataset.broken import BrokenReason
from harness.dataset.instances import InstanceFile, InstanceFormat
from harness.dataset.label_format import LabelFormat
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.dataset.source_tree import (
    FolderFiles,
    SourceTree,
    lacking_instances,
    merged,
    warn_without_instances,
)
from harness.errors import SourceDataError

IMAGES, LABELS = "leftImg8bit", "gtFine"
_LABEL_IDS, _TRAIN_IDS, _INSTANCE_IDS = (
    f"_{LABELS}_labelIds",
    f"_{LABELS}_labelTrainIds",
    f"_{LABELS}_instanceIds",
)
_PACKAGE = "_trainvaltest"


def list_cityscapes(root: Path, *, split: str, description: str) -> SourceListing:
    """Return the images of the split with their labels and instances, by name.

    A name is a file's up to its kind, as in `aachen_000000_000019`. A file of train ids is read
    where there is one, else the label ids are brought to them.

    Args:
        root: The folder that holds leftImg8bit and gtFine, or their unpacked packages.
        split: `train` or `val`; the labels of `test` are not published.
        description: Where the data set is to be had.

    Raises:
        SourceDataError: The split has no labels, a folder is missing, or most files of one kind.
    """
    if split == "test":
        msg = "the test split of Cityscapes has no labels: what its files hold is all ignored"
        raise SourceDataError(msg, remedy='Use the split "val".')
    tree = SourceTree(root=root, layout=_layout(split), description=description)
    image_place, label_place = _place(tree, IMAGES, split), _place(tree, LABELS, split)
    cities = _cities(tree, image_place)
    for city in sorted(cities ^ _cities(tree, label_place)):
        # Whichever has no such folder is told.
        tree.folder(*image_place, city)
        tree.folder(*label_place, city)

    def files(place: tuple[str, ...], ending: str, missing: BrokenReason) -> FolderFiles:
        return merged(
            tree.folder(*place),
            [
                tree.files(tree.folder(*place, city), (".png",), ending=ending, missing=missing)
                for city in sorted(cities)
            ],
        )

    images = files(image_place, f"_{IMAGES}", BrokenReason.NO_IMAGE)
    label_ids = files(label_place, _LABEL_IDS, BrokenReason.NO_LABEL)
    train_ids = files(label_place, _TRAIN_IDS, BrokenReason.NO_LABEL)
    instances = files(label_place, _INSTANCE_IDS, BrokenReason.NO_LABEL)
    tree.require_any(images, (f"_{IMAGES}.png",))
    if not instances.names():
        place = tree.folder(*label_place)
        warn_without_instances(f"there is no CITY/NAME{_INSTANCE_IDS}.png in {place}")
    return _listing(tree, images, label_ids, train_ids=train_ids, instances=instances)


def _listing(
    tree: SourceTree,
    images: FolderFiles,
    label_ids: FolderFiles,
    *,
    train_ids: FolderFiles,
    instances: FolderFiles,
) -> SourceListing:
    labels = FolderFiles(
        folder=label_ids.folder,
        paths={**label_ids.paths, **train_ids.paths},
        broken={**label_ids.broken, **train_ids.broken},
    )

    def source(name: str, image: Path, label: Path) -> SourceFile:
        outlines = instances.paths.get(name)
        return SourceFile(
            name=name,
            image=image,
            label=label,
            label_format=LabelFormat.IDS if name in train_ids.paths else LabelFormat.CITYSCAPES,
            instances=None
            if outlines is None
            else InstanceFile(path=outlines, format=InstanceFormat.CITYSCAPES),
            root=tree.root,
        )

    names = images.names() | labels.names()
    lacking = lacking_instances(names, labels, instances)
    return tree.listing(
        names - {fault.name for fault in lacking}, images, labels, source=source, broken=lacking
    )


def _layout(split: str) -> str:
    return (
        f"{IMAGES}/{split}/CITY/NAME_{IMAGES}.png and "
        f"{LABELS}/{split}/CITY/NAME_{LABELS}_{{labelIds or labelTrainIds, instanceIds}}.png"
    )


def _place(tree: SourceTree, kind: str, split: str) -> tuple[str, ...]:
    """Return where the split's cities stand; packages are often unpacked into their own folder."""
    package = (f"{kind}{_PACKAGE}", kind, split)
    return package if tree.root.joinpath(*package).is_dir() else (kind, split)


def _cities(tree: SourceTree, place: tuple[str, ...]) -> set[str]:
    with os.scandir(tree.folder(*place)) as entries:
        cities = {e.name for e in entries if not e.name.startswith(".") and e.is_dir()}
    if not cities:
        msg = f"{'/'.join(place)} holds no city"
        raise tree.lacks(msg)
    return cities
