"""The plain layout: images, index masks of the same names, and perhaps masks of objects."""

from collections.abc import Mapping
from pathlib import Path

from harness.dataset.broken import BrokenReason, BrokenSource, SourceListing
from harness.dataset.source_file import SourceFile
from harness.dataset.source_tree import IMAGE_SUFFIXES, FolderFiles, SourceTree

IMAGES, LABELS, MASKS = "images", "labels", "masks"
_EVERY = "all"


def list_folder(root: Path, *, split: str, description: str) -> SourceListing:
    """Return the images with their labels and, where there are, masks of their objects.

    The folders stand in `root` where the split is `all`; else in `root`/`split`, or each holds a
    folder of that name. An image without a mask of its own has none.

    Raises:
        SourceDataError: A folder is missing or empty, or most images have no label.
    """
    tree = SourceTree(root=root, layout=_layout(split), description=description)
    places = _places(tree, split)
    images = tree.files(tree.folder(*places[IMAGES]), IMAGE_SUFFIXES, missing=BrokenReason.NO_IMAGE)
    labels = tree.files(tree.folder(*places[LABELS]), (".png",), missing=BrokenReason.NO_LABEL)
    tree.require_any(images, IMAGE_SUFFIXES)
    tree.require_any(labels, (".png",))
    masks = _masks(tree, places[MASKS])

    def source(name: str, image: Path, label: Path) -> SourceFile:
        return SourceFile(
            name=name, image=image, label=label, mask=masks.paths.get(name), root=root
        )

    names = images.names() | labels.names()
    return tree.listing(
        names - masks.broken.keys(),
        images,
        labels,
        source=source,
        broken=_of_sources(masks, names),
    )


def _of_sources(masks: FolderFiles, names: set[str]) -> tuple[BrokenSource, ...]:
    return tuple(fault for name, fault in masks.broken.items() if name in names)


def _layout(split: str) -> str:
    if split == _EVERY:
        return "images/NAME.png (or .jpg, .webp) and labels/NAME.png"
    return f"{split}/images and {split}/labels, or images/{split} and labels/{split}"


def _places(tree: SourceTree, split: str) -> Mapping[str, tuple[str, ...]]:
    """Return where the three folders stand."""
    kinds = (IMAGES, LABELS, MASKS)
    if split == _EVERY:
        return {kind: (kind,) for kind in kinds}
    if (tree.root / IMAGES / split).is_dir():
        return {kind: (kind, split) for kind in kinds}
    return {kind: (split, kind) for kind in kinds}


def _masks(tree: SourceTree, place: tuple[str, ...]) -> FolderFiles:
    folder = tree.root.joinpath(*place)
    if not folder.is_dir():
        return FolderFiles(folder=folder, paths={}, broken={})
    return tree.files(tree.folder(*place), (".png",), missing=BrokenReason.NO_LABEL)
