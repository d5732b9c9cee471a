"""Which samples are scored and what scoring them takes, in columns; nothing of images or counts.

A manifest's samples take kilobytes each. All that is kept here of a hundred thousand is 14 MB.
"""

import re
import struct
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from harness.dataset.benchmark_folder import FILTERED, LABELS, LabelFile
from harness.errors import BenchmarkError
from harness.records.manifest import SAMPLE_ID_PATTERN, Sample

_ID = re.compile(SAMPLE_ID_PATTERN)
_ROW = struct.Struct("<QQQ32s32s32sII??")
"""Id, source's id, label's id; sha256 of the image file, the label file and the label's pixels;
width, height; whether the label is filtered, and whether the source is judged under it."""
_COLUMNS = np.dtype(
    [
        ("id", "<u8"),
        ("source_id", "<u8"),
        ("label_id", "<u8"),
        ("digests", "V96"),
        ("size", "<u4", 2),
        ("filtered", "?"),
        ("judges", "?"),
    ]
)
"""The same for NumPy."""
_UNKNOWN = "0" * 64
"""The digest of a label that has none in the manifest: no file has it, so it is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredSample:
    """What is known of a sample while it is predicted and scored."""

    id: str
    """The opaque id."""
    width: int
    """The image's width in pixels."""
    height: int
    """The image's height in pixels."""
    image_sha256: str
    """The sha256 of the image's PNG file."""
    label: LabelFile
    """The label that it is scored by."""


class SampleTable(Mapping[str, ScoredSample]):
    """The scored samples by id, ascending; each is made when it is asked for.

    Containers get them in another order, which says nothing of what a sample is (see `feed`).
    """

    def __init__(self, rows: bytes | bytearray) -> None:
        """Take packed rows in any order; `of` makes them."""
        found = np.frombuffer(rows, _COLUMNS)
        order = np.argsort(found["id"], kind="stable")
        found = found[order]
        self._rows = found.tobytes()
        self._ids = np.ascontiguousarray(found["id"])
        judges = np.flatnonzero(found["judges"])
        by_source = np.argsort(found["source_id"][judges], kind="stable")
        self._judges = judges[by_source]
        self._judged = found["source_id"][self._judges]

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "SampleTable":
        """Return the table of the accepted ones among `samples`, which are taken one by one.

        Raises:
            BenchmarkError: Two samples have one id.
        """
        rows = bytearray()
        for sample in samples:
            if sample.accepted:
                rows += _packed(sample)
        table = cls(rows)
        twice = np.flatnonzero(table._ids[1:] == table._ids[:-1])
        if twice.size:
            msg = f"the manifest holds sample {int(table._ids[twice[0]]):016x} twice"
            raise BenchmarkError(msg, remedy="Build the benchmark again.")
        return table

    def __len__(self) -> int:
        """Return the number of scored samples."""
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        """Yield the ids, ascending."""
        for number in self._ids:
            yield f"{number:016x}"

    def __getitem__(self, sample_id: str) -> ScoredSample:
        """Return the sample of this id; a KeyError where it is not scored."""
        position = self._position(sample_id)
        if position is None:
            raise KeyError(sample_id)
        return self._sample(position)

    def __contains__(self, sample_id: object) -> bool:
        """Return whether a sample of this id is scored."""
        return isinstance(sample_id, str) and self._position(sample_id) is not None

    def judging(self, source_id: str) -> tuple[ScoredSample, ...]:
        """Return the edits whose filtered label their source is counted under as well."""
        if not self._judged.size:
            return ()
        number = np.uint64(int(source_id, 16))
        first = np.searchsorted(self._judged, number, side="left")
        after = np.searchsorted(self._judged, number, side="right")
        return tuple(self._sample(int(row)) for row in self._judges[first:after])

    def without(
        self, sample_ids: Container[str], *, place: Callable[[str], int] | None = None
    ) -> Iterator[ScoredSample]:
        """Yield the samples whose ids are not in `sample_ids`, ascending by id or by its `place`.

        A place is an unsigned number of 64 bits.
        """
        places = self._ids
        if place is not None:
            places = np.fromiter(map(place, self), np.uint64, len(self))
        for row in np.argsort(places, kind="stable"):
            if f"{self._ids[row]:016x}" not in sample_ids:
                yield self._sample(int(row))

    def _position(self, sample_id: str) -> int | None:
        """Return the row of a sample, or None where there is none of this id."""
        if _ID.fullmatch(sample_id) is None:
            return None
        number = int(sample_id, 16)
        position = int(np.searchsorted(self._ids, np.uint64(number)))
        found = position < len(self._ids) and int(self._ids[position]) == number
        return position if found else None

    def _sample(self, row: int) -> ScoredSample:
        number, _, label_number, image, label, pixels, width, height, filtered, _ = (
            _ROW.unpack_from(self._rows, row * _ROW.size)
        )
        folder = FILTERED if filtered else LABELS
        return ScoredSample(
            id=f"{number:016x}",
            width=width,
            height=height,
            image_sha256=image.hex(),
            label=LabelFile(f"{folder}/{label_number:016x}.png", label.hex(), pixels.hex()),
        )


def _packed(sample: Sample) -> bytes:
    label = LabelFile.of(sample)
    folder, _, file = label.name.partition("/")
    return _ROW.pack(
        int(sample.id, 16),
        int(sample.source_id, 16),
        int(file.removesuffix(".png"), 16),
        bytes.fromhex(sample.image_sha256),
        bytes.fromhex(label.sha256 or _UNKNOWN),
        bytes.fromhex(label.pixel_sha256 or _UNKNOWN),
        sample.width,
        sample.height,
        folder == FILTERED,
        sample.judges_source,
    )
