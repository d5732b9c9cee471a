"""Frozen prompts in a build: they are what is said, and belong to their source and its object."""

import pytest
from benchmark_fakes import RECIPE, build_request, write_recipe

from harness.benchmark.build import build_benchmark, find_sources
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import RecipeError
from harness.records.attributes import Edit
from harness.records.prompts import EditPrompt, PromptOrigin, SourcePrompts

FROZEN = RECIPE.replace("[source]", '[prompts]\nfile = "tiny.prompts.jsonl"\n[source]').replace(
    "require_object = false", "require_object = true"
)
EDITS = ("color=violet", "color=blue", "style=sketch", "position=left", "position=right")


def line(name, object_class="car", said="a red car in a street", edits=EDITS):
    """Return the prompts of a source whose object is called `car`."""
    parts = [edit.split("=") for edit in edits]
    return SourcePrompts(
        source_name=name,
        object_class=object_class,
        phrase="car",
        caption=said,
        origin=PromptOrigin.CAPTIONER,
        edits=tuple(
            EditPrompt(
                edit=Edit(attribute=attribute, value=value),
                prompt=f"{value}: {said}",
                origin=PromptOrigin.LANGUAGE_MODEL,
            )
            for attribute, value in parts
        ),
    )


def frozen_request(tmp_path, *lines, **changes):
    loaded = write_recipe(tmp_path / "recipes", text=FROZEN)
    prompts = {prompts.source_name: prompts for prompts in lines}
    return build_request(tmp_path, loaded=loaded, prompts=prompts, **changes)


def build(request):
    return build_benchmark(request, find_sources(request))


def test_a_build_says_what_the_file_says(tmp_path):
    request = frozen_request(tmp_path, line("a-large"), line("b-middling", said="a car"))
    build(request)
    said = {
        (s.source_name, s.edit and str(s.edit)): (s.caption, s.target_prompt)
        for s in BenchmarkFolder(request.folder).samples()
    }
    assert said["a-large", None] == ("a red car in a street", None)
    assert said["a-large", "color=violet"][1] == "violet: a red car in a street"
    assert said["b-middling", "style=sketch"] == ("a car", "sketch: a car")


def test_what_is_said_of_one_source_makes_only_its_edits_anew(tmp_path):
    build(frozen_request(tmp_path, line("a-large"), line("b-middling")))
    changed = frozen_request(tmp_path, line("a-large"), line("b-middling", said="my car"))
    assert build(changed).counts.kept_sources == 1


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((line("a-large"),), "says nothing of b-middling"),
        (
            (line("a-large"), line("b-middling", object_class="bicyclist")),
            "speaks of the bicyclist in b-middling, and the recipe selects the car",
        ),
        (
            (line("a-large"), line("b-middling", object_class=None)),
            "speaks of no object in b-middling",
        ),
        (
            (line("a-large"), line("b-middling", edits=EDITS[1:])),
            "has no prompt of color=violet for b-middling",
        ),
    ],
)
def test_a_file_that_does_not_fit_its_source_is_refused_before_any_edit(tmp_path, lines, words):
    request = frozen_request(tmp_path, *lines)
    with pytest.raises(RecipeError, match=words) as refused:
        build(request)
    assert not request.folder.exists()
    assert "harness write-prompts --complete" in refused.value.remedy


def test_lines_of_sources_that_are_not_taken_are_told(tmp_path, caplog):
    build(frozen_request(tmp_path, *(line(n) for n in ("a-large", "b-middling", "gone", "lost"))))
    assert "speaks of 2 sources that are not taken, as gone" in caplog.text
