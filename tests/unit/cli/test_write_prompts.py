import csv
import io
import json

import numpy as np
import pytest
from command_line import answer, assert_refused, harness

from harness.checkpoints.quiet import quiet_transformers
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.prompting.tiny_models import make_tiny_captioner, make_tiny_chat_model

RECIPE = """
name = "tiny"
title = "Tiny"
description = "For tests."
license = "CC0-1.0"
seed = 7
qualifying_miou = 0.1
[source]
adapter = "camvid"
split = "test"
root = "../../sources"
label_space = "camvid"
[selection]
classes = ["car", "bicyclist"]
min_object_fraction = 0.05
require_object = false
[editor]
algorithm = 1
[[edits]]
attribute = "color"
values = ["violet"]
[[edits]]
attribute = "weather"
values = ["snowy"]
[prompts]
"""
BY_MODELS = """
captions = "captioner"
edits = "language-model"
file = "tiny.prompts.jsonl"
[prompts.captioner]
model = "any/captioner"
max_new_tokens = 8
[prompts.language_model]
model = "any/chat"
max_new_tokens = 8
tries = 1
"""


@pytest.fixture
def workspace(tmp_path):
    """A workspace with the recipe `tiny` by template, and two sources of which one has a car."""
    recipes = tmp_path / "benchmark_data" / "recipes"
    recipes.mkdir(parents=True)
    (recipes / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    for name, pixels in (("car", 200), ("none", 0)):
        label = np.full((24, 32), 3, np.uint8)
        label.reshape(-1)[:pixels] = 8
        image = np.full((24, 32, 3), 90, np.uint8)
        for kind, data in (("images", encode_rgb_png(image)), ("labels", encode_gray_png(label))):
            folder = tmp_path / "sources" / "test" / kind
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.png").write_bytes(data)
    return tmp_path


@pytest.fixture
def by_models(workspace):
    """The same with captions and target prompts by models."""
    path = workspace / "benchmark_data" / "recipes" / "tiny.toml"
    path.write_text(RECIPE + BY_MODELS, encoding="utf-8")
    return workspace


def prompts_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def beside(workspace):
    return workspace / "benchmark_data" / "recipes" / "tiny.prompts.jsonl"


def test_templates_are_frozen_without_a_model(workspace):
    result = harness(workspace, "write-prompts", "tiny", "--workers", "0")
    assert result.returncode == 0, result.stderr
    assert "prompts of 2 sources" in result.stdout
    assert 'add `file = "tiny.prompts.jsonl"` to [prompts]' in result.stderr
    header, car, none = prompts_of(beside(workspace))
    assert header["packages"] == {}
    assert car["caption"] == "a photo of a car"
    assert car["edits"][1]["prompt"] == "a photo of a car on a snowy day"
    assert (none["object_class"], none["caption"]) == (None, "a photo of a street")


def test_what_was_reviewed_is_not_overwritten_unless_asked(workspace):
    beside(workspace).write_text("reviewed", encoding="utf-8")
    refused = harness(workspace, "write-prompts", "tiny", "--workers", "0")
    assert_refused(refused, 4, "someone may have reviewed them", "--replace")
    assert beside(workspace).read_text(encoding="utf-8") == "reviewed"
    report = answer(workspace, "write-prompts", "tiny", "--workers", "0", "--replace")
    assert report["captions"] == {"template": 2}
    assert len(prompts_of(beside(workspace))) == 3


def test_another_recipes_prompts_are_never_overwritten(workspace):
    recipes = workspace / "benchmark_data" / "recipes"
    assert harness(workspace, "write-prompts", "tiny", "--workers", "0").returncode == 0
    kept = beside(workspace).read_bytes()
    text = RECIPE.replace('name = "tiny"', 'name = "copy"') + 'file = "tiny.prompts.jsonl"\n'
    (recipes / "copy.toml").write_text(text, encoding="utf-8")
    for option in ("--replace", "--complete"):
        refused = harness(workspace, "write-prompts", "copy", "--workers", "0", option)
        assert_refused(refused, 4, "holds the prompts of 'tiny', not of 'copy'", "prompts.file")
    assert beside(workspace).read_bytes() == kept
    built = harness(workspace, "build-benchmark", "copy", "--workers", "0")
    assert_refused(built, 4, "holds the prompts of 'tiny'", "copy.prompts.jsonl")


def test_completing_writes_what_is_missing_and_keeps_what_a_person_wrote(workspace):
    recipe = workspace / "benchmark_data" / "recipes" / "tiny.toml"
    recipe.write_text(RECIPE + 'file = "tiny.prompts.jsonl"\n', encoding="utf-8")
    assert harness(workspace, "write-prompts", "tiny", "--workers", "0").returncode == 0
    header, car, _ = beside(workspace).read_text(encoding="utf-8").splitlines()
    mine = car.replace('a photo of a car"', 'my old car"')
    beside(workspace).write_text(f"{header}\n{mine}\n", encoding="utf-8")
    refused = harness(workspace, "build-benchmark", "tiny", "--workers", "0")
    assert_refused(refused, 4, "says nothing of none", "--complete")

    report = answer(workspace, "write-prompts", "tiny", "--workers", "0", "--complete")
    assert report["sources"] == 2
    lines = beside(workspace).read_text(encoding="utf-8").splitlines()
    assert lines[1] == mine
    assert json.loads(lines[2])["source_name"] == "none"
    assert harness(workspace, "build-benchmark", "tiny", "--workers", "0").returncode == 0


def test_a_key_of_the_recipe_that_changed_since_is_named(workspace):
    recipe = workspace / "benchmark_data" / "recipes" / "tiny.toml"
    recipe.write_text(RECIPE + 'file = "tiny.prompts.jsonl"\n', encoding="utf-8")
    assert harness(workspace, "write-prompts", "tiny", "--workers", "0").returncode == 0
    # A captioner that is named and not asked makes no difference.
    idle = 'file = "tiny.prompts.jsonl"\n[prompts.captioner]\nmodel = "any/captioner"\n'
    recipe.write_text(RECIPE + idle, encoding="utf-8")
    assert harness(workspace, "build-benchmark", "tiny", "--workers", "0").returncode == 0
    recipe.write_text(RECIPE + 'file = "tiny.prompts.jsonl"\nmax_tokens = 60\n', encoding="utf-8")
    refused = harness(workspace, "build-benchmark", "tiny", "--workers", "0")
    assert_refused(refused, 4, "the recipe says otherwise now: prompts.max_tokens")


def test_a_dry_run_goes_all_the_way_and_touches_nothing(by_models):
    arguments = ("write-prompts", "tiny", "--dry-run", "--workers", "0", "--device", "cpu")
    result = harness(by_models, *arguments, "--format", "csv")
    assert result.returncode == 0, result.stderr
    assert "DRY RUN" in result.stderr
    # 2 captions and 3 prompts: of the source without an object only the weather's is asked for
    assert "WARNING: 5 of 6 texts fell back" in result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["text"], row["written by"], row["number"]) for row in rows] == [
        ("caption", "fallback", "2"),
        ("target prompt", "template", "1"),
        ("target prompt", "fallback", "3"),
    ]
    assert not beside(by_models).exists()
    header, car, _ = prompts_of(by_models / ".cache" / "prompts" / "tiny.prompts.jsonl")
    assert header["spec"]["captioner"]["model"] == "tiny"
    assert car["edits"][0]["prompt"] == "a photo of a violet car"
    assert car["edits"][0]["origin"] == "fallback"


