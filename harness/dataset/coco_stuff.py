"""The COCO-Stuff 164k layout: COCO's images, pixel maps of things and stuff, perhaps instances."""

import logging
from collections.abc import Callable
from pathlib import Path

from harness.dataset.broken import BrokenReason, BrokenSource
from harness.dataset.coco_instances import CocoInstances, read_coco_instances
from harness.dataset.label_format import LabelFormat
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.dataset.source_tree import FolderFiles, SourceTree, warn_without_instances
from harness.errors import SourceDataError

CONVERTED = "_labelTrainIds"
"""What mmsegmentation's conversion adds to a pixel map's name; its values are class ids."""
_SPLITS = {"train": "train2017", "val": "val2017"}
_IMAGE_PLACES = ("images", "")
_MAP_PLACES = ("stuffthingmaps", "annotations", "stuffthingmaps_trainval2017", "images", "")
_INSTANCES = "annotations/instances_{split}.json"
_log = logging.getLogger(__name__)


def list_coco_stuff(
    root: Path, *, split: str, description: str, on_read: Callable[[int], None]
) -> SourceListing:
    """Return the images of the split with their labels and instances, by name.

    A map of mmsegmentation's conversion goes before the one it was made of. Without COCO's
    instances JSON a source has no instances, and a warning says so.

    Args:
        root: The folder that holds `images` or the splits themselves.
        split: `train2017` or `val2017`, or `train` or `val` for short.
        description: Where the data set is to be had.
        on_read: Told how many bytes of the instances JSON were read since it was last told.

    Raises:
        SourceDataError: A folder is missing or empty, most images have no label, or the instances
            JSON is broken or of other images.
    """
    split = _SPLITS.get(split, split)
    tree = _tree(root, split, description=description)
    images = _first_filled(
        tree, _IMAGE_PLACES, split, suffixes=(".jpg", ".jpeg"), missing=BrokenReason.NO_IMAGE
    )
    maps = _first_filled(
        tree, _MAP_PLACES, split, suffixes=(".png",), missing=BrokenReason.NO_LABEL
    )
    converted = tree.files(maps.folder, (".png",), ending=CONVERTED, missing=BrokenReason.NO_LABEL)
    labels = _preferring(converted, maps)
    instances = _instances(tree, split, images, on_read=on_read)

    def source(name: str, image: Path, label: Path) -> SourceFile:
        return SourceFile(
            name=name,
            image=image,
            label=label,
            label_format=LabelFormat.IDS if name in converted.paths else LabelFormat.COCO_STUFF,
            instances=None if instances is None else instances.outlines.get(name),
            root=tree.root,
        )

    faults = _of_sources(instances)
    listed = () if instances is None else instances.outlines
    names = {*images.paths, *images.broken, *labels.paths, *labels.broken, *listed}
    return tree.listing(
        names - {fault.name for fault in faults}, images, labels, source=source, broken=faults
    )


def annotation_bytes(root: Path, *, split: str) -> int:
    """Return the size of the instances JSON that listing the split reads; 0 where there is none."""
    path = root / _INSTANCES.format(split=_SPLITS.get(split, split))
    return path.stat().st_size if path.is_file() else 0


def _tree(root: Path, split: str, *, description: str) -> SourceTree:
    return SourceTree(
        root=root,
        layout=(
            f"images/{split}/NAME.jpg or {split}/NAME.jpg; stuffthingmaps/{split}/NAME.png or"
            f" annotations/{split}/NAME.png (or NAME{CONVERTED}.png); and, for instances,"
            f" {_INSTANCES.format(split=split)}; the splits with labels are train2017 and val2017"
        ),
        description=description,
    )


def _first_filled(
    tree: SourceTree,
    places: tuple[str, ...],
    split: str,
    *,
    suffixes: tuple[str, ...],
    missing: BrokenReason,
) -> FolderFiles:
    """Return the files of the first place that holds any."""
    for place in places:
        if not tree.root.joinpath(place, split).is_dir():
            continue
        found = tree.files(tree.folder(place, split), suffixes, missing=missing)
        if found.paths or found.broken:
            return found
    tried = ", ".join(Path(place, split).as_posix() for place in places)
    msg = f"there is no {suffixes[0]} file in any of {tried}"
    raise tree.lacks(msg)


def _preferring(converted: FolderFiles, maps: FolderFiles) -> FolderFiles:
    """Return the converted map of each source that has one, else its own."""
    own = {name: path for name, path in maps.paths.items() if not name.endswith(CONVERTED)}
    faults = {
        name: fault
        for name, fault in maps.broken.items()
        if not name.endswith(CONVERTED) and name not in converted.paths
    }
    return FolderFiles(
        folder=maps.folder,
        paths={**own, **converted.paths},
        broken={**faults, **converted.broken},
    )


def _instances(
    tree: SourceTree, split: str, images: FolderFiles, *, on_read: Callable[[int], None]
) -> CocoInstances | None:
    path = tree.root / _INSTANCES.format(split=split)
    if not path.is_file():
        warn_without_instances(f"there is no {path}")
        return None
    if tree.is_left_by(path):
        msg = f"{path} is a link that leads out of {tree.root}"
        raise SourceDataError(msg, remedy="Put the file itself into the source folder.")
    remedy = f"Restore it from COCO's annotations_trainval2017.zip. {tree.description}".rstrip()
    found = read_coco_instances(path, remedy=remedy, on_read=on_read)
    unlisted = images.paths.keys() - found.outlines.keys()
    if len(unlisted) == len(images.paths):
        msg = f"{path} lists none of the images in {images.folder}"
        raise SourceDataError(msg, remedy=remedy)
    if unlisted:
        _log.warning("%s lists no instances of %d images", path, len(unlisted))
    return found


def _of_sources(instances: CocoInstances | None) -> tuple[BrokenSource, ...]:
    if instances is None:
        return ()
    return tuple(
        BrokenSource(
            name=name,
            reason=BrokenReason.UNREADABLE,
            detail=detail,
            remedy="Restore the file from COCO's annotations_trainval2017.zip.",
        )
        for name, detail in sorted(instances.faults.items())
    )
