import json

import pytest

from harness.dataset.prompt_file import (
    load_prompts,
    prompt_path,
    read_prompts,
    source_line,
    write_prompts,
)
from harness.errors import RecipeError
from harness.records.attributes import Attribute
from harness.records.prompts import (
    CaptionerSpec,
    EditPrompt,
    PromptFileHeader,
    PromptOrigin,
    PromptSpec,
    SourcePrompts,
)
from harness.records.recipe import EditGroup, ProceduralEditorSpec, Recipe
from harness.records.source import SourceAdapter, SourceSpec

SPEC = PromptSpec(file="tiny.prompts.jsonl")
RECIPE = Recipe(
    name="tiny",
    title="Tiny",
    description="For tests.",
    license="CC0-1.0",
    seed=7,
    qualifying_miou=0.1,
    source=SourceSpec(adapter=SourceAdapter.VOC, split="val", label_space="voc"),
    prompts=SPEC,
    editor=ProceduralEditorSpec(algorithm=1),
    edits=(
        EditGroup(attribute=Attribute.COLOR, values=("violet",)),
        EditGroup(attribute=Attribute.WEATHER, values=("snowy",)),
    ),
)
HEADER = PromptFileHeader(recipe="tiny", seed=7, spec=SPEC, harness_version="1")
VIOLET, SNOWY = RECIPE.all_edits()


def prompts(name, *, noun="car", has_object=True):
    said = {VIOLET: f"a photo of a violet {noun}", SNOWY: f"a photo of a {noun} on a snowy day"}
    return SourcePrompts(
        source_name=name,
        object_class=noun if has_object else None,
        phrase=noun if has_object else None,
        caption=f"a photo of a {noun}",
        origin=PromptOrigin.TEMPLATE,
        edits=tuple(
            EditPrompt(edit=edit, prompt=text, origin=PromptOrigin.TEMPLATE)
            for edit, text in said.items()
        ),
    )


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "tiny.prompts.jsonl"
    write_prompts(file, HEADER, [prompts("été"), prompts("b", has_object=False), prompts("a")])
    return file


def changed(path, line, change):
    """Apply `change` to one line's JSON, counted from 1 as an editor does."""
    lines = path.read_text(encoding="utf-8").splitlines()
    value = json.loads(lines[line - 1])
    change(value)
    lines[line - 1] = json.dumps(value, ensure_ascii=False)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def refused(path, *words):
    with pytest.raises(RecipeError) as caught:
        load_prompts(path, RECIPE)
    for word in words:
        assert word in str(caught.value)
    assert "--replace" in caught.value.remedy


def test_what_was_written_is_read(path):
    found = load_prompts(path, RECIPE)
    assert found.header == HEADER
    assert list(found.sources) == ["a", "b", "été"]
    assert found.by_name("été") == prompts("été")
    assert found.by_name("c") is None
    assert read_prompts(path, RECIPE, check=lambda _: None) == found.sources


def test_it_stands_beside_the_recipe(tmp_path):
    assert prompt_path(tmp_path / "x.toml", RECIPE) == tmp_path / "tiny.prompts.jsonl"
    unnamed = RECIPE.model_copy(update={"prompts": PromptSpec()})
    assert prompt_path(tmp_path / "x.toml", unnamed) == tmp_path / "tiny.prompts.jsonl"


def test_lines_are_for_people(path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) == 4
    assert "été" in text
    keys = ["source_name", "object_class", "caption", "phrase", "origin", "edits"]
    assert list(json.loads(lines[1])) == keys
    assert list(json.loads(lines[1])["edits"][0]) == ["edit", "prompt", "origin"]
    reasoned = prompts("a").model_copy(update={"reason": "why"})
    assert list(json.loads(source_line(reasoned))) == [*keys[:5], "reason", "edits"]


def test_a_line_that_a_person_changed_is_valid(path):
    def change(line):
        line["caption"], line["phrase"] = "two old Cars", "Cars"
        line["origin"] = "edited"
        line["edits"][0].update(prompt="two violet  cars", origin="edited")
        line["edits"][1]["prompt"] = "cars on a snowy day"

    changed(path, 2, change)
    path.write_text("\ufeff" + path.read_text(encoding="utf-8").replace("\n", "\r\n"), "utf-8")
    found = load_prompts(path, RECIPE).sources["a"]
    assert found.edits[0].prompt == "two violet  cars"
    assert found.origin is PromptOrigin.EDITED


