"""A recipe's dry run: another benchmark, of random weights, with everything else as it was."""

from dataclasses import replace

import pytest

from harness.cli.dry_run import dry_run
from harness.cli.recipe_editors import known_editors
from harness.cli.workspace import Workspace
from harness.dataset.recipe_check import recipe_faults
from harness.dataset.recipe_file import LoadedRecipe, load_recipe, recipe_names
from harness.records.acceptance import AcceptanceRule, NoiseModelKind, NoiseRule
from harness.records.prompts import PromptSpec
from harness.records.recipe import Recipe

DATA_SETS = ("ade20k-ea", "camvid-ea", "cityscapes-ea", "coco-ea", "pascal-ea")


@pytest.fixture
def recipes(pytestconfig):
    return Workspace(root=pytestconfig.rootpath).recipes


def dried(recipes, name):
    loaded = load_recipe(name, recipes, known=known_editors())
    return loaded.recipe, dry_run(loaded).recipe


def test_each_data_set_of_the_paper_has_a_recipe(recipes):
    assert set(DATA_SETS) <= set(recipe_names(recipes))


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_dry_run_is_a_valid_recipe_of_the_same_sources_and_edits(recipes, name):
    real, dry = dried(recipes, name)
    assert Recipe.model_validate(dry.model_dump()) == dry
    label_space = load_recipe(name, recipes, known=known_editors()).label_space
    assert list(recipe_faults(dry, label_space, known_editors())) == []
    assert dry.name == f"{name}-tiny"
    assert dry.title.startswith("DRY RUN")
    for same in ("source", "selection", "edits", "seed", "license", "citation"):
        assert getattr(dry, same) == getattr(real, same)


@pytest.mark.parametrize("name", DATA_SETS)
def test_no_real_model_is_left_in_it_and_nobody_qualifies(recipes, name):
    _, dry = dried(recipes, name)
    assert (dry.editor.model, dry.editor.geometry_model) == ("tiny", "tiny")
    assert (dry.editor.files, dry.editor.geometry_files) == ({}, {})
    assert dry.acceptance.clip.model == "tiny"
    noise = dry.acceptance.noise
    assert noise is None or (noise.kind is NoiseModelKind.TRANSFORMERS and noise.model == "tiny")
    assert dry.prompts.file is None
    assert dry.qualifying_miou == 1.0
    assert not dry.publish_images


def test_a_submission_that_filters_noise_becomes_a_random_model_too(recipes):
    loaded = load_recipe("mini", recipes, known=known_editors())
    rule = NoiseRule(
        kind=NoiseModelKind.SUBMISSION,
        model="mini-unet",
        files={"image": "sha256:" + "1" * 64},
        class_map={"car": "bus"},
        max_voided_fraction=0.5,
        margin=1.5,
    )
    real = loaded.recipe.model_copy(update={"acceptance": AcceptanceRule(noise=rule)})

    dry = dry_run(LoadedRecipe(recipe=real, path=loaded.path, label_space=loaded.label_space))

    assert dry.recipe.acceptance.noise == NoiseRule(
        kind=NoiseModelKind.TRANSFORMERS, model="tiny", margin=1.5
    )


def test_prompts_that_are_written_are_taken_and_others_are_the_templates(recipes, tmp_path, caplog):
    spec = PromptSpec(file="pascal-ea.prompts.jsonl")
    loaded = load_recipe("pascal-ea", recipes, known=known_editors())
    frozen = loaded.recipe.model_copy(update={"prompts": spec})
    asked = replace(loaded, recipe=frozen, path=tmp_path / "pascal-ea.toml")
    assert dry_run(asked).recipe.prompts == PromptSpec()
    assert "pascal-ea.prompts.jsonl is not written yet" in caplog.text
    (tmp_path / "pascal-ea.prompts.jsonl").touch()
    assert dry_run(asked).recipe.prompts == spec


def test_a_long_name_is_cut_rather_than_invalid(recipes):
    loaded = load_recipe("pascal-ea", recipes, known=known_editors())
    long = loaded.recipe.model_copy(update={"name": "x" * 64})
    name = dry_run(
        type(loaded)(recipe=long, path=loaded.path, label_space=loaded.label_space)
    ).recipe.name
    assert name == "x" * 59 + "-tiny"


@pytest.mark.parametrize("name", DATA_SETS)
def test_each_recipe_says_what_to_download_its_licence_and_the_hours(recipes, name):
    text = (recipes / f"{name}.toml").read_text()
    recipe, _ = dried(recipes, name)
    for words in (f"harness build-benchmark {name} --source", "GB", "hours", "2.1-base"):
        assert words in text
    assert len(recipe.source.description) > 80
    assert recipe.citation
    assert "not to be republished" in recipe.license
    assert not recipe.publish_images
