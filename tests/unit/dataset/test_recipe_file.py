from pathlib import Path

import pytest

from harness.dataset.recipe_file import load_recipe, recipe_names
from harness.editing.procedural.values import VALUES
from harness.errors import RecipeError
from harness.records.attributes import Attribute

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
    return load_recipe("tiny", tmp_path, values=VALUES, algorithm=1)


def test_a_recipe_is_found_by_name_and_by_path(tmp_path):
    loaded = load(tmp_path)
    assert loaded.recipe.edits[0].attribute is Attribute.COLOR
    assert loaded.label_space.name == "camvid"
    assert loaded.lock_path == tmp_path / "tiny.lock.json"
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(TEXT)
    assert load_recipe(str(elsewhere), RECIPES, values=VALUES, algorithm=1).recipe == loaded.recipe


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
        load_recipe("c", tmp_path, values=VALUES, algorithm=1)
    assert caught.value.remedy == "Known recipes: a, b."
    with pytest.raises(RecipeError, match=r"no recipe '\.\./a'"):
        load_recipe("../a", tmp_path, values=VALUES, algorithm=1)
    with pytest.raises(RecipeError, match="no recipe file"):
        load_recipe(str(tmp_path / "c.toml"), tmp_path, values=VALUES, algorithm=1)


def test_the_recipes_folder_is_no_benchmark(tmp_path):
    (tmp_path / "x.toml").write_text(TEXT.replace('"tiny"', '"recipes"'))
    with pytest.raises(RecipeError, match="'recipes' is taken"):
        load_recipe(str(tmp_path / "x.toml"), tmp_path, values=VALUES, algorithm=1)


def test_binary_is_no_recipe(tmp_path):
    (tmp_path / "tiny.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match="no UTF-8 text"):
        load_recipe("tiny", tmp_path, values=VALUES, algorithm=1)


@pytest.mark.parametrize("name", recipe_names(RECIPES))
def test_the_repositorys_recipes_can_be_built(name):
    loaded = load_recipe(name, RECIPES, values=VALUES, algorithm=1)
    assert loaded.recipe.source.description


def test_camvid_asks_what_the_issue_asks():
    recipe = load_recipe("camvid", RECIPES, values=VALUES, algorithm=1).recipe
    by_attribute = {group.attribute.value: group for group in recipe.edits}
    assert set(by_attribute) == {"color", "material", "style", "weather", "size", "position"}
    assert recipe.selection.classes == ("car", "bicyclist")
    assert not recipe.publish_images