def test_an_empty_line_is_no_line(path):
    path.write_text(path.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    assert len(load_prompts(path, RECIPE).sources) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda line: line.pop("caption"), "line 2: caption: Field required"),
        (lambda line: line.update(mood="glad"), "line 2: mood: Extra inputs"),
        (lambda line: line.update(origin="me"), "line 2: origin: Input should be"),
        (lambda line: line["edits"][0]["edit"].update(attribute="mood"), "edits.0.edit.attribute"),
        (lambda line: line["edits"][0].update(prompt=""), "line 2: edits.0.prompt"),
        (lambda line: line.update(caption="a photo of a carpet"), "caption: the phrase 'car'"),
        (lambda line: line.update(phrase="bus"), "a: caption: the phrase 'bus' does not occur"),
        (lambda line: line.update(phrase=None), "a: phrase: there is none, and the object is a"),
        (lambda line: line.update(caption="a car\nor two"), "caption: it is not one line"),
        (lambda line: line["edits"].pop(), "a: edits: weather=snowy has no prompt"),
        (lambda line: line["edits"].append(line["edits"][0]), "edits: color=violet stands twice"),
        (
            lambda line: line["edits"][0]["edit"].update(value="pink"),
            "edits: color=pink is no edit of the recipe",
        ),
        (
            lambda line: line["edits"][1].update(prompt="a violet truck"),
            "a: edits: weather=snowy: the phrase 'car' does not occur in 'a violet truck'",
        ),
        (lambda line: line["edits"][0].update(prompt="  "), "color=violet: it is not one line"),
        (lambda line: line.update(source_name="b"), "line 3: source_name: 'b' stands twice"),
    ],
)
def test_a_wrong_line_is_named_with_its_key(path, change, said):
    changed(path, 2, change)
    refused(path, str(path), said)


def test_a_fault_that_is_handed_in_names_the_line(path):
    def check(line):
        return "caption: it is long" if line.source_name == "b" else None

    with pytest.raises(RecipeError, match="line 3: b: caption: it is long") as caught:
        read_prompts(path, RECIPE, check=check)
    assert "--replace" in caught.value.remedy


def test_prompts_of_a_source_without_an_object_need_no_phrase(path):
    changed(path, 3, lambda line: line["edits"][1].update(prompt="a street on a snowy day"))
    assert load_prompts(path, RECIPE).sources["b"].phrase is None


def test_a_line_that_is_no_json_is_named(path):
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    refused(path, "line 4: Invalid JSON")


def test_prompts_of_another_recipe_or_way_are_refused(path):
    with pytest.raises(RecipeError, match="holds the prompts of 'tiny', not of 'other'"):
        load_prompts(path, RECIPE.model_copy(update={"name": "other"}))
    longer = SPEC.model_copy(update={"max_tokens": 256})
    with pytest.raises(RecipeError, match="line 1: spec: "):
        load_prompts(path, RECIPE.model_copy(update={"prompts": longer}))


def test_what_the_recipe_pinned_since_must_have_written_it(tmp_path):
    file = tmp_path / "tiny.prompts.jsonl"
    spec = PromptSpec(
        captions="captioner", captioner=CaptionerSpec(model="any/model"), file=file.name
    )
    header = HEADER.model_copy(update={"spec": spec, "captioner_files": {"config.json": "1" * 64}})
    write_prompts(file, header, [prompts("a")])

    def pinned(digest):
        captioner = spec.captioner.model_copy(update={"files": {"config.json": digest}})
        return RECIPE.model_copy(
            update={"prompts": spec.model_copy(update={"captioner": captioner})}
        )

    assert list(load_prompts(file, pinned("1" * 64)).sources) == ["a"]
    with pytest.raises(RecipeError, match=r"captioner_files: config\.json was not the file"):
        load_prompts(file, pinned("2" * 64))


def test_a_file_without_a_header_is_refused(path):
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[1:]), encoding="utf-8")
    refused(path, "line 1: ")
    path.write_text("", encoding="utf-8")
    refused(path, "line 1: the file is empty")


def test_a_missing_file_says_how_it_is_written(tmp_path):
    with pytest.raises(RecipeError, match="the prompts of tiny are not written yet") as caught:
        load_prompts(tmp_path / "none.jsonl", RECIPE)
    assert "harness write-prompts tiny" in caught.value.remedy


def test_what_is_no_text_is_refused(path):
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="no UTF-8 text"):
        load_prompts(path, RECIPE)


def test_a_file_that_cannot_be_written_leaves_what_stood_there(path):
    before = path.read_bytes()

    def broken():
        yield prompts("a")
        msg = "a broken image"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="a broken image"):
        write_prompts(path, HEADER, broken())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
