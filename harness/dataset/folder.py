"""The plain layout: images, index masks of the same names, and perhaps masks of objects."""

from collections.abc import Mapping
from pathlib import Path

from harness.dataset.broken import BrokenReason, BrokenSource
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.dataset.source_name import composed
from harness.dataset.source_tree import IMAGE_SUFFIXES, FolderFiles, SourceTree

IMAGES, LABELS, MASKS = "images", "labels", "masks"
_EVERY = "all"


def list_folder(root: Path, *, split: str, description: str) -> SourceListing:
    """Return the images with their labels and, where there are, masks of their objects.

    The folders stand in `root` where the split is `all`; else in `root`/`split`, or each holds a
    folder of that name. An image without a mask of its own has none, and the label says what its
    object is; a mask without an image or label is a source that does not do.

    Raises:
        SourceDataError: A folder is missing or empty, most images have no label, or most masks are
            of no image.
    """
    tree = SourceTree(root=root, layout=_layout(split), description=description)
    places = _places(tree, split)
    images = tree.files(tree.folder(*places[IMAGES]), IMAGE_SUFFIXES, missing=BrokenReason.NO_IMAGE)
    labels = tree.files(tree.folder(*places[LABELS]), (".png",), missing=BrokenReason.NO_LABEL)
    tree.require_any(images, IMAGE_SUFFIXES)
    tree.require_any(labels, (".png",))
    names = images.names() | labels.names()
    masks = _masks(tree, places[MASKS], names)

    def source(name: str, image: Path, label: Path) -> SourceFile:
        return SourceFile(
            name=name, image=image, label=label, mask=masks.paths.get(name), root=root
        )

    return tree.listing(
        names - masks.broken.keys(), images, labels, source=source, broken=masks.broken.values()
    )


def _layout(split: str) -> str:
    if split == _EVERY:
        return "images/NAME.png (or .jpg, .webp), labels/NAME.png and perhaps masks/NAME.png"
    return (
        f"{split}/images and {split}/labels, or images/{split} and labels/{split}, and perhaps "
        "masks beside them, in files of the same names"
    )


def _places(tree: SourceTree, split: str) -> Mapping[str, tuple[str, ...]]:
    """Return where the three folders stand."""
    kinds = (IMAGES, LABELS, MASKS)
    if split == _EVERY:
        return {kind: (kind,) for kind in kinds}
    if (tree.root / IMAGES / split).is_dir():
        return {kind: (kind, split) for kind in kinds}
    return {kind: (split, kind) for kind in kinds}


def _masks(tree: SourceTree, place: tuple[str, ...], names: set[str]) -> FolderFiles:
    """Return the masks of the sources of these names; a mask of no source is a broken one."""
    folder = tree.root.joinpath(*place)
    if not folder.is_dir():
        return FolderFiles(folder=folder, paths={}, broken={})
    masks = tree.files(tree.folder(*place), (".png",), missing=BrokenReason.NO_LABEL)
    strays = {name: _stray(path) for name, path in masks.paths.items() if name not in names}
    if 2 * len(strays) > len(masks.paths):
        first = strays[min(strays)]
        msg = (
            f"{len(strays)} of {len(masks.paths)} masks are of no image; the first: {first.detail}"
        )
        raise tree.lacks(msg)
    return FolderFiles(folder=folder, paths=masks.paths, broken={**masks.broken, **strays})


def _stray(mask: Path) -> BrokenSource:
    return BrokenSource(
        name=composed(mask.stem),
        reason=BrokenReason.ODD_MASK,
        detail=f"{mask} is of no image: there is none of its name, nor a label",
        remedy="Name the mask as its image is, or remove it.",
    )
