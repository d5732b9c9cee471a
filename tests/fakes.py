"""Stand-ins that tests share: a tiny benchmark on disk, and a runner without an engine."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from harness.dataset.image_io import encode_gray_png, encode_rgb_png, pixel_sha256, signature
from harness.errors import PredictionRejectedError
from harness.records.attributes import Attribute, Edit
from harness.records.base import sha256_hex
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample, manifest_digest
from harness.records.run import FailureReason, RunOutcome, RunStatus

STREET = LabelSpace(
    name="street",
    ignore_id=255,
    classes=tuple(
        LabelClass(id=i, name=name, color=(40 * i, 90, 255 - 40 * i))
        for i, name in enumerate(("background", "car", "bus", "tree"))
    ),
)
VIOLET = Edit(attribute=Attribute.COLOR, value="violet")
SNOWY = Edit(attribute=Attribute.WEATHER, value="snowy")


def sample_id(text: str) -> str:
    """Return an opaque id for `text`."""
    return sha256_hex(text.encode())[:16]


def write_tiny_benchmark(
    folder: Path, *, sources: int = 4, edits: tuple[Edit, ...] = (VIOLET, SNOWY), seed: int = 7
) -> BenchmarkHeader:
    """Write a whole benchmark of 16x12 images with labels into `folder`."""
    generator = np.random.default_rng(seed)
    samples: list[Sample] = []
    for name in ("images", "labels", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(sources):
        label = generator.integers(0, 4, (12, 16)).astype(np.uint8)
        label[0, :3] = 255
        own = sample_id(f"source {index}")
        for edit in (None, *edits):
            image = generator.integers(0, 256, (12, 16, 3)).astype(np.uint8)
            identity = own if edit is None else sample_id(f"{index} {edit}")
            samples.append(_write_sample(folder, identity, own, edit, image, label))
    samples.sort(key=lambda sample: sample.id)
    header = BenchmarkHeader(
        name=folder.name,
        title="Tiny",
        description="A benchmark for tests.",
        license="CC0-1.0",
        publish_images=True,
        digest=manifest_digest(tuple(samples)),
        recipe_digest="0" * 64,
        qualifying_miou=0.3,
        label_space=STREET,
        edits=edits,
        environment=BuildEnvironment(harness_version="0", python="3", platform="test", packages={}),
    )
    lines = [json.dumps(s.model_dump(mode="json"), sort_keys=True) for s in samples]
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "benchmark.json").write_text(header.model_dump_json())
    return header


def _write_sample(folder, identity, own, edit, image, label):
    image_png, label_png = encode_rgb_png(image), encode_gray_png(label)
    mask_png = encode_gray_png(((label == 1) * 255).astype(np.uint8))
    (folder / "images" / f"{identity}.png").write_bytes(image_png)
    if edit is None:
        (folder / "labels" / f"{own}.png").write_bytes(label_png)
        (folder / "masks" / f"{own}.png").write_bytes(mask_png)
    return Sample(
        id=identity,
        source_id=own,
        source_name=f"photo-{own[:4]}",
        edit=edit,
        object_class="car",
        caption="a photo of a car",
        target_prompt=None if edit is None else f"a photo of a {edit.value} car",
        seed=1,
        width=16,
        height=12,
        accepted=True,
        image_sha256=sha256_hex(image_png),
        pixel_sha256=pixel_sha256(image),
        label_sha256=sha256_hex(label_png),
        label_pixel_sha256=pixel_sha256(label),
        mask_sha256=sha256_hex(mask_png) if edit is None else None,
        signature=signature(image),
    )


class FakeRunner:
    """Answers every sample with `predict(sample id)`, PNG bytes, without any container."""

    def __init__(self, predict: Callable[[str], bytes], *, error: Exception | None = None) -> None:
        """Prepare to answer; `error` is raised after the first answer."""
        self.predict, self.error = predict, error
        self.seen: list[str] = []
        self.limits = None

    def run(self, image_digest, samples: Iterable, *, limits, run_id, on_prediction, slot=None):
        """Return how it went, as the sandbox would."""
        del image_digest, run_id, slot
        self.limits = limits
        for sample in samples:
            self.seen.append(sample.id)
            try:
                on_prediction(sample.id, self.predict(sample.id))
            except PredictionRejectedError as rejection:
                return RunOutcome(
                    status=RunStatus.SUBMISSION_FAILED,
                    reason=FailureReason(rejection.reason),
                    sample_id=sample.id,
                    detail=rejection.detail,
                    total_seconds=1.0,
                    predictions=len(self.seen) - 1,
                )
            if self.error is not None:
                raise self.error
        return RunOutcome(
            status=RunStatus.COMPLETED,
            model_name="fake",
            startup_seconds=0.5,
            total_seconds=1.5,
            predictions=len(self.seen),
            log="all well\n",
            exit_code=0,
        )
