"""The site's pictures: WebP files named by content, made once and taken over from the last site."""

import io
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from PIL import Image

from harness.leaderboard.content import BoardContent, ImageReader
from harness.records.manifest import Sample

PICTURE_FOLDER = "pictures/v1"
"""A change of size or quality below takes a new folder, so that no old picture is taken over."""
WORKERS = 2


class PictureSize(StrEnum):
    """The sizes in which a sample is shown."""

    THUMB = "thumb"
    """In grids."""
    LARGE = "large"
    """In the large view."""


@dataclass(frozen=True, kw_only=True)
class PictureJob:
    """One sample whose pictures the site shows."""

    sample: Sample
    """The sample."""
    read_image: ImageReader
    """Reads its PNG file."""


def picture_path(sample: Sample, size: PictureSize) -> str:
    """Return a picture's path inside the site; equal pixels share one file."""
    return f"{PICTURE_FOLDER}/{size.value}/{sample.pixel_sha256}.webp"


def thumb_size(sample: Sample) -> tuple[int, int]:
    """Return the width and height of a sample's small picture."""
    return _fitted(sample.width, sample.height, edge=_longest_edge(PictureSize.THUMB))


def picture_jobs(contents: Iterable[BoardContent]) -> tuple[PictureJob, ...]:
    """Return what the site shows of every board that may show pictures; equal pixels once."""
    jobs: dict[str, PictureJob] = {}
    for content in contents:
        if not content.shows_images or content.read_image is None:
            continue
        for sample in content.samples:
            job = PictureJob(sample=sample, read_image=content.read_image)
            jobs.setdefault(sample.pixel_sha256, job)
    return tuple(jobs.values())


def is_made(sample: Sample, site: Path) -> bool:
    """Return whether `site` holds every size of the sample's picture."""
    return all((site / picture_path(sample, size)).is_file() for size in PictureSize)


def write_pictures(
    jobs: Sequence[PictureJob], *, staging: Path, former: Path, advance: Callable[[int], None]
) -> None:
    """Fill `staging` with every picture; those in `former` are taken over, the others made.

    Args:
        jobs: The samples to show.
        staging: The site being written.
        former: The site it replaces, which may not exist.
        advance: Told the number of samples whose pictures were made.
    """
    for size in PictureSize:
        (staging / PICTURE_FOLDER / size.value).mkdir(parents=True, exist_ok=True)
    missing = []
    for job in jobs:
        if is_made(job.sample, former):
            _take_over(job.sample, former=former, staging=staging)
        else:
            missing.append(job)
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        for _ in pool.map(lambda job: _make(job, staging), missing):
            advance(1)


def _take_over(sample: Sample, *, former: Path, staging: Path) -> None:
    for size in PictureSize:
        path = picture_path(sample, size)
        try:
            os.link(former / path, staging / path)
        except OSError:  # a file system without hard links
            shutil.copyfile(former / path, staging / path)


def _make(job: PictureJob, staging: Path) -> None:
    with Image.open(io.BytesIO(job.read_image(job.sample.id))) as opened:
        image = opened.convert("RGB")
    for size in PictureSize:
        fitted = _fitted(image.width, image.height, edge=_longest_edge(size))
        shown = image if fitted == image.size else image.resize(fitted, Image.Resampling.LANCZOS)
        quality = 78 if size is PictureSize.THUMB else 84
        shown.save(staging / picture_path(job.sample, size), "WEBP", quality=quality, method=2)


def _longest_edge(size: PictureSize) -> int:
    match size:
        case PictureSize.THUMB:
            return 320
        case PictureSize.LARGE:
            return 1280
        case _:
            assert_never(size)


def _fitted(width: int, height: int, *, edge: int) -> tuple[int, int]:
    scale = min(1.0, edge / max(width, height))
    return (max(1, round(width * scale)), max(1, round(height * scale)))
