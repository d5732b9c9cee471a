"""The CamVid layout: <split>/images and <split>/labels of the 11-class street scenes."""

from pathlib import Path

from harness.dataset.source_file import SourceFile
from harness.errors import SourceDataError

_SUFFIXES = (".png", ".jpg")


def list_camvid(root: Path, *, split: str, description: str) -> tuple[SourceFile, ...]:
    """Return the images of the split with their labels, by name.

    Raises:
        SourceDataError: A folder is missing or empty, or an image has no label or a label none.
    """
    remedy = description or "Put the split's images/ and labels/ there."
    images = _by_stem(root / split / "images", _SUFFIXES, remedy=remedy)
    labels = _by_stem(root / split / "labels", (".png",), remedy=remedy)
    if odd := sorted(images.keys() ^ labels.keys()):
        lacking = "label" if odd[0] in images else "image"
        msg = f"{root / split}: {odd[0]} has no {lacking} ({len(odd)} without a pair)"
        raise SourceDataError(msg, remedy=remedy)
    return tuple(
        SourceFile(name=stem, image=images[stem], label=labels[stem]) for stem in sorted(images)
    )


def _by_stem(folder: Path, suffixes: tuple[str, ...], *, remedy: str) -> dict[str, Path]:
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise SourceDataError(msg, remedy=remedy)
    files = sorted(f for f in folder.iterdir() if f.suffix in suffixes)
    found = {f.stem: f for f in files}
    if not found:
        msg = f"{folder} holds no {' or '.join(suffixes)} file"
        raise SourceDataError(msg, remedy=remedy)
    if len(found) != len(files):
        msg = f"{folder} holds one name with two suffixes"
        raise SourceDataError(msg, remedy="Remove one.")
    return found
