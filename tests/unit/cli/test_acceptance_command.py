import csv
import io
import json
import shutil
import tomllib

import pytest
from click.testing import CliRunner

from harness.cli.acceptance import command
from harness.cli.recipe_editors import known_editors
from harness.dataset.lock_file import lock_bytes
from harness.dataset.recipe_file import load_recipe
from harness.errors import BenchmarkError, RecipeError
from harness.records.manifest import Lock
from tests.scored_samples import SNOWY, VIOLET, make_sample, write_scored_benchmark

RECIPE = """
name = "tried"
title = "Tried"
description = "A benchmark for tests."
license = "CC0-1.0"
seed = 7
qualifying_miou = 0.1
[source]
adapter = "camvid"
split = "test"
label_space = "camvid"
description = "Ask the tests."
[editor]
algorithm = 1
[[edits]]
attribute = "color"
values = ["violet"]
[[edits]]
attribute = "weather"
values = ["snowy"]
[acceptance]
min_object_change = 0.05
min_background_psnr = 40
"""
CLIP = '[acceptance.clip]\nmodel = "tiny"\n'
NOISE = '[acceptance.noise]\nkind = "transformers"\nmodel = "tiny"\n'
SAMPLES = (
    make_sample("source"),
    make_sample("a", VIOLET, object_change=0.02, edge_agreement=0.9),
    make_sample("b", VIOLET, object_change=0.08, edge_agreement=0.2, background_psnr=60.0),
    make_sample("c", SNOWY, object_change=0.4),
)


@pytest.fixture
def workspace(tmp_path):
    recipes = tmp_path / "benchmark_data" / "recipes"
    recipes.mkdir(parents=True)
    (recipes / "tried.toml").write_text(RECIPE, encoding="utf-8")
    loaded = load_recipe("tried", recipes, known=known_editors())
    write_scored_benchmark(tmp_path / "benchmark_data" / "tried", loaded, SAMPLES)
    return tmp_path


def change_recipe(workspace, old, new):
    path = workspace / "benchmark_data" / "recipes" / "tried.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(workspace, *arguments):
    return CliRunner().invoke(command, ["tried", *arguments], obj=workspace, catch_exceptions=True)


