"""`harness export` and `harness import` as a user runs them."""

import json

import pytest
from command_line import answer, assert_refused, harness
from pair_folders import imported, write_pairs


@pytest.fixture
def workspace(tmp_path):
    imported(tmp_path)
    return tmp_path


def test_a_benchmark_goes_out_and_comes_back(workspace):
    out = workspace / "out"
    report = answer(workspace, "export", "harbour", "--to", "folder", "--all", "--output", str(out))
    assert (report["format"], report["sources"], report["edits"]) == ("folder", 3, 7)
    back = answer(workspace, "import", str(out), "--name", "back")
    assert (back["benchmark"], back["layout"], back["rejected"]) == ("back", "pairs", 1)
    assert back["digest"] == report["digest"]
    assert answer(workspace, "verify", "back")["ok"]
    assert json.loads((workspace / "benchmark_data" / "back" / "benchmark.json").read_text())


def test_the_plain_answer_names_folder_and_what_was_left_out(workspace):
    out = workspace / "out"
    result = harness(workspace, "export", "harbour", "--to", "mmseg", "--output", str(out))
    assert "6 edits, 1 rejected ones left out" in result.stdout
    assert f"folder {out}" in result.stdout
    assert "not to be republished" in result.stdout


def test_an_output_that_holds_something_is_refused(workspace):
    result = harness(workspace, "export", "harbour", "--to", "mmseg", "--output", str(workspace))
    assert_refused(result, 19, "is not empty", "--output")


def test_an_unknown_benchmark_is_refused(tmp_path):
    result = harness(tmp_path, "export", "nope", "--to", "mmseg", "--output", str(tmp_path / "o"))
    assert_refused(result, 15, "there is no benchmark in")


def test_a_benchmark_is_replaced_only_when_asked(workspace):
    pairs = str(workspace / "pairs")
    assert_refused(harness(workspace, "import", pairs), 15, "already", "--replace")
    assert answer(workspace, "import", pairs, "--replace")["replaced"]


def test_all_faults_are_named_and_the_first_in_the_error(tmp_path):
    pairs = write_pairs(tmp_path / "pairs")
    for number in range(3):
        pairs.row(**pairs.rows[1] | {"attribute": "mood", "value": f"v{number}"})
    result = harness(tmp_path, "import", str(pairs.finish()))
    assert_refused(result, 12, "'mood' is no attribute", "(and 2 more)", "nothing was taken in")
    assert sum(line.startswith("line 1") for line in result.stderr.splitlines()) == 3
    assert not (tmp_path / "benchmark_data").exists()


@pytest.mark.parametrize("name", ["recipes", "Über", "../x"])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    pairs = write_pairs(tmp_path / "pairs").finish()
    result = harness(tmp_path, "import", str(pairs), "--name", name)
    assert_refused(result, 15, "can't be a benchmark's name")


def test_the_name_of_a_recipe_is_not_for_pairs(tmp_path):
    pairs = write_pairs(tmp_path / "pairs").finish()
    recipes = tmp_path / "benchmark_data" / "recipes"
    recipes.mkdir(parents=True)
    (recipes / "harbour.toml").write_text("")
    assert_refused(harness(tmp_path, "import", str(pairs)), 15, "is the name of a recipe", "--name")
