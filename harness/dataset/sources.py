"""Which adapter reads which source layout; nothing of any layout itself."""

from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from harness.dataset.ade20k import list_ade20k
from harness.dataset.broken import BrokenSource, BrokenSourceError
from harness.dataset.camvid import list_camvid
from harness.dataset.cityscapes import list_cityscapes
from harness.dataset.coco_stuff import annotation_bytes, list_coco_stuff
from harness.dataset.folder import list_folder
from harness.dataset.scenes import list_scenes
from harness.dataset.source_listing import SourceListing
from harness.dataset.voc import list_voc
from harness.errors import SourceDataError
from harness.records.source import BrokenSources, SourceAdapter, SourceSpec


def list_sources(
    spec: SourceSpec, root: Path | None, *, on_read: Callable[[int], None] = lambda _: None
) -> SourceListing:
    """Return the sources that `spec` describes in the folder `root`, by name; reads no pixels.

    Args:
        spec: The recipe's source.
        root: The source folder; None where none was named.
        on_read: Told how many bytes of a large file of annotations were read since it was last
            told.

    Raises:
        SourceDataError: No folder was named, or its layout is not the adapter's; the message says
            what is missing and where the source is to be had.
        BrokenSourceError: A single source can't be used, and `spec` refuses such.
    """
    if root is None:
        msg = f"the recipe's {spec.adapter.value} source does not come with the harness"
        raise SourceDataError(
            msg,
            remedy=f"Name its folder by --source. {spec.description}",
        )
    if not root.is_dir():
        msg = f"there is no source folder {root}"
        raise SourceDataError(msg, remedy=spec.description or "Check the path given by --source.")
    listing = _listing(spec, root, on_read=on_read)
    if listing.broken and spec.broken is BrokenSources.REFUSE:
        raise _refusal(listing.broken)
    return listing


def bytes_to_read(spec: SourceSpec, root: Path | None) -> int:
    """Return how many bytes of annotations `list_sources` reads whole; 0 where there are none."""
    if spec.adapter is SourceAdapter.COCO_STUFF and root is not None:
        return annotation_bytes(root, split=spec.split)
    return 0


def _listing(spec: SourceSpec, root: Path, *, on_read: Callable[[int], None]) -> SourceListing:
    match spec.adapter:
        case SourceAdapter.SCENES:
            return list_scenes(root, description=spec.description)
        case SourceAdapter.COCO_STUFF:
            return list_coco_stuff(
                root, split=spec.split, description=spec.description, on_read=on_read
            )
        case SourceAdapter.CAMVID:
            list_split = list_camvid
        case SourceAdapter.VOC:
            list_split = list_voc
        case SourceAdapter.ADE20K:
            list_split = list_ade20k
        case SourceAdapter.CITYSCAPES:
            list_split = list_cityscapes
        case SourceAdapter.FOLDER:
            list_split = list_folder
        case _:
            assert_never(spec.adapter)
    return list_split(root, split=spec.split, description=spec.description)


def _refusal(broken: tuple[BrokenSource, ...]) -> BrokenSourceError:
    first, more = broken[0], len(broken) - 1
    others = f" ({more} more of the sources can't be used)" if more else ""
    return BrokenSourceError(
        f"{first.detail}{others}",
        remedy=f'{first.remedy} Or leave such sources out: source.broken = "skip".',
        reason=first.reason,
    )
