"""Every data set's recipe in miniature: scan, dry run, prove, evaluate, rank (issue 4, Shows)."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import answer
from source_trees.ade20k import write_ade20k_tree
from source_trees.camvid import write_camvid_tree
from source_trees.cityscapes import write_cityscapes_tree
from source_trees.coco import write_coco_tree
from source_trees.voc import write_voc_tree

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.records.attributes import Scope

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
SUBMISSION = "mini-unet"
"""Predicts VOC's classes; those of the same name count in every data set."""


@dataclass(frozen=True, kw_only=True)
class Road:
    """One recipe's road."""

    recipe: str
    workspace: Path
    source: Path
    scan: dict
    build: dict

    @property
    def benchmark(self) -> str:
        return f"{self.recipe}-tiny"

    @property
    def folder(self) -> BenchmarkFolder:
        return BenchmarkFolder(self.workspace / "benchmark_data" / self.benchmark)

    def build_again(self) -> dict:
        return answer(self.workspace, *build_command(self.recipe, self.source))


WRITERS: dict[str, Callable[[Path], None]] = {
    "pascal-ea": write_voc_tree,
    "coco-ea": write_coco_tree,
    "ade20k-ea": write_ade20k_tree,
    "cityscapes-ea": write_cityscapes_tree,
    "camvid-ea": write_camvid_tree,
}


def build_command(recipe: str, source: Path) -> tuple[str, ...]:
    place = ("--source", str(source), "--device", "cpu")
    return ("build-benchmark", recipe, *place, "--model", "tiny")


@pytest.fixture(scope="module", params=WRITERS)
def road(request, tmp_path_factory, base_image) -> Road:
    """Build one recipe's dry run of a tiny tree of its data set's layout."""
    del base_image
    recipe = request.param
    root = tmp_path_factory.mktemp(recipe)
    recipes = root / "benchmark_data" / "recipes"
    recipes.mkdir(parents=True)
    shutil.copy(ROOT / "benchmark_data" / "recipes" / f"{recipe}.toml", recipes)
    (root / "submissions").symlink_to(ROOT / "submissions")
    source = root / "source"
    WRITERS[recipe](source)
    before = digest_of(source)
    scan = answer(root, "scan", recipe, "--source", str(source))
    build = answer(root, *build_command(recipe, source))
    assert digest_of(source) == before, "the source tree was written into"
    return Road(recipe=recipe, workspace=root, source=source, scan=scan, build=build)


def digest_of(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_each_edit_of_the_recipe_is_made_of_each_source_that_has_an_object(road):
    counts = road.build["counts"]
    assert counts["sources"] == road.scan["taken"] >= 2
    with_object = sum(road.scan["classes"].values())
    assert with_object >= 2
    for value in counts["values"]:
        made = value["accepted"] + sum(value["rejected"].values())
        # Weather and style need no object where the recipe takes sources without one.
        everywhere = value["edit"]["attribute"] in {"style", "weather"}
        assert made == (counts["sources"] if everywhere else with_object), value
        assert made == counts["sources"] - sum(value["not_made"].values())
    assert road.build["cost"]["passes"]["inversion"] > 0


def test_every_edit_is_scored_through_the_models_that_the_recipe_names(road):
    samples = road.folder.samples()
    edits = [sample for sample in samples if sample.edit is not None]
    assert edits
    assert all(sample.scores.clip_image_image is not None for sample in edits)
    environment = road.folder.header().environment
    assert environment.assessment.clip
    filtered = road.recipe == "ade20k-ea"
    assert bool(environment.assessment.noise) == filtered
    with_object = [sample for sample in edits if sample.object_class is not None]
    assert all((s.scores.voided_fraction is not None) == filtered for s in with_object)


def test_labels_stay_valid(road):
    folder = road.folder
    by_id = {sample.id: sample for sample in folder.samples()}
    ignore = folder.header().label_space.ignore_id
    for sample in by_id.values():
        if sample.edit is None or sample.edit.scope is Scope.GEOMETRY:
            continue
        label, source = folder.label(sample), folder.label(by_id[sample.source_id])
        differs = label != source
        assert (label[differs] == ignore).all()
        if differs.any():
            assert folder.mask(sample)[differs].all()


def test_it_verifies_and_a_second_build_changes_nothing(road):
    report = answer(road.workspace, "verify", road.benchmark)
    assert report["findings"] == []
    again = road.build_again()
    assert again["digest"] == road.build["digest"]
    assert again["counts"]["kept_sources"] == again["counts"]["sources"]


def test_a_bundled_submission_is_evaluated_and_listed(road):
    report = answer(road.workspace, "evaluate", SUBMISSION, "--benchmark", road.benchmark)
    assert report["run"]["outcome"]["status"] == "completed", json.dumps(report["run"])
    board = answer(road.workspace, "rank", "--benchmark", road.benchmark)
    # A dry run's qualifying mIoU is 1, so that nobody is ranked on pictures that mean nothing.
    assert board["ranked"] == []
    (entry,) = board["unranked"]
    assert entry["submission"]["name"] == SUBMISSION
    assert entry["clean_miou"] is not None
    edits = {value["edit"]["attribute"] for value in road.build["counts"]["values"]}
    assert {attribute["attribute"] for attribute in entry["attributes"]} == edits


PAINTED = """
name = "filtered"
title = "Painted, its labels filtered by a submission"
description = "A benchmark for tests."
license = "CC0-1.0"
seed = 7
qualifying_miou = 0.0
[source]
adapter = "voc"
split = "val"
label_space = "voc"
[selection]
classes = ["aeroplane", "dog"]
[editor]
algorithm = 1
[[edits]]
attribute = "color"
values = ["violet"]
[[edits]]
attribute = "size"
values = ["larger"]
amount = 0.25
[acceptance.noise]
kind = "submission"
model = "mini-unet"
"""


def test_a_submission_filters_labels_in_its_container_and_another_is_scored_by_them(
    tmp_path, base_image
):
    del base_image
    recipes = tmp_path / "benchmark_data" / "recipes"
    recipes.mkdir(parents=True)
    (recipes / "filtered.toml").write_text(PAINTED)
    (tmp_path / "submissions").symlink_to(ROOT / "submissions")
    write_voc_tree(tmp_path / "source")
    build = ("build-benchmark", "filtered", "--source", str(tmp_path / "source"))
    first = answer(tmp_path, *build)
    assert first["counts"]["sources"] == 2
    folder = BenchmarkFolder(tmp_path / "benchmark_data" / "filtered")
    edits = [sample for sample in folder.samples() if sample.edit is not None]
    assert all(sample.scores.voided_fraction is not None for sample in edits)
    assert set(folder.header().environment.assessment.noise) == {"image"}
    assert answer(tmp_path, "verify", "filtered")["findings"] == []
    assert answer(tmp_path, *build)["digest"] == first["digest"]

    # Another margin edits nothing and asks the container for nothing that is known.
    (recipes / "filtered.toml").write_text(f"{PAINTED}margin = 0.05\n")
    tighter = answer(tmp_path, *build)
    assert tighter["counts"]["kept_sources"] == 2
    voided = [s.scores.voided_fraction for s in folder.samples() if s.edit is not None]
    assert sum(voided) > sum(sample.scores.voided_fraction for sample in edits)

    report = answer(tmp_path, "evaluate", "mini-unet-augmented", "--benchmark", "filtered")
    assert report["run"]["outcome"]["status"] == "completed"
    (entry,) = answer(tmp_path, "rank", "--benchmark", "filtered")["ranked"]
    assert entry["drop_pp"] is not None
