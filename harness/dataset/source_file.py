"""One source on disk, read when its turn comes; nothing of where it was listed."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from harness.dataset.broken import BrokenReason, BrokenSourceError
from harness.dataset.image_io import decode_label, decode_mask, decode_rgb, upright_size
from harness.dataset.instances import (
    InstanceFile,
    InstanceOutlines,
    decode_instances,
    instance_classes,
    paint_outlines,
)
from harness.dataset.label_format import LabelFormat, to_class_ids
from harness.dataset.source_checks import (
    require_class_under_mask,
    require_classes,
    require_shape,
)
from harness.errors import SourceDataError
from harness.records.base import sha256_hex
from harness.records.label_space import LabelSpace

_RESTORE = "Restore the file from its data set."


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What a data set says of a source image."""

    name: str
    """The name of the image in its data set."""
    label: NDArray[np.uint8]
    """Class ids, [H, W]."""
    given_mask: NDArray[np.bool_] | None
    """The object that the data set points out, [H, W]."""
    given_class: str | None
    """That object's class name, where the data set says it."""
    instances: NDArray[np.int32] | None = None
    """The number of the instance each pixel belongs to, [H, W], 0 is none; None where the data set
    says nothing of instances."""
    instance_classes: Mapping[int, int] | None = None
    """The class id of each instance by its number, but for those of no class; None where the data
    set doesn't say them, so that they are what the label says."""


@dataclass(frozen=True, kw_only=True)
class Source(Annotation):
    """A source image with what its data set says of it."""

    image: NDArray[np.uint8]
    """RGB pixels, [H, W, 3]."""


