"""COCO's outlines of an instance, as compressed run lengths; nothing of JSON or images."""

from collections.abc import Mapping
from typing import Any

from pycocotools import mask as coco_mask

from harness.dataset.instances import run_lengths


def compressed_run_lengths(segmentation: object, *, height: int, width: int) -> bytes | None:
    """Return the run lengths of an instance in COCO's compressed text; None where it has no area.

    What pycocotools trusts is checked here: run lengths that are not of the image make it read and
    write beyond its memory, a polygon far away takes it unbounded time.

    Args:
        segmentation: An annotation's `segmentation`: polygons, or run lengths as numbers or text.
        height: The image's height in pixels.
        width: The image's width in pixels.

    Raises:
        ValueError: It is none of these, or not of the image; the message says which, as a verb.
    """
    match segmentation:
        case list(polygons):
            return _of_polygons(polygons, height=height, width=width)
        case {"counts": list(counts), "size": size} if size == [height, width]:
            return _of_counts(counts, height=height, width=width)
        case {"counts": str(text), "size": size} if size == [height, width]:
            counts = run_lengths(text.encode("ascii", "replace")).tolist()
            return _of_counts(counts, height=height, width=width)
        case {"counts": _, "size": size} if size != [height, width]:
            msg = f"has run lengths of size {size}, its image [{height}, {width}]"
            raise ValueError(msg)
        case _:
            msg = "has a segmentation that is neither polygons nor run lengths"
            raise ValueError(msg)


def _of_polygons(polygons: list[Any], *, height: int, width: int) -> bytes | None:
    for polygon in polygons:
        _check_polygon(polygon, side=max(height, width))
    # Two points enclose nothing, and pycocotools takes four numbers for a box.
    enclosing = [polygon for polygon in polygons if len(polygon) >= 6]
    if not enclosing:
        return None
    parts = coco_mask.frPyObjects(enclosing, height, width)
    return _text(parts[0] if len(parts) == 1 else coco_mask.merge(parts))


def _check_polygon(polygon: object, *, side: int) -> None:
    if not isinstance(polygon, list) or len(polygon) % 2:
        msg = "has a polygon that is no list of x, y, x, y, ..."
        raise ValueError(msg)
    try:
        near = not polygon or (min(polygon) >= -side and max(polygon) <= 2 * side)
    except TypeError as error:
        msg = "has a polygon that is not of numbers"
        raise ValueError(msg) from error
    if not near:
        msg = "has a polygon far outside its image"
        raise ValueError(msg)


def _of_counts(counts: list[Any], *, height: int, width: int) -> bytes:
    whole = all(type(count) is int and count >= 0 for count in counts)
    if not whole or sum(counts) != height * width:
        msg = f"has run lengths that don't add up to {height}x{width} pixels"
        raise ValueError(msg)
    size = [height, width]
    return _text(coco_mask.frPyObjects({"counts": counts, "size": size}, height, width))


def _text(rle: Mapping[str, Any]) -> bytes:
    return bytes(rle["counts"])
