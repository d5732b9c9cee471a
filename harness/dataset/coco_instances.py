"""COCO's instances JSON, streamed: which outlines each image has; nothing of pictures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeGuard

import ijson

from harness.dataset.coco_ids import COCO_CLASS_IDS, THING_IDS
from harness.dataset.coco_outlines import compressed_run_lengths
from harness.dataset.image_io import MAX_PIXELS
from harness.dataset.instances import InstanceOutlines
from harness.dataset.source_name import composed
from harness.errors import SourceDataError

LEAST_BOX_SHARE = 0.01
"""The least share of its image that an instance's box has, or its outline is not kept.

No object of less than the rule's share is ever selected, and the paper's is 0.10; 41 % of
COCO's instances are under 32x32 pixels, 0.3 % of an image, and would only take memory and time.
A recipe whose `min_object_fraction` is lower still finds no smaller instance than this.
"""
_READ_BYTES = 1 << 20
_IMAGES = "images"
_ANNOTATIONS = "annotations"
_FIELDS = ("category_id", "bbox", "iscrowd", "segmentation")
_UNFINISHED = frozenset({"start_map", "map_key", "start_array"})
"""The events at an item's own level after which it is not complete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Image:
    """An entry of the JSON's `images`."""

    stem: str
    height: int
    width: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Instance:
    """An entry of the JSON's `annotations` that is kept."""

    rle: bytes
    """Its compressed run lengths."""
    class_id: int
    """The class id of its category."""


@dataclass(frozen=True, kw_only=True)
class _InstancesJson:
    """The file, and how what is wrong with it is said."""

    path: Path
    remedy: str

    def fault(self, what: str) -> SourceDataError:
        return SourceDataError(f"{self.path}: {what}", remedy=self.remedy)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        try:
            with self.path.open("rb") as file:
                yield file
        except (FileNotFoundError, IsADirectoryError) as error:
            msg = "there is no such file"
            raise self.fault(msg) from error
        except (ijson.JSONError, UnicodeDecodeError) as error:
            reason = str(error).partition("\n")[0].strip().removeprefix("parse error: ")
            msg = f"it is cut short or no JSON ({reason})"
            raise self.fault(msg) from error


@dataclass(frozen=True, kw_only=True)
class CocoInstances:
    """What an instances JSON says."""

    outlines: Mapping[str, InstanceOutlines]
    """The instances of each image that it lists, by the stem of the image's file."""
    faults: Mapping[str, str]
    """What is wrong with an annotation of an image, by the stem of the image's file."""


def read_coco_instances(
    path: Path, *, remedy: str, on_read: Callable[[int], None]
) -> CocoInstances:
    """Return the instances that an `instances_<split>.json` of COCO lists.

    Crowds and instances under `LEAST_BOX_SHARE` are left out. The file is streamed: what is held is
    the run lengths of the others, a few hundred bytes each.

    Args:
        path: The file.
        remedy: What errors say is to be done.
        on_read: Told how many bytes were read since it was last told; all in all the file's size.

    Raises:
        SourceDataError: The file is missing, cut short or no such JSON, or lists an image twice or
            an annotation of an image that it doesn't list.
    """
    source = _InstancesJson(path=path, remedy=remedy)
    images = _read_images(source)
    return _read_annotations(source, images, on_read=on_read)


def _read_images(source: _InstancesJson) -> dict[int, _Image]:
    """Return the images by id; of a file that lists them first, only its beginning is read."""
    images: dict[int, _Image] = {}
    stems: set[str] = set()
    with source.opened() as file:
        for entry in _image_entries(file):
            image_id, image = _image(source, entry)
            if image_id in images or image.stem in stems:
                msg = f"image {image_id} ({image.stem}) is listed twice"
                raise source.fault(msg)
            images[image_id] = image
            stems.add(image.stem)
    if not images:
        msg = "it lists no images"
        raise source.fault(msg)
    return images


def _image_entries(file: IO[bytes]) -> Iterator[object]:
    """Yield the items of `images`, and stop at their end where they precede the annotations.

    The array is built event by event, which can stop at its end; the faster `items` can't, and
    serves where the annotations have to be passed first.
    """
    events = ijson.parse(file, use_float=True)
    first = next(
        (
            value
            for prefix, event, value in events
            if prefix == "" and event == "map_key" and value in {_IMAGES, _ANNOTATIONS}
        ),
        None,
    )
    if first == _ANNOTATIONS:
        file.seek(0)
        yield from ijson.items(file, f"{_IMAGES}.item", use_float=True)
        return
    builder = ijson.ObjectBuilder()
    for prefix, event, value in events:
        if prefix == _IMAGES:
            if event == "start_array":
                continue
            return
        builder.event(event, value)
        if prefix == f"{_IMAGES}.item" and event not in _UNFINISHED:
            yield builder.value
            builder = ijson.ObjectBuilder()


