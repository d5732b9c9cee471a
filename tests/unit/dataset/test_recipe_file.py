from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.recipe_editors import known_editors
from harness.dataset.recipe_check import KnownEditors, RecipeFault
from harness.dataset.recipe_file import load_recipe, recipe_names
from harness.editing.procedural.values import VALUES
from harness.errors import RecipeError
from harness.records.attributes import Attribute
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.recipe import ProceduralEditorSpec, Recipe

KNOWN = KnownEditors(
    values=VALUES, algorithm=1, models=("small", "tiny"), geometry_models=("holes",)
)
RECIPES = Path(__file__).resolve().parents[3] / "benchmark_data" / "recipes"
TEXT = """\
name = "tiny"
title = "Tiny"
description = "d"
license = "CC0-1.0"
seed = 7
qualifying_miou = 0.1

[source]
adapter = "camvid"
label_space = "camvid"

[selection]
classes = ["car"]

[editor]
algorithm = 1

[[edits]]
attribute = "color"
values = ["violet"]

[[edits]]
attribute = "size"
values = ["larger"]
amount = 0.2
"""


def load(tmp_path, *changes):
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "tiny.toml").write_text(text)
    return load_recipe("tiny", tmp_path, known=KNOWN)


def test_a_recipe_is_found_by_name_and_by_path(tmp_path):
    loaded = load(tmp_path)
    assert loaded.recipe.edits[0].attribute is Attribute.COLOR
    assert loaded.label_space.name == "camvid"
    assert loaded.lock_path == tmp_path / "tiny.lock.json"
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(TEXT)
    assert load_recipe(str(elsewhere), RECIPES, known=KNOWN).recipe == loaded.recipe


def test_the_source_root_is_relative_to_the_recipe(tmp_path):
    assert load(tmp_path).source_root() is None
    loaded = load(tmp_path, ('label_space = "camvid"', 'label_space = "camvid"\nroot = "../s"'))
    assert loaded.source_root() == tmp_path.parent / "s"


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "remedy"),
    [
        ("seed = 7", "sead = 7", 5, "unknown key 'sead' in the file", "seed"),
        ("classes = [", "klasses = [", 13, "unknown key 'klasses' in selection", "classes"),
        ("amount = 0.2", "amuont = 0.2", 25, "unknown key 'amuont' in edits[2]", "amount"),
        ('"color"', '"colour"', 19, "edits[1].attribute: 'colour' is not allowed", "'color'"),
        ('["violet"]', '["mauve"]', 20, "color has no value 'mauve'", "violet, pink, blue"),
        ('["violet"]', '["Violet"]', 20, "color has no value 'Violet'", "violet, pink, blue"),
        ('["violet"]', '["violet", "violet"]', 20, "a value of color stands twice", "Remove"),
        ('"size"', '"color"', None, "an attribute stands in one", "Correct"),
        ('["car"]', '["cat"]', 13, "camvid has no class 'cat'", "sky, building"),
        ('space = "camvid"', 'space = "ade"', 10, "no label space 'ade'", "voc"),
        ('adapter = "camvid"', 'adapter = "coco"', 9, "'coco' is not allowed", "'scenes'"),
        ("seed = 7", "seed = -1", 5, "seed: -1", "Correct"),
        ("seed = 7", "", None, "seed is missing", "Correct"),
        ("seed = 7", "seed = ", None, "is no TOML", "Correct"),
        ('name = "tiny"', 'name = "big"', 1, "it names itself 'big'", "Rename"),
        ("algorithm = 1", 'kind = "magic"\nalgorithm = 1', 16, "'magic' is not allowed", "'proc"),
        ("algorithm = 1", "algorithm = 99", 16, "paints with algorithm 1, not 99", "Set it to 1"),
        ('"camvid"\nlabel', '"scenes"\nsplit = "test"\nlabel', 8, "no split 'test'", "Correct"),
    ],
)
def test_what_can_not_be_built_is_named_on_one_line(tmp_path, old, new, line, message, remedy):
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, (old, new))
    assert message in str(caught.value)
    assert remedy in caught.value.remedy
    assert "\n" not in caught.value.one_line()
    if line is not None:
        assert f"tiny.toml, line {line}: " in str(caught.value)


def test_only_geometry_takes_an_amount(tmp_path):
    with pytest.raises(RecipeError, match="line 21: color takes no amount"):
        load(tmp_path, ('values = ["violet"]', 'values = ["violet"]\namount = 0.2'))


