"""Benchmarks of any number of samples on little disk: a few pictures under many names."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.dataset.benchmark_folder import (
    IMAGES,
    LABELS,
    MANIFEST,
    MASKS,
    BenchmarkFolder,
    header_bytes,
)
from harness.dataset.image_io import encode_gray_png, encode_rgb_png, pixel_sha256, signature
from harness.dataset.label_space import load_label_space
from harness.dataset.manifest_file import quick_digest
from harness.records.attributes import Attribute, Edit
from harness.records.base import canonical_json, sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.manifest import (
    BenchmarkHeader,
    BuildEnvironment,
    Sample,
    manifest_digest,
)

EDIT = Edit(attribute=Attribute.COLOR, value="violet")
PICTURES = 8
"""Different pictures, each with a label."""
_BLOCK = 32


@dataclass(frozen=True, kw_only=True)
class _Picture:
    """One picture and its label, as files that every sample of it is a hard link to."""

    image: Path
    label: Path
    sample: Sample
    """A sample of it, whose names are to be set."""


def write_benchmark(folder: Path, *, sources: int, edits: int, side: int) -> BenchmarkFolder:
    """Return a whole benchmark of `sources` and `edits` of each, side x side pixels, under VOC."""
    for name in (IMAGES, LABELS, MASKS, ".pictures"):
        (folder / name).mkdir(parents=True)
    space = load_label_space("voc")
    pictures = [_picture(folder / ".pictures", number, side, space) for number in range(PICTURES)]
    with (folder / MANIFEST).open("wb") as manifest:
        for sample_id, source, edit in _samples(sources, edits):
            picture = pictures[source % PICTURES]
            os.link(picture.image, folder / IMAGES / f"{sample_id}.png")
            changes: dict[str, object] = {"id": sample_id, "source_id": _sample_id(source, 0)}
            if edit:
                changes |= {"edit": EDIT, "target_prompt": "an edited picture"}
            else:
                os.link(picture.label, folder / LABELS / f"{sample_id}.png")
            sample = picture.sample.model_copy(update=changes)
            manifest.write(canonical_json(sample.model_dump(mode="json")) + b"\n")
    built = BenchmarkFolder(folder)
    digest = quick_digest(built.manifest_path) or manifest_digest(built.samples())
    built.header_path.write_bytes(header_bytes(_header(folder.name, digest, space)))
    return BenchmarkFolder(folder)


def _samples(sources: int, edits: int) -> list[tuple[str, int, int]]:
    """Return id, source and edit of every sample in the order of a manifest; edit 0 is none."""
    return sorted(
        (_sample_id(source, edit), source, edit)
        for source in range(sources)
        for edit in range(edits + 1)
    )


def _sample_id(source: int, edit: int) -> str:
    return sha256_hex(f"{source} {edit}".encode())[:16]


def _picture(folder: Path, number: int, side: int, space: LabelSpace) -> _Picture:
    """Return a picture whose objects are blocks with some noise: it is as large as a photo."""
    generator = np.random.default_rng(number)
    blocks = -(-side // _BLOCK)
    coarse = generator.integers(0, len(space.classes), (blocks, blocks), dtype=np.uint8)
    label = np.kron(coarse, np.ones((_BLOCK, _BLOCK), np.uint8))[:side, :side].copy()
    noise = generator.integers(0, 16, (side, side, 3), dtype=np.uint8)
    image = (label[:, :, np.newaxis] * 11 + noise).astype(np.uint8)
    label[0] = space.ignore_id
    image_png, label_png = encode_rgb_png(image), encode_gray_png(label)
    sample = Sample(
        id="0" * 16,
        source_id="0" * 16,
        source_name=f"picture {number}",
        edit=None,
        object_class=None,
        caption="a picture",
        target_prompt=None,
        seed=0,
        width=side,
        height=side,
        accepted=True,
        image_sha256=sha256_hex(image_png),
        pixel_sha256=pixel_sha256(image),
        label_sha256=sha256_hex(label_png),
        label_pixel_sha256=pixel_sha256(label),
        signature=signature(image),
    )
    picture = _Picture(
        image=folder / f"image-{number}.png", label=folder / f"label-{number}.png", sample=sample
    )
    picture.image.write_bytes(image_png)
    picture.label.write_bytes(label_png)
    return picture


def _header(name: str, digest: str, space: LabelSpace) -> BenchmarkHeader:
    return BenchmarkHeader(
        name=name,
        title=name,
        description="A benchmark to measure on.",
        license="CC0-1.0",
        publish_images=False,
        digest=digest,
        recipe_digest="0" * 64,
        qualifying_miou=0.0,
        label_space=space,
        edits=(EDIT,),
        environment=BuildEnvironment(
            harness_version="0", python="3", platform="a measurement", packages={}
        ),
    )