def test_models_in_folders_are_loaded_and_recorded(by_models):
    captioner, chat = make_tiny_captioner(), make_tiny_chat_model()
    with quiet_transformers():
        for part in (captioner.model, captioner.processor):
            part.save_pretrained(by_models / "captioner")
        for part in (chat.model, chat.tokenizer):
            part.save_pretrained(by_models / "chat")
    report = answer(
        by_models,
        *("write-prompts", "tiny", "--workers", "0", "--device", "cpu"),
        *("--captioner", str(by_models / "captioner")),
        *("--language-model", str(by_models / "chat")),
    )
    assert report["sources"] == 2
    assert not report["meaningless"]
    header = prompts_of(beside(by_models))[0]
    assert "model.safetensors" in header["captioner_files"]
    assert "tokenizer.json" in header["language_model_files"]
    assert header["packages"]["transformers"]


def test_a_model_that_is_nowhere_is_named_with_the_option(by_models):
    missing = ("--captioner", str(by_models / "none"))
    result = harness(by_models, "write-prompts", "tiny", "--workers", "0", *missing)
    assert_refused(result, 17, "none is no folder", "--captioner DIR")


def test_a_missing_gpu_is_named(by_models):
    result = harness(
        by_models, "write-prompts", "tiny", "--workers", "0", "--device", "cuda:99", "--dry-run"
    )
    assert_refused(result, 18, "there is no device cuda:99", "--device cpu")


def test_options_for_models_that_are_not_asked_for_are_refused(workspace):
    for option in ("--captioner", "--language-model", "--device"):
        result = harness(workspace, "write-prompts", "tiny", option, "x")
        assert result.returncode == 2
        assert "ask for no such model" in result.stderr


def test_a_dry_run_takes_no_model_by_name(by_models):
    for option in ("--captioner", "--language-model"):
        result = harness(by_models, "write-prompts", "tiny", "--dry-run", option, "NOWHERE")
        assert result.returncode == 2
        assert f"{option} NOWHERE: --dry-run uses random models" in result.stderr
    assert not (by_models / ".cache" / "prompts").exists()


def test_a_prompt_that_a_person_made_too_long_is_named_before_the_build(workspace):
    path = workspace / "benchmark_data" / "recipes" / "tiny.toml"
    path.write_text(RECIPE + 'file = "tiny.prompts.jsonl"\n', encoding="utf-8")
    assert harness(workspace, "write-prompts", "tiny", "--workers", "0").returncode == 0
    lines = beside(workspace).read_text(encoding="utf-8")
    said = "a photo of a violet car"
    beside(workspace).write_text(lines.replace(said, said + " and" * 80), encoding="utf-8")
    result = harness(workspace, "build-benchmark", "tiny", "--workers", "0")
    assert_refused(result, 4, "line 2: car: edits: color=violet: too-long: it takes up to 90")


def test_an_unknown_recipe_and_missing_sources_are_named(workspace):
    assert_refused(harness(workspace, "write-prompts", "none"), 4, "there is no recipe 'none'")
    result = harness(workspace, "write-prompts", "tiny", "--source", str(workspace / "gone"))
    assert_refused(result, 12, "gone")