def test_an_unknown_recipe_lists_the_known(tmp_path):
    (tmp_path / "a.toml").write_text(TEXT)
    (tmp_path / "b.toml").write_text(TEXT)
    assert recipe_names(tmp_path) == ("a", "b")
    with pytest.raises(RecipeError, match="no recipe 'c'") as caught:
        load_recipe("c", tmp_path, known=KNOWN)
    assert caught.value.remedy == "Known recipes: a, b."
    with pytest.raises(RecipeError, match=r"no recipe '\.\./a'"):
        load_recipe("../a", tmp_path, known=KNOWN)
    with pytest.raises(RecipeError, match="no recipe file"):
        load_recipe(str(tmp_path / "c.toml"), tmp_path, known=KNOWN)


def test_the_recipes_folder_is_no_benchmark(tmp_path):
    (tmp_path / "x.toml").write_text(TEXT.replace('"tiny"', '"recipes"'))
    with pytest.raises(RecipeError, match="'recipes' is taken"):
        load_recipe(str(tmp_path / "x.toml"), tmp_path, known=KNOWN)


def test_binary_is_no_recipe(tmp_path):
    (tmp_path / "tiny.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match="no UTF-8 text"):
        load_recipe("tiny", tmp_path, known=KNOWN)


@pytest.mark.parametrize("name", recipe_names(RECIPES))
def test_the_repositorys_recipes_can_be_built(name):
    loaded = load_recipe(name, RECIPES, known=known_editors())
    assert loaded.recipe.source.description


def test_random_weights_are_ranked_and_shown_by_nobody():
    for name in recipe_names(RECIPES):
        recipe = load_recipe(name, RECIPES, known=known_editors()).recipe
        if isinstance(recipe.editor, DiffusionEditorSpec) and recipe.editor.model == "tiny":
            assert not recipe.publish_images
            assert recipe.qualifying_miou == 1
            assert "mean nothing" in recipe.title


def test_camvid_asks_what_the_issue_asks():
    recipe = load_recipe("camvid", RECIPES, known=KNOWN).recipe
    by_attribute = {group.attribute.value: group for group in recipe.edits}
    assert set(by_attribute) == {"color", "material", "style", "weather", "size", "position"}
    assert recipe.selection.classes == ("car", "bicyclist")
    assert not recipe.publish_images


DIFFUSION = """\
[editor]
kind = "diffusion"
model = "small"
geometry_model = "holes"
steps = 20

[editor.mask_guidance]
steps = 5

[editor.files]
"unet/config.json" = "DIGEST"
""".replace("DIGEST", "a" * 64)
FREE = ("[editor]\nalgorithm = 1\n", DIFFUSION)


def test_a_recipe_may_name_the_diffusion_editor_and_any_value(tmp_path):
    recipe = load(tmp_path, FREE, ('["violet"]', '["dark-mauve", "multi"]')).recipe
    assert isinstance(recipe.editor, DiffusionEditorSpec)
    assert (recipe.editor.steps, recipe.editor.mask_guidance.steps) == (20, 5)
    assert recipe.editor.sources_per_batch == 1
    assert [str(edit) for edit in recipe.all_edits()][:2] == ["color=dark-mauve", "color=multi"]


def test_an_editor_without_a_kind_is_the_procedural_one(tmp_path):
    assert load(tmp_path).recipe.editor == ProceduralEditorSpec(algorithm=1)
    named = load(tmp_path, ("algorithm = 1", 'kind = "procedural"\nalgorithm = 1'))
    assert named.recipe == load(tmp_path).recipe


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "remedy"),
    [
        ("steps = 20", "stepz = 20", 19, "unknown key 'stepz' in editor", "inversion_steps"),
        ("steps = 5", "stepz = 5", 22, "unknown key 'stepz' in editor.mask_g", "max_tries"),
        ("steps = 20", "algorithm = 1", 19, "unknown key 'algorithm' in editor", "preset"),
        ("steps = 20", "steps = 0", 19, "editor.steps: 0: ", "Correct"),
        ("steps = 20", 'preset = "new"', 19, "editor.preset: 'new' is not allowed", "'matched'"),
        ('"diffusion"', '"magic"', 16, "editor.kind: 'magic' is not allowed", "'diffusion'"),
        ('"small"', '"large"', 17, "editor.model: there is no model 'large'", "small, tiny"),
        ('"holes"', '"gaps"', 18, "editor.geometry_model: there is no model 'gaps'", "holes"),
        ("a" * 64, "abc", 25, "digest of 'unet/config.json' is no sha256: 'abc'", "64 lower"),
        ('["violet"]', '["Dark Mauve"]', 29, "'Dark Mauve' is no value", "oil-pastel"),
        ('["violet"]', '["a", "a"]', 29, "a value of color stands twice", "Remove"),
        ('["larger"]', '["huge"]', 33, "size has no value 'huge'", "larger, smaller"),
        ("steps = 20", 'preset = "published"', 19, "through the autoencoder", "min_background_p"),
    ],
)
def test_what_the_diffusion_editor_can_not_do_is_named(tmp_path, old, new, line, message, remedy):
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, FREE, (old, new))
    assert f"tiny.toml, line {line}: " in str(caught.value)
    assert message in str(caught.value)
    assert remedy in caught.value.remedy
    assert "\n" not in caught.value.one_line()


