"""The PASCAL VOC layout: JPEGImages, palette labels, and splits by list file.

Source: the development kit of VOC 2012 (`VOCdevkit/VOC2012`); `SegmentationClassAug` and its lists
are how the labels of the Semantic Boundaries Dataset are added to it.
"""

from pathlib import Path

from harness.dataset.broken import BrokenReason
from harness.dataset.instances import InstanceFile, InstanceFormat
from harness.dataset.name_list import NameList, read_name_list
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.dataset.source_tree import (
    FolderFiles,
    SourceTree,
    lacking_instances,
    warn_without_instances,
)

IMAGES, LABELS, AUGMENTED, OBJECTS = (
    "JPEGImages",
    "SegmentationClass",
    "SegmentationClassAug",
    "SegmentationObject",
)
LISTS = ("ImageSets", "Segmentation")
_KITS = ("VOCdevkit/VOC2012", "VOC2012", ".")
_SUFFIXES = (".jpg", ".jpeg", ".png")
_EVERY = "all"


def list_voc(root: Path, *, split: str, description: str) -> SourceListing:
    """Return the images that the split's list names, with their labels and instances.

    The split `all` is every image with a label, and needs no list. `trainaug` has the labels of
    SegmentationClassAug. Where there is a folder SegmentationObject, instances are read from it;
    where there is none, or it is empty, a warning says so.

    Args:
        root: The folder VOC2012, or one that it lies in, VOCdevkit or above.
        split: The name of a file of ImageSets/Segmentation, or `all`.
        description: Where the data set is to be had.

    Raises:
        SourceDataError: A folder or the list is missing, or most of what it names is.
    """
    augmented = "aug" in split
    label_folder = AUGMENTED if augmented else LABELS
    tree = _tree(root, split, label_folder=label_folder, description=description)
    images = tree.files(tree.folder(IMAGES), _SUFFIXES, missing=BrokenReason.NO_IMAGE)
    labels = tree.files(tree.folder(label_folder), (".png",), missing=BrokenReason.NO_LABEL)
    tree.require_any(images, _SUFFIXES)
    tree.require_any(labels, (".png",))
    if split == _EVERY:
        # The kit holds some 14,000 images that were never labelled.
        listed = NameList(names=(*labels.paths, *labels.broken), broken=())
    else:
        listed = read_name_list(tree.root.joinpath(*LISTS, f"{split}.txt"), tree=tree)
    objects = _objects(tree)

    def source(name: str, image: Path, label: Path) -> SourceFile:
        path = objects.paths.get(name) if objects else None
        found = None if path is None else InstanceFile(path=path, format=InstanceFormat.VOC)
        return SourceFile(name=name, image=image, label=label, instances=found, root=tree.root)

    lacking = (
        () if objects is None or augmented else lacking_instances(listed.names, labels, objects)
    )
    left_out = {fault.name for fault in lacking}
    return tree.listing(
        (name for name in listed.names if name not in left_out),
        images,
        labels,
        source=source,
        broken=(*listed.broken, *lacking),
    )


def _tree(root: Path, split: str, *, label_folder: str, description: str) -> SourceTree:
    kit = next((kit for kit in _KITS if (root / kit / IMAGES).is_dir()), ".")
    folders = f"{IMAGES}/NAME.jpg, {label_folder}/NAME.png"
    lists = "" if split == _EVERY else f", {'/'.join(LISTS)}/{split}.txt"
    return SourceTree(
        root=root / kit,
        layout=f"{folders}{lists}, in the folder itself or its VOCdevkit/VOC2012",
        description=description,
    )


def _objects(tree: SourceTree) -> FolderFiles | None:
    if not (tree.root / OBJECTS).is_dir():
        warn_without_instances(f"there is no {tree.root / OBJECTS}")
        return None
    found = tree.files(tree.folder(OBJECTS), (".png",), missing=BrokenReason.NO_LABEL)
    if not found.names():
        warn_without_instances(f"there is no .png file in {tree.root / OBJECTS}")
        return None
    return found
