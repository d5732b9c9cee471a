"""The CamVid layouts: the 11-class street scenes, as the SegNet papers use them."""

from pathlib import Path

from harness.dataset.broken import BrokenReason
from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.dataset.source_tree import SourceTree

_SUFFIXES = (".png", ".jpg")


def list_camvid(root: Path, *, split: str, description: str) -> SourceListing:
    """Return the images of the split with their labels, by name.

    Two layouts are known: <split>/images and <split>/labels; and <split> and <split>annot, as the
    SegNet tutorial has them, in the folder or in its CamVid/.

    Raises:
        SourceDataError: A folder is missing or empty, or most images have no label.
    """
    layout = (
        f"{split}/images and {split}/labels, or SegNet's CamVid/{split} and CamVid/{split}annot"
    )
    tree = SourceTree(root=root, layout=layout, description=description)
    segnet = next(
        (place for place in ((), ("CamVid",)) if root.joinpath(*place, f"{split}annot").is_dir()),
        None,
    )
    image_place, label_place = (
        ((split, "images"), (split, "labels"))
        if segnet is None
        else ((*segnet, split), (*segnet, f"{split}annot"))
    )
    images = tree.files(tree.folder(*image_place), _SUFFIXES, missing=BrokenReason.NO_IMAGE)
    labels = tree.files(tree.folder(*label_place), (".png",), missing=BrokenReason.NO_LABEL)
    for files, suffixes in ((images, _SUFFIXES), (labels, (".png",))):
        tree.require_any(files, suffixes)
    return tree.listing(
        images.names() | labels.names(),
        images,
        labels,
        source=lambda name, image, label: SourceFile(
            name=name, image=image, label=label, root=root
        ),
    )
