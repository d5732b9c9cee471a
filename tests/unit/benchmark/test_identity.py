import hashlib
import json

import pytest
from benchmark_fakes import RECIPE, write_recipe

from harness.benchmark.identity import edit_seed, pixels_digest, sample_id
from harness.records.attributes import Attribute, Edit

VIOLET = Edit(attribute=Attribute.COLOR, value="violet")
BLUE = Edit(attribute=Attribute.COLOR, value="blue")


def recipe(tmp_path, *change):
    return write_recipe(tmp_path, text=RECIPE.replace(*change) if change else RECIPE).recipe


def test_ids_and_seeds_are_digests_of_recipe_source_and_edit(tmp_path):
    tiny = recipe(tmp_path)
    identity = json.dumps([7, "tiny", "a", "color", "violet"], separators=(",", ":"))[1:]
    expected = hashlib.sha256(f'["sample",{identity}'.encode()).hexdigest()
    assert sample_id(tiny, "a", VIOLET) == expected[:16]
    expected = hashlib.sha256(f'["seed",{identity}'.encode()).hexdigest()
    assert edit_seed(tiny, "a", VIOLET) == int(expected[:13], 16) < 2**53


def test_ids_and_seeds_differ_by_everything_that_makes_them(tmp_path):
    tiny, other = recipe(tmp_path), recipe(tmp_path, "seed = 7", "seed = 8")
    ids = {
        sample_id(tiny, "a", None),
        sample_id(tiny, "a", VIOLET),
        sample_id(tiny, "a", BLUE),
        sample_id(tiny, "b", VIOLET),
        sample_id(other, "a", VIOLET),
    }
    assert len(ids) == 5
    assert edit_seed(tiny, "a", VIOLET) != edit_seed(tiny, "a", BLUE)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('title = "Tiny"', 'title = "Other"', True),
        ("Ask the tests.", "Ask nobody.", True),
        ("qualifying_miou = 0.1", "qualifying_miou = 0.2", True),
        ("seed = 7", "seed = 8", False),
        ("require_object = false", "require_object = true", False),
        ("algorithm = 1", "algorithm = 1\nstrength = 0.5", False),
        ("amount = 0.2", "amount = 0.3", False),
        ('split = "test"', 'split = "val"', False),
    ],
)
def test_work_is_shared_only_by_recipes_of_the_same_pixels(tmp_path, old, new, same):
    digests = {pixels_digest(recipe(tmp_path)), pixels_digest(recipe(tmp_path, old, new))}
    assert (len(digests) == 1) is same