@dataclass(frozen=True, kw_only=True, slots=True)
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
    """That object's class name; None where the label says it."""
    promised: tuple[str, ...] = ()
    """The sha256 of each file, in the order of `files`, where the data set promises them."""
    label_format: LabelFormat = LabelFormat.IDS
    """How the label's values say classes."""
    instances: InstanceFile | InstanceOutlines | None = None
    """Which pixels are one object; None where the data set doesn't say."""
    root: Path | None = None
    """The folder that no link of its files may leave; None where links may lead anywhere."""

    def files(self) -> tuple[Path, ...]:
        """Return the source's files: image, label and, where there are, mask and instances."""
        mask = () if self.mask is None else (self.mask,)
        drawn = self.instances if isinstance(self.instances, InstanceFile) else None
        instances = () if drawn is None else (drawn.path,)
        return (self.image, self.label, *mask, *instances)

    def require_files(self, *, remedy: str) -> None:
        """Raise SourceDataError where a file is missing."""
        for file in self.files():
            if not file.is_file():
                msg = f"{file} is missing"
                raise SourceDataError(msg, remedy=remedy)

    def digests(self) -> tuple[str, ...]:
        """Return the sha256 of what determines the source.

        Those of its files come first, in the order of `files`; one of how they are read follows
        where the files alone don't say it.

        Raises:
            BrokenSourceError: A file is missing, out of the source's tree or not the promised one.
        """
        contents = self._contents(self.files())
        return tuple(sha256_hex(content) for content in contents.values()) + self.reading()

    def load_annotation(self, label_space: LabelSpace) -> Annotation:
        """Return what is said of the image, checked; of the image itself only the size is read.

        Raises:
            BrokenSourceError: As by `load`, but for what is wrong with the image's pixels.
        """
        self._require_in_tree(self.image)
        with self._telling(self.image), self.image.open("rb") as file:
            width, height = upright_size(file, name=str(self.image))
        contents = self._contents(self.files()[1:])
        return self._annotation(contents, label_space, shape=(height, width))

    def load(self, label_space: LabelSpace) -> Source:
        """Return the source, checked.

        An image is turned upright by its EXIF orientation, a label never. Where a label was drawn
        on the picture as stored, its size shows that, but not where the orientation keeps the size
        (half a turn, mirrored, or a quarter of a square): such a label is taken as upright.

        Raises:
            BrokenSourceError: A file is missing, broken, out of the source's tree or not the
                promised one; the sizes differ; the label holds an id that is no class; or the mask
                is not of the object's class.
        """
        contents = self._contents(self.files())
        with self._telling(self.image):
            image = decode_rgb(contents[self.image], name=str(self.image))
        shape = (image.shape[0], image.shape[1])
        said = self._annotation(contents, label_space, shape=shape)
        return Source(
            name=self.name,
            image=image,
            label=said.label,
            given_mask=said.given_mask,
            given_class=said.given_class,
            instances=said.instances,
            instance_classes=said.instance_classes,
        )

    def _contents(self, files: tuple[Path, ...]) -> dict[Path, bytes]:
        contents: dict[Path, bytes] = {}
        for file in files:
            self._require_in_tree(file)
            with self._telling(file):
                contents[file] = file.read_bytes()
        for file, promised in zip(self.files(), self.promised, strict=False):
            if file in contents and (digest := sha256_hex(contents[file])) != promised:
                msg = (
                    f"{file} is not the file its listing promises (sha256 {digest[:12]}…, "
                    f"promised {promised[:12]}…)"
                )
                raise BrokenSourceError(
                    msg,
                    remedy="Restore it, or compose the sources again.",
                    reason=BrokenReason.NOT_PROMISED,
                )
        return contents

    def reading(self) -> tuple[str, ...]:
        """Return the digest of how the files are read, where that is not plainly; reads none."""
        match self.instances:
            case InstanceOutlines():
                instances = self.instances.digest()
            case InstanceFile():
                instances = self.instances.format.value
            case None:
                instances = ""
            case _:
                assert_never(self.instances)
        if self.label_format is LabelFormat.IDS and not instances:
            return ()
        return (sha256_hex(f"{self.label_format.value}:{instances}".encode()),)

    def _require_in_tree(self, file: Path) -> None:
        if self.root is None:
            return
        place, tree = os.path.realpath(file), os.path.realpath(self.root)
        if os.path.commonpath((place, tree)) != tree:
            msg = f"{file} leads out of {self.root}, to {place}"
            raise BrokenSourceError(
                msg,
                remedy="Put the file itself into the source folder.",
                reason=BrokenReason.LEAVES_TREE,
            )

    @contextmanager
    def _telling(self, file: Path) -> Iterator[None]:
        """Say what is wrong with one file as what is wrong with the source."""
        try:
            yield
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            reason = BrokenReason.NO_IMAGE if file == self.image else BrokenReason.NO_LABEL
            msg = f"{file} is missing"
            raise BrokenSourceError(msg, remedy=_RESTORE, reason=reason) from error
        except PermissionError as error:
            msg = f"{file} can't be read ({error.strerror})"
            remedy = "Give this user the right to read it."
            raise BrokenSourceError(msg, remedy=remedy, reason=BrokenReason.UNREADABLE) from error
        except BrokenSourceError:
            raise
        except SourceDataError as error:
            raise BrokenSourceError(
                str(error), remedy=error.remedy, reason=BrokenReason.UNREADABLE
            ) from error

    def _annotation(
        self, contents: Mapping[Path, bytes], label_space: LabelSpace, *, shape: tuple[int, int]
    ) -> Annotation:
        with self._telling(self.label):
            raw = decode_label(contents[self.label], name=str(self.label))
            require_shape(raw.shape, shape, name=str(self.label), image=self.image)
            label = to_class_ids(raw, self.label_format, name=str(self.label))
            require_classes(label, label_space, name=str(self.label))
        found = self._instances(contents, shape)
        annotation = Annotation(
            name=self.name,
            label=label,
            given_mask=self._given_mask(contents, shape),
            given_class=self.object_class,
            instances=found,
            instance_classes=None
            if self.instances is None or found is None
            else instance_classes(self.instances, found),
        )
        if annotation.given_mask is not None:
            require_class_under_mask(
                label[annotation.given_mask], self.object_class, label_space, name=str(self.mask)
            )
        return annotation

    def _given_mask(
        self, contents: Mapping[Path, bytes], shape: tuple[int, int]
    ) -> NDArray[np.bool_] | None:
        if self.mask is None:
            return None
        with self._telling(self.mask):
            mask = decode_mask(contents[self.mask], name=str(self.mask))
            require_shape(mask.shape, shape, name=str(self.mask), image=self.image)
        return mask

    def _instances(
        self, contents: Mapping[Path, bytes], shape: tuple[int, int]
    ) -> NDArray[np.int32] | None:
        match self.instances:
            case None:
                return None
            case InstanceFile(path=path, format=instance_format):
                name = str(path)
                with self._telling(path):
                    found = decode_instances(contents[path], instance_format, name=name)
            case InstanceOutlines():
                name = f"the instances of {self.name}"
                with self._telling(self.label):
                    found = paint_outlines(self.instances, name=self.name)
            case _:
                assert_never(self.instances)
        require_shape(found.shape, shape, name=name, image=self.image)
        return found
