"""Samples with scores and without pictures."""

from pathlib import Path

from harness.benchmark.assessing.judging import judge_samples
from harness.benchmark.index import write_index
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.recipe_file import LoadedRecipe
from harness.records.acceptance import AcceptanceScores
from harness.records.attributes import Attribute, Edit
from harness.records.base import sha256_hex
from harness.records.manifest import (
    BenchmarkHeader,
    BuildEnvironment,
    Sample,
    manifest_digest,
)

VIOLET = Edit(attribute=Attribute.COLOR, value="violet")
SNOWY = Edit(attribute=Attribute.WEATHER, value="snowy")


def make_sample(name: str, edit: Edit | None = None, **scores: float | None) -> Sample:
    """Return the sample called `name`, accepted; an edit of `source` with these scores."""
    digest = sha256_hex(name.encode())
    found = {"object_change": 0.2, "background_psnr": None} | scores
    return Sample(
        id=digest[:16],
        source_id=digest[:16] if edit is None else sha256_hex(b"source")[:16],
        source_name="photo",
        edit=edit,
        object_class="car",
        caption="a photo of a car",
        target_prompt=None if edit is None else f"a photo of a {edit.value} car",
        seed=1,
        width=16,
        height=12,
        accepted=True,
        scores=None if edit is None else AcceptanceScores.model_validate(found),
        image_sha256=digest,
        pixel_sha256=digest,
        label_sha256=digest,
        label_pixel_sha256=digest,
        mask_sha256=digest,
        signature="",
    )


def write_scored_benchmark(
    folder: Path, loaded: LoadedRecipe, samples: tuple[Sample, ...]
) -> BenchmarkFolder:
    """Write the index of a benchmark of `samples`, built of `loaded`; it has no pictures."""
    recipe = loaded.recipe
    judged = judge_samples(samples, recipe.acceptance)
    header = BenchmarkHeader(
        name=recipe.name,
        title=recipe.title,
        description=recipe.description,
        license=recipe.license,
        publish_images=True,
        digest=manifest_digest(judged),
        recipe_digest=recipe.content_digest(),
        qualifying_miou=recipe.qualifying_miou,
        label_space=loaded.label_space,
        edits=(VIOLET, SNOWY),
        environment=BuildEnvironment(harness_version="0", python="3", platform="test", packages={}),
        acceptance=recipe.acceptance,
    )
    folder.mkdir(parents=True)
    write_index(folder, header, judged, scratch=folder)
    return BenchmarkFolder(folder)