def _image(source: _InstancesJson, entry: object) -> tuple[int, _Image]:
    match entry:
        case {
            "id": image_id,
            "file_name": str(name),
            "height": height,
            "width": width,
        } if (
            name
            and _is_whole(image_id)
            and _is_whole(height)
            and _is_whole(width)
            and height > 0
            and width > 0
            and height * width <= MAX_PIXELS
        ):
            stem = composed(PurePosixPath(name).stem)
            return image_id, _Image(stem=stem, height=height, width=width)
        case _:
            msg = f"an image lacks a right id, file_name, height or width: {str(entry)[:200]}"
            raise source.fault(msg)


def _read_annotations(
    source: _InstancesJson, images: Mapping[int, _Image], *, on_read: Callable[[int], None]
) -> CocoInstances:
    kept: dict[int, list[_Instance]] = {image_id: [] for image_id in images}
    faults: dict[str, str] = {}
    place = 0
    with source.opened() as file:
        told = _ToldFile(file, on_read)
        entries = ijson.items(told, f"{_ANNOTATIONS}.item", use_float=True, buf_size=_READ_BYTES)
        for place, entry in enumerate(entries, start=1):
            image_id = _image_id(source, entry, images, place=place)
            image = images[image_id]
            try:
                instance = _large_instance(entry, image)
            except ValueError as error:
                faults.setdefault(image.stem, f"{source.path}: {_title(entry, place)} {error}")
                continue
            if instance is not None:
                kept[image_id].append(instance)
    if not place:
        msg = "it holds no annotations"
        raise source.fault(msg)
    outlines = {
        image.stem: InstanceOutlines(
            height=image.height,
            width=image.width,
            rles=tuple(instance.rle for instance in kept[image_id]),
            classes=tuple(instance.class_id for instance in kept[image_id]),
        )
        for image_id, image in images.items()
    }
    return CocoInstances(outlines=outlines, faults=faults)


def _image_id(
    source: _InstancesJson, entry: object, images: Mapping[int, _Image], *, place: int
) -> int:
    match entry:
        case {"image_id": image_id} if _is_whole(image_id):
            if image_id in images:
                return image_id
            msg = f"{_title(entry, place)} is of image {image_id}, which is not listed"
        case _:
            msg = f"{_title(entry, place)} doesn't say of which image it is"
    raise source.fault(msg)


def _large_instance(entry: Mapping[str, Any], image: _Image) -> _Instance | None:
    """Return an annotation's instance; None where it is not to be kept.

    Raises:
        ValueError: It is no annotation of an instance; the message says why, as a verb.
    """
    match entry:
        case {
            "category_id": category,
            "bbox": [_, _, int() | float() as width, int() | float() as height],
            "iscrowd": crowd,
            "segmentation": segmentation,
        } if _is_whole(category) and _is_whole(crowd) and crowd in {0, 1}:
            pass
        case _:
            lacking = [field for field in _FIELDS if field not in entry]
            msg = f"lacks {lacking[0]}" if lacking else "has an odd category_id, bbox or iscrowd"
            raise ValueError(msg)
    if category not in THING_IDS:
        msg = f"is of category {category}, which is none of COCO's 80"
        raise ValueError(msg)
    if crowd or width * height < LEAST_BOX_SHARE * image.width * image.height:
        return None
    rle = compressed_run_lengths(segmentation, height=image.height, width=image.width)
    return None if rle is None else _Instance(rle=rle, class_id=COCO_CLASS_IDS[category])


def _is_whole(value: object) -> TypeGuard[int]:
    """Return whether a JSON's value is a whole number; its `true` would pass for 1."""
    return type(value) is int


def _title(entry: object, place: int) -> str:
    """Return what errors call an annotation: its id, or its place where it has none."""
    match entry:
        case {"id": int(annotation_id)}:
            return f"annotation {annotation_id}"
        case _:
            return f"annotation number {place}"


class _ToldFile:
    """A file whose reading is told of."""

    def __init__(self, file: IO[bytes], on_read: Callable[[int], None]) -> None:
        self._file = file
        self._on_read = on_read

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if data:
            self._on_read(len(data))
        return data
