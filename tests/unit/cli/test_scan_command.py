"""`harness scan` as a user meets it, on a folder of their own with a class file."""

import csv
import io

import pytest
from command_line import answer, assert_refused, harness
from source_trees.folder import write_folder_tree

RECIPE = """
name = "kitchens"
title = "Kitchens"
description = "A benchmark of one's own pictures."
license = "CC0-1.0"
seed = 7
qualifying_miou = 0.1
[source]
adapter = "folder"
label_space = "classes.txt"
description = "Ask the cook."
[selection]
exclude_classes = ["table"]
[editor]
algorithm = 1
[[edits]]
attribute = "color"
values = ["violet"]
[[edits]]
attribute = "weather"
values = ["night"]
"""


@pytest.fixture
def workspace(tmp_path):
    recipes = tmp_path / "benchmark_data" / "recipes"
    recipes.mkdir(parents=True)
    write_folder_tree(tmp_path / "photos")
    (tmp_path / "photos" / "classes.txt").rename(recipes / "classes.txt")
    (recipes / "kitchens.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def scan(workspace, *more):
    return ("scan", "kitchens", "--source", str(workspace / "photos"), "--workers", "0", *more)


def test_it_says_what_is_taken_and_why_not_the_rest(workspace):
    report = answer(workspace, *scan(workspace))
    assert report["found"] == 3
    assert report["taken"] == 2
    assert report["classes"] == {"mug": 1, "plate": 1}
    assert report["left_out"] == {"object-too-small": 1}
    shown = harness(workspace, *scan(workspace))
    assert "what becomes of 3 images" in shown.stdout
    assert "2 sources are taken; the recipe names 2 edits of each" in shown.stdout
    rows = list(
        csv.DictReader(io.StringIO(harness(workspace, *scan(workspace, "--format=csv")).stdout))
    )
    assert {row["why"]: row["images"] for row in rows} == {
        "mug": "1",
        "plate": "1",
        "object-too-small": "1",
    }


def test_what_is_scanned_is_what_is_built(workspace):
    scanned = answer(workspace, *scan(workspace))
    arguments = ("--source", str(workspace / "photos"), "--workers", "0")
    built = answer(workspace, "build-benchmark", "kitchens", *arguments)
    assert built["counts"]["sources"] == scanned["taken"]
    assert built["counts"]["left_out"] == scanned["left_out"]
    assert answer(workspace, "verify", "kitchens")["findings"] == []


def test_a_broken_image_is_refused_by_name_or_left_out_by_the_recipes_rule(workspace):
    image = workspace / "photos" / "images" / "kitchen-1.jpg"
    image.write_bytes(image.read_bytes()[:-300])
    refused = harness(workspace, *scan(workspace))
    assert_refused(refused, 12, "kitchen-1.jpg", 'broken = "skip"')

    recipe = workspace / "benchmark_data" / "recipes" / "kitchens.toml"
    recipe.write_text(RECIPE.replace("[selection]", 'broken = "skip"\n[selection]'))
    report = answer(workspace, *scan(workspace))
    assert report["broken"] == {"unreadable": 1}
    assert report["named"][0]["name"] == "kitchen-1"
    assert "broken: " in harness(workspace, *scan(workspace)).stdout


def test_a_missing_folder_says_where_the_set_is_to_be_had(workspace):
    gone = harness(workspace, "scan", "kitchens", "--source", str(workspace / "nowhere"))
    assert_refused(gone, 12, "nowhere", "Ask the cook.")
    assert_refused(harness(workspace, "scan", "kitchens"), 12, "--source")
    assert_refused(harness(workspace, "scan", "kitchen"), 4, "kitchens")
