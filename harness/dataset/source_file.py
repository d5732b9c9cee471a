"""One source on disk, read when its turn comes; nothing of where it was listed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.dataset.image_io import decode_label, decode_mask, decode_rgb, read_file
from harness.dataset.label_space import strange_id
from harness.errors import SourceDataError
from harness.records.base import sha256_hex
from harness.records.label_space import LabelSpace


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source image with its label, and the object that its data set points out, if it does."""

    name: str
    """The name of the image in its data set."""
    image: NDArray[np.uint8]
    """RGB pixels, [H, W, 3]."""
    label: NDArray[np.uint8]
    """Class ids, [H, W]."""
    given_mask: NDArray[np.bool_] | None
    """The object that the data set points out, [H, W]."""
    given_class: str | None
    """That object's class name."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """Where one source's files lie; small, so that it can be sent to another process."""

    name: str
    """The name of the image in its data set."""
    image: Path
    """The image."""
    label: Path
    """Its label."""
    mask: Path | None = None
    """The mask of the object that the data set points out."""
    object_class: str | None = None
    """That object's class name."""
    promised: tuple[str, ...] = ()
    """The sha256 of each file, in the order of `files`, where the data set promises them."""

    def files(self) -> tuple[Path, ...]:
        """Return the source's files: image, label and, where there is one, mask."""
        return (self.image, self.label) + (() if self.mask is None else (self.mask,))

    def require_files(self, *, remedy: str) -> None:
        """Raise SourceDataError where a file is missing."""
        for file in self.files():
            if not file.is_file():
                msg = f"{file} is missing"
                raise SourceDataError(msg, remedy=remedy)

    def digests(self) -> tuple[str, ...]:
        """Return the sha256 of each file, in the order of `files`.

        Raises:
            SourceDataError: A file is missing or not the promised one.
        """
        return self._digests(tuple(read_file(file) for file in self.files()))

    def load(self, label_space: LabelSpace) -> Source:
        """Return the source, checked.

        Raises:
            SourceDataError: A file is missing, broken or not the promised one, the sizes differ,
                the label holds an id that is no class, or the mask is not of the object's class.
        """
        contents = tuple(read_file(file) for file in self.files())
        self._digests(contents)
        source = Source(
            name=self.name,
            image=decode_rgb(contents[0], name=str(self.image)),
            label=decode_label(contents[1], name=str(self.label)),
            given_mask=decode_mask(contents[2], name=str(self.mask)) if self.mask else None,
            given_class=self.object_class,
        )
        self._check_sizes(source)
        self._check_label(source, label_space)
        self._check_mask(source, label_space)
        return source

    def _digests(self, contents: tuple[bytes, ...]) -> tuple[str, ...]:
        found = tuple(sha256_hex(content) for content in contents)
        for file, digest, promised in zip(self.files(), found, self.promised, strict=False):
            if digest != promised:
                msg = (
                    f"{file} is not the file its listing promises (sha256 {digest[:12]}…, "
                    f"promised {promised[:12]}…)"
                )
                raise SourceDataError(
                    msg,
                    remedy="Restore it, or compose the sources again.",
                )
        return found

    def _check_sizes(self, source: Source) -> None:
        expected = source.image.shape[:2]
        others = [(self.label, source.label)]
        if source.given_mask is not None and self.mask is not None:
            others.append((self.mask, source.given_mask.view(np.uint8)))
        for file, pixels in others:
            if pixels.shape != expected:
                msg = (
                    f"{file} is {pixels.shape[1]}x{pixels.shape[0]}, "
                    f"its image {expected[1]}x{expected[0]}"
                )
                raise SourceDataError(
                    msg,
                    remedy="Bring both to one size, the label without interpolation.",
                )

    def _check_label(self, source: Source, label_space: LabelSpace) -> None:
        odd = strange_id(source.label, label_space)
        if odd is not None:
            msg = f"{self.label} holds id {odd}, which is no class of {label_space.name}"
            raise SourceDataError(
                msg,
                remedy="Name the right label space in the recipe, or correct the label.",
            )

    def _check_mask(self, source: Source, label_space: LabelSpace) -> None:
        if source.given_mask is None or source.given_class is None:
            return
        found = label_space.by_name(source.given_class)
        inside = source.label[source.given_mask]
        if found is None or inside.size == 0 or bool((inside != found.id).any()):
            msg = f"{self.mask} is not a part of the label's {source.given_class}"
            raise SourceDataError(
                msg,
                remedy="The mask of an object lies within the label's pixels of its class.",
            )
