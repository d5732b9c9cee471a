"""The `scenes` layout: images, labels and masks of one stem, listed with digests in scenes.toml."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.dataset.source_file import SourceFile
from harness.dataset.source_listing import SourceListing
from harness.errors import SourceDataError
from harness.records.manifest import SHA256_PATTERN
from harness.records.toml_table import parse_toml_table

LISTING = "scenes.toml"


class _Scene(BaseModel):
    # The composing script notes more about a scene than is needed to read it.
    model_config = ConfigDict(frozen=True, extra="ignore")
    stem: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    object_class: str
    image_sha256: str = Field(pattern=SHA256_PATTERN)
    label_sha256: str = Field(pattern=SHA256_PATTERN)
    mask_sha256: str = Field(pattern=SHA256_PATTERN)


class _Listing(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    scenes: tuple[_Scene, ...] = Field(min_length=1)


def list_scenes(root: Path, *, description: str) -> SourceListing:
    """Return the scenes of `root` by stem.

    Raises:
        SourceDataError: The listing is missing or broken, or files that it lists are missing.
    """
    remedy = description or "Restore the sources from the repository."
    listing_path = root / LISTING
    if not listing_path.is_file():
        msg = f"no {LISTING} in the source folder {root}"
        raise SourceDataError(msg, remedy=remedy)
    text = listing_path.read_text(encoding="utf-8")
    listing = parse_toml_table(text, _Listing, origin=str(listing_path), error_type=SourceDataError)
    sources = tuple(_source(root, scene) for scene in listing.scenes)
    names = {source.name for source in sources}
    if len(names) != len(sources):
        msg = f"a stem stands twice in {listing_path}"
        raise SourceDataError(msg, remedy="Remove one.")
    for source in sources:
        source.require_files(remedy=remedy)
    return SourceListing(files=tuple(sorted(sources, key=lambda source: source.name)))


def _source(root: Path, scene: _Scene) -> SourceFile:
    return SourceFile(
        name=scene.stem,
        image=root / "images" / f"{scene.stem}.webp",
        label=root / "labels" / f"{scene.stem}.png",
        mask=root / "masks" / f"{scene.stem}.png",
        object_class=scene.object_class,
        promised=(scene.image_sha256, scene.label_sha256, scene.mask_sha256),
    )