@pytest.mark.parametrize("table", ["editor = 3", 'editor = "diffusion"', "editor = [1]"])
def test_an_editor_that_is_no_table_is_named(tmp_path, table):
    with pytest.raises(RecipeError, match="line 1: editor: "):
        load(
            tmp_path,
            ("[editor]\nalgorithm = 1\n", ""),
            ('name = "tiny"', f'{table}\nname = "tiny"'),
        )


def test_published_is_built_where_the_background_may_change(tmp_path):
    preset = ("steps = 20", 'preset = "published"')
    bound = ("[editor.files]", "[acceptance]\nmin_background_psnr = 20\n[editor.files]")
    assert load(tmp_path, FREE, preset, bound).recipe.acceptance.min_background_psnr == 20


def test_a_hole_that_is_filled_without_a_model_needs_none(tmp_path):
    procedural = ('geometry_model = "holes"', 'geometry_model = "x"\ngeometry = "procedural"')
    load(tmp_path, FREE, procedural)
    still = [('"size"', '"weather"'), ("amount = 0.2", "")]
    load(tmp_path, FREE, ('"holes"', '"gaps"'), *still)


def test_what_only_the_editor_knows_is_asked_of_it(tmp_path):
    fault = RecipeFault(place=("editor", "steps"), what="20 is too few", remedy="Take 21.")
    known = replace(KNOWN, diffusion_fault=lambda spec: fault if spec.steps == 20 else None)
    (tmp_path / "tiny.toml").write_text(TEXT.replace(*FREE))
    with pytest.raises(RecipeError, match=r"tiny.toml, line 19: 20 is too few") as caught:
        load_recipe("tiny", tmp_path, known=known)
    assert caught.value.remedy == "Take 21."


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("mini", "7d2c3a34248866329a51ccba150b28755a043a9007ecde400800d8edd5071398"),
        ("camvid", "4cd9df1ce8d0c39e26df22d021e96e2967bd26ca192b1f86ec898f9f24bd44bc"),
    ],
)
def test_released_recipes_keep_their_digests(name, digest):
    recipe = load_recipe(name, RECIPES, known=KNOWN).recipe
    assert recipe.content_digest() == digest
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_a_bound_of_the_lock_that_is_asked_is_in_the_digest(tmp_path):
    plain = load(tmp_path).recipe
    asked = load(tmp_path, ("[editor]", "[lock]\nmin_object_psnr = 30\n[editor]")).recipe
    assert "min_object_psnr" not in plain.model_dump(mode="json")["lock"]
    assert asked.model_dump(mode="json")["lock"]["min_object_psnr"] == 30
    assert asked.content_digest() != plain.content_digest()


def test_a_label_space_may_be_a_file_beside_the_recipe(tmp_path):
    named = ('label_space = "camvid"', 'label_space = "../spaces/kitchen.txt"')
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (tmp_path / "spaces").mkdir()
    with pytest.raises(RecipeError, match=r"tiny\.toml, line \d+: there is no label space file"):
        load(recipes, named)
    names = tmp_path / "spaces/kitchen.txt"
    names.write_text("background\nmug\n")
    with pytest.raises(RecipeError, match="kitchen has no class 'car'"):
        load(recipes, named)
    names.write_text("background\ncar\ncar\n")
    with pytest.raises(RecipeError, match=r"kitchen\.txt, line 3: 'car' stands in line 2 already"):
        load(recipes, named)
    names.write_text("background\ncar\n")
    space = load(recipes, named).label_space
    assert (space.name, space.by_name("car").id, space.ignore_id) == ("kitchen", 1, 255)
