"""A small benchmark whose losses are written in its red channel, and a model that reads them."""

import shutil
from pathlib import Path

import numpy as np
from fakes import STREET, sample_id

from harness.acceptance.loss_reader import LossMap
from harness.benchmark.assessing.noise_pass import filter_labels
from harness.dataset.benchmark_folder import BenchmarkFolder, header_bytes, manifest_bytes
from harness.dataset.image_io import (
    decode_rgb,
    encode_gray_png,
    encode_rgb_png,
    pixel_sha256,
    signature,
)
from harness.errors import RecipeError
from harness.records.acceptance import AcceptanceScores, NoiseModelKind, NoiseRule
from harness.records.attributes import Attribute, Edit
from harness.records.base import sha256_hex
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample, manifest_digest

VIOLET = Edit(attribute=Attribute.COLOR, value="violet")
SKETCH = Edit(attribute=Attribute.STYLE, value="sketch")
LEFT = Edit(attribute=Attribute.POSITION, value="left")
UNIT = 10
"""Losses a step of red."""
LABEL = [[1, 1, 1, 0], [1, 1, 2, 255]]
MASK = [[1, 1, 1, 1], [0, 0, 1, 1]]
"""A car's label and the mask of its object."""
BAD = [[99, 99, 99, 99], [99, 99, 99, 99]]
"""Red whose losses are over any bound."""


class Scenes:
    """Writes samples into a folder and filters them."""

    def __init__(self, root: Path) -> None:
        self.folder = BenchmarkFolder(root / "tiny")
        self.cache, self.scratch = root / "cache", root / "scratch"
        for name in ("images", "labels", "masks"):
            (self.folder.path / name).mkdir(parents=True)
        self.scratch.mkdir()
        self.samples: list[Sample] = []

    @staticmethod
    def again(scenes):
        """Return the same unfiltered benchmark in another place."""
        other = Scenes(scenes.cache.parent / "again")
        for name in ("images", "labels", "masks"):
            shutil.copytree(scenes.folder.path / name, other.folder.path / name, dirs_exist_ok=True)
        other.samples = list(scenes.samples)
        return other

    def add(self, name, red, label, mask, *, edit=None, object_class="car", accepted=True):
        """Write one sample; losses are ten times `red`, and lists of rows are taken."""
        source, own = sample_id(name), sample_id(f"{name} {edit}") if edit else sample_id(name)
        image = np.zeros((*np.shape(red), 3), np.uint8)
        image[:, :, 0] = red
        image[:, :, 1] = len(self.samples)  # no two images are alike
        label = np.array(label, np.uint8)
        image_png, label_png = encode_rgb_png(image), encode_gray_png(label)
        (self.folder.path / "images" / f"{own}.png").write_bytes(image_png)
        mask_png = None if mask is None else encode_gray_png(np.array(mask, np.uint8) * 255)
        if edit is None or edit is LEFT:
            (self.folder.path / "labels" / f"{own}.png").write_bytes(label_png)
            if mask_png is not None:
                (self.folder.path / "masks" / f"{own}.png").write_bytes(mask_png)
        scores = AcceptanceScores(object_change=0.5, background_psnr=None)
        sample = Sample(
            id=own,
            source_id=source,
            source_name=name,
            edit=edit,
            object_class=None if mask is None else object_class,
            caption="a photo",
            target_prompt=None if edit is None else "an edit",
            seed=0,
            width=label.shape[1],
            height=label.shape[0],
            accepted=accepted,
            scores=None if edit is None else scores,
            image_sha256=sha256_hex(image_png),
            pixel_sha256=pixel_sha256(image),
            label_sha256=sha256_hex(label_png),
            label_pixel_sha256=pixel_sha256(label),
            mask_sha256=mask_png and sha256_hex(mask_png),
            signature=signature(image),
        )
        self.samples.append(sample)
        return sample.id

    def write_index(self, samples):
        """Write the manifest of `samples`, and a header."""
        environment = BuildEnvironment(harness_version="0", python="3", platform="x", packages={})
        header = BenchmarkHeader(
            name="tiny",
            title="Tiny",
            description="A benchmark for tests.",
            license="CC0-1.0",
            publish_images=True,
            digest=manifest_digest(samples),
            recipe_digest="0" * 64,
            qualifying_miou=0.3,
            label_space=STREET,
            edits=(VIOLET, SKETCH, LEFT),
            environment=environment,
        )
        self.folder.manifest_path.write_bytes(manifest_bytes(samples))
        self.folder.header_path.write_bytes(header_bytes(header))

    def filter(self, reader, *, margin=1.25, samples=None, on_read=lambda _: None):
        """Return the filtered samples by id."""
        filtered = filter_labels(
            tuple(self.samples if samples is None else samples),
            self.folder,
            rule=NoiseRule(kind=NoiseModelKind.TRANSFORMERS, model="tiny", margin=margin),
            label_space=STREET,
            losses=reader,
            cache=self.cache,
            scratch=self.scratch,
            on_read=on_read,
        )
        self.write_index(filtered)
        return {sample.id: sample for sample in filtered}


class RedReader:
    """A `LossReader` that takes losses from the red channel."""

    digests = {"red": "0" * 64}  # noqa: RUF012 - as a model's property

    def __init__(self, *, backwards=False, fails_after=None, identity="red") -> None:
        self.identity = identity
        self.backwards, self.fails_after = backwards, fails_after
        self.asked: list[tuple[str, str]] = []

    def check_classes(self, class_names):
        unknown = set(class_names) - {"car", "bus", "tree"}
        if unknown:
            msg = f"no class for {sorted(unknown)}"
            raise RecipeError(msg, remedy="Say which.")

    def read(self, requests, *, on_loss):
        for request in reversed(list(requests)) if self.backwards else requests:
            if self.fails_after is not None and len(self.asked) == self.fails_after:
                raise KeyboardInterrupt
            self.asked.append((request.id, request.class_name))
            red = decode_rgb(request.png, name=request.id)[:, :, 0]
            on_loss(LossMap(id=request.id, losses=red.astype(np.uint16) * UNIT))