def printed(workspace, *arguments):
    result = run(workspace, *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def files(workspace):
    folder = workspace / "benchmark_data" / "tried"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_table_shows_values_scores_and_bars(workspace):
    result = run(workspace)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    row = next(line for line in lines if "violet" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        *("color", "violet", "2", "1", "1 unchanged"),
    ]
    assert "2 of 3 edits are accepted" in lines
    assert any(line.strip() == "edge_agreement" for line in lines)
    spread = next(line for line in lines if "color=violet" in line)
    assert [cell.strip() for cell in spread.strip("│").split("│")][1:] == [
        *("2", "0.020", "0.023", "0.035", "0.050", "0.065", "0.077", "0.080", "██"),
    ]
    assert "would keep" not in result.output


def test_csv_has_a_line_a_value_and_score(workspace):
    result = run(workspace, "--format", "csv", "--set", "min_object_change=0.01")
    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert [(r["value"], r["score"], r["scored"]) for r in rows] == [
        ("violet", "object_change", "2"),
        ("violet", "background_psnr", "1"),
        ("violet", "edge_agreement", "2"),
        ("snowy", "object_change", "1"),
    ]
    first = rows[0]
    assert (first["edits"], first["accepted"], first["would_accept"]) == ("2", "1", "2")
    assert (first["rejected"], first["minimum"], first["median"]) == ("1 unchanged", "0.02", "0.05")


def test_a_threshold_is_tried_and_nothing_is_written(workspace):
    before = files(workspace)
    report = printed(workspace, "--set", "min_object_change=0.0", "--set", "min_edge_agreement=0.5")
    assert (report["accepted"], report["would_accept"]) == (2, 2)
    assert [value["would_accept"] for value in report["values"]] == [1, 1]
    assert report["rule"]["min_edge_agreement"] == 0.5
    assert files(workspace) == before
    assert "would keep" in run(workspace, "--set", "min_object_change=0.0").output


def test_a_changed_recipe_is_tried_without_being_asked(workspace):
    assert printed(workspace)["rule"] is None
    change_recipe(workspace, "min_object_change = 0.05", "min_object_change = 0.01")
    report = printed(workspace)
    assert (report["accepted"], report["would_accept"]) == (2, 3)


@pytest.mark.parametrize(
    ("added", "said"),
    [(CLIP, "without [acceptance.clip]"), (NOISE, "without [acceptance.noise]")],
)
def test_a_recipe_that_needs_other_scores_is_not_tried_but_told(workspace, added, said):
    change_recipe(workspace, "min_object_change = 0.05", "min_object_change = 0.01")
    change_recipe(workspace, "min_background_psnr = 40", f"min_background_psnr = 40\n{added}")
    result = run(workspace)
    assert result.exit_code == 0
    assert "would be" not in result.stdout
    assert said in result.stderr
    assert "`harness build-benchmark tried`" in result.stderr
    assert printed(workspace)["would_accept"] is None
    for arguments in (["--set", "min_object_change=0.01"], ["--apply"]):
        refused = run(workspace, *arguments)
        assert isinstance(refused.exception, BenchmarkError)
        assert said in str(refused.exception)
        assert "harness build-benchmark tried" in refused.exception.remedy


def test_the_recipes_thresholds_are_applied(workspace):
    former = printed(workspace)["digest"]
    change_recipe(workspace, "min_object_change = 0.05", "min_object_change = 0.01")
    report = printed(workspace, "--apply")
    assert (report["accepted"], report["rejected"], report["rule"]) == (3, {}, None)
    assert report["applied"] == {
        "former_digest": former,
        "digest": report["digest"],
        "newly_accepted": 1,
        "newly_rejected": 0,
        "other_reason": 0,
    }
    assert report["digest"] != former
    assert printed(workspace)["digest"] == report["digest"]
    again = run(workspace, "--apply")
    assert "every edit is judged as before" in again.output


def test_a_lock_is_left_and_spoken_of(workspace):
    digest = printed(workspace)["digest"]
    lock = workspace / "benchmark_data" / "recipes" / "tried.lock.json"
    data = lock_bytes(Lock(benchmark="tried", digest=digest, recipe_digest="0" * 64, samples=()))
    lock.write_bytes(data)
    assert run(workspace, "--apply").stderr == ""
    change_recipe(workspace, "min_object_change = 0.05", "min_object_change = 0.01")
    result = run(workspace, "--apply")
    assert "the lock of another benchmark" in result.stderr
    assert "--replace-lock" in result.stderr
    assert lock.read_bytes() == data


def test_the_worst_are_named(workspace):
    report = printed(workspace, "--worst", "1", "--score", "edge_agreement")
    (worst,) = report["worst"]
    assert (worst["score"], worst["accepted"]) == (0.2, True)
    assert worst["image"].endswith(f"benchmark_data/tried/images/{worst['sample_id']}.png")
    assert (
        "worst edge_agreement" in run(workspace, "--worst", "1", "--score", "edge_agreement").output
    )


def test_the_worst_are_lines_of_csv(workspace):
    result = run(workspace, "--worst", "2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(r["score"], r["value_of_score"], r["value"]) for r in rows] == [
        ("object_change", "0.02", "violet"),
        ("object_change", "0.08", "violet"),
    ]
    assert [(r["accepted"], r["rejection"]) for r in rows] == [("False", "unchanged"), ("True", "")]
    worst = printed(workspace, "--worst", "1")["worst"][0]
    assert [rows[0][key] for key in ("sample_id", "image", "source_image")] == [
        *(worst["sample_id"], worst["image"], worst["source_image"]),
    ]


def test_what_can_not_be_shown_is_told_before_thresholds_are_applied(workspace):
    change_recipe(workspace, "min_object_change = 0.05", "min_object_change = 0.01")
    before = files(workspace)
    result = run(workspace, "--apply", "--worst", "1", "--score", "voided_fraction")
    assert isinstance(result.exception, BenchmarkError)
    assert files(workspace) == before


def test_suggested_bounds_can_be_pasted_into_a_recipe(workspace):
    result = run(workspace, "--suggest", "0.5")
    lines = result.stdout.splitlines()
    pasted = "\n".join(lines[lines.index("[acceptance]") :])
    assert tomllib.loads(pasted) == {
        "acceptance": {
            "min_object_change": 0.08,
            "min_background_psnr": 60.0,
            "min_edge_agreement": 0.9,
        }
    }
    assert "# rejects 1 of 3: 1 color=violet\nmin_object_change = 0.08" in pasted
    assert "# rejects 1 of 2: 1 color=violet\nmin_edge_agreement = 0.9" in pasted
    first = printed(workspace, "--suggest", "0.5")["suggestions"][0]
    assert first["by_value"] == {"color=violet": 1, "weather=snowy": 0}
    rows = list(
        csv.DictReader(io.StringIO(run(workspace, "--suggest", "0.5", "--format", "csv").stdout))
    )
    assert [(r["key"], r["bound"], r["value"], r["would_reject"]) for r in rows[:2]] == [
        ("min_object_change", "0.08", "violet", "1"),
        ("min_object_change", "0.08", "snowy", "0"),
    ]


def test_suggested_bounds_stand_under_their_tables(workspace, tmp_path):
    scores = {"clip_image_image": 0.9, "clip_image_text": 0.2, "clip_directional": 0.1}
    seen = [make_sample("s"), make_sample("e", VIOLET, voided_fraction=0.25, **scores)]
    recipes = tmp_path / "benchmark_data" / "recipes"
    change_recipe(workspace, "min_background_psnr = 40", f"min_background_psnr = 40\n{CLIP}{NOISE}")
    loaded = load_recipe("tried", recipes, known=known_editors())
    shutil.rmtree(tmp_path / "benchmark_data" / "tried")
    write_scored_benchmark(tmp_path / "benchmark_data" / "tried", loaded, tuple(seen))
    output = run(workspace, "--suggest", "0.5").stdout
    assert tomllib.loads(output[output.index("[acceptance]\n") :]) == {
        "acceptance": {
            "min_object_change": 0.2,
            "clip": {"min_image_image": 0.9, "min_image_text": 0.2, "min_directional": 0.1},
            "noise": {"max_voided_fraction": 0.25},
        }
    }


def test_one_attribute_alone(workspace):
    report = printed(workspace, "--attribute", "weather")
    assert [value["edit"]["value"] for value in report["values"]] == ["snowy"]


def test_without_its_recipe_a_benchmark_is_looked_at_and_not_judged_anew(workspace):
    (workspace / "benchmark_data" / "recipes" / "tried.toml").unlink()
    assert printed(workspace)["rule"] is None
    tried = printed(workspace, "--set", "min_edge_agreement=0.5")
    assert tried["rule"]["min_object_change"] == 0.05
    result = run(workspace, "--apply")
    assert isinstance(result.exception, RecipeError)
    assert "no recipe 'tried'" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "foo=1"], "'foo=1' sets no threshold"),
        (["--set", "min_object_change=x"], "'x' is no number"),
        (["--set", "clip.min_directional=0.1"], "[acceptance.clip] is not there"),
        (["--set", "min_background_psnr=none"], "not one pixel of the background may differ"),
        (["--set", "min_background_ssim=0.5"], "no scores for min_background_ssim"),
        (["--worst", "3", "--score", "clip_directional"], "has the score clip_directional"),
    ],
)
def test_what_can_not_be_tried_is_refused(workspace, arguments, said):
    result = run(workspace, *arguments)
    assert isinstance(result.exception, (RecipeError, BenchmarkError))
    assert said in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--apply", "--set", "min_object_change=0.1"], "--apply takes the thresholds"),
        (["--score", "beauty", "--worst", "1"], "there are object_change"),
        (["--worst", "-1"], "-1"),
        (["--suggest", "0"], "0"),
        (["--suggest", "1"], "1"),
        (["--worst", "1", "--suggest", "0.1", "--format", "csv"], "one after the other"),
        (["--attribute", "beauty"], "beauty"),
    ],
)
def test_options_that_make_no_sense_are_refused(workspace, arguments, said):
    result = run(workspace, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_benchmark_that_is_not_built_is_refused(workspace):
    result = CliRunner().invoke(command, ["nothing"], obj=workspace)
    assert isinstance(result.exception, BenchmarkError)
    assert "harness build-benchmark nothing" in result.exception.remedy
