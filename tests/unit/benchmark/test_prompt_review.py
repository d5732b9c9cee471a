"""What is refused, told and marked in a file of frozen prompts that a person may have changed."""

import pytest

from harness.benchmark.prompts.review import PromptReview, tell_of_prompts
from harness.dataset.label_space import load_label_space
from harness.prompting.edit_writing import CaptionToEdit, prompts_by_rule
from harness.records.attributes import Attribute
from harness.records.prompts import PromptOrigin, PromptSpec, SourcePrompts
from harness.records.recipe import EditGroup, ProceduralEditorSpec, Recipe
from harness.records.source import SourceAdapter, SourceSpec

RECIPE = Recipe(
    name="tiny",
    title="Tiny",
    description="For tests.",
    license="CC0-1.0",
    seed=7,
    qualifying_miou=0.1,
    source=SourceSpec(adapter=SourceAdapter.VOC, split="val", label_space="voc"),
    prompts=PromptSpec(file="tiny.prompts.jsonl", max_tokens=24),
    editor=ProceduralEditorSpec(algorithm=1),
    edits=(
        EditGroup(attribute=Attribute.COLOR, values=("violet",)),
        EditGroup(attribute=Attribute.WEATHER, values=("snowy",)),
        EditGroup(attribute=Attribute.POSITION, values=("left",), amount=0.2),
    ),
)
REVIEW = PromptReview(recipe=RECIPE, label_space=load_label_space("voc"))
CAPTION = "a photo of a car"


def line(caption=CAPTION, *, phrase="car", object_class="car", said=None):
    """Return a source's line by the rule, with the prompts in `said` put in by place."""
    by_rule = prompts_by_rule(
        CaptionToEdit(
            source_name="a",
            caption=caption,
            noun=object_class or "scene",
            phrase=phrase,
            edits=RECIPE.all_edits(),
        )
    )
    edits = [
        edit.model_copy(update={"prompt": (said or {}).get(place, edit.prompt)})
        for place, edit in enumerate(by_rule)
    ]
    return SourcePrompts(
        source_name="a",
        object_class=object_class,
        phrase=phrase,
        caption=caption,
        origin=PromptOrigin.TEMPLATE,
        edits=tuple(edits),
    )


@pytest.mark.parametrize(
    ("prompts", "fault"),
    [
        # 2 marks and 25 words of one token each: 27
        (
            line("car " + "and a " * 12),
            "caption: too-long: it takes up to 27 tokens, and 24 fit",
        ),
        (
            line(said={0: "a violet car " + "very " * 40}),
            "edits: color=violet: too-long: it takes up to 46 tokens, and 24 fit",
        ),
        (line(said={1: "..."}), "edits: weather=snowy: no-sentence: there is no word in it"),
        (line(phrase="photo"), "phrase: 'photo' is the picture, not the car"),
        (line(phrase="a photo"), "phrase: 'a photo' is the picture, not the car"),
        (
            line(said={0: "A photo of a car."}),
            "edits: color=violet: it is the caption again, so nothing would change",
        ),
        (
            line("a car by a violet bus", said={0: "a car by a violet bus"}),
            "edits: color=violet: it is the caption again, so nothing would change",
        ),
        (
            line(said={1: CAPTION}),
            "edits: weather=snowy: it is the caption again, so nothing would change",
        ),
    ],
)
def test_what_no_build_can_use_is_named_with_its_key(prompts, fault):
    assert REVIEW.fault(prompts) == fault


@pytest.mark.parametrize(
    "prompts",
    [
        line(),
        line("two old Beetles", phrase="old Beetles"),
        line("a violet car on a snowy day"),
        line("a car in the snow", said={1: "a car in the snow"}),
        line(said={2: CAPTION}),
        line(object_class=None, phrase=None, said={0: CAPTION}),
        line("a picture of it", object_class=None, phrase=None),
    ],
)
def test_what_a_person_may_write_is_taken(prompts):
    assert REVIEW.fault(prompts) is None


@pytest.mark.parametrize(
    ("prompts", "remarks"),
    [
        (line(), []),
        (line("two old Beetles", phrase="Beetles"), ["a: the phrase 'Beetles' names no car"]),
        (line("two old cars", phrase="old cars"), []),
        (
            line(said={0: "a photo of a lilac car"}),
            ["a: color=violet: 'a photo of a lilac car' does not say 'violet'"],
        ),
        (line(said={2: "a photo of a moved car"}), []),
        (
            line("a violet car"),
            ["a: color=violet: the caption says it already, so nothing would change"],
        ),
    ],
)
def test_what_should_be_looked_at_again(prompts, remarks):
    assert list(REVIEW.remarks(prompts)) == remarks


def test_what_no_template_wrote_is_marked_as_edited():
    changed = REVIEW.as_written(line(said={0: "a photo of a deep violet car"}))
    assert changed.origin is PromptOrigin.TEMPLATE
    assert [edit.origin for edit in changed.edits] == [
        PromptOrigin.EDITED,
        PromptOrigin.TEMPLATE,
        PromptOrigin.TEMPLATE,
    ]
    own = REVIEW.as_written(line("an old car"))
    assert own.origin is PromptOrigin.EDITED
    assert {edit.origin for edit in own.edits} == {PromptOrigin.TEMPLATE}
    fallen = line("an old car").model_copy(
        update={"origin": PromptOrigin.FALLBACK, "reason": "empty: there is no text"}
    )
    assert REVIEW.as_written(fallen).reason is None
    captioned = line("an old car").model_copy(update={"origin": PromptOrigin.CAPTIONER})
    assert REVIEW.as_written(captioned) == captioned
    assert REVIEW.as_written(line()) == line()


def test_a_reader_is_told_of_the_first_few(caplog):
    sources = {
        name: line(said={0: "a photo of a lilac car"}).model_copy(update={"source_name": name})
        for name in "abcde"
    }
    with caplog.at_level("INFO"):
        written = tell_of_prompts(REVIEW, sources, name="tiny.prompts.jsonl")
    assert written["e"].edits[0].origin is PromptOrigin.EDITED
    told, counted = caplog.messages
    assert told.startswith("look again at tiny.prompts.jsonl: a: color=violet: ")
    assert told.endswith(
        "; c: color=violet: 'a photo of a lilac car' does not say 'violet' and 2 more"
    )
    assert counted == "tiny.prompts.jsonl: 0 captions and 5 prompts were edited"
    caplog.clear()
    tell_of_prompts(REVIEW, {"a": line()}, name="tiny.prompts.jsonl")
    assert not caplog.messages
