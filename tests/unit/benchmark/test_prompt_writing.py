import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from harness.benchmark.prompts.review import PromptReview
from harness.benchmark.prompts.task import PromptModels, PromptTask, PromptWriting
from harness.benchmark.prompts.writing import write_recipe_prompts
from harness.benchmark.watch import Unwatched
from harness.dataset.label_space import load_label_space
from harness.dataset.prompt_file import load_prompts
from harness.dataset.source_file import SourceFile
from harness.errors import RecipeError, SourceDataError
from harness.prompting.prompt_check import PromptRule
from harness.prompting.reply import ModelReply
from harness.records.attributes import Attribute
from harness.records.prompts import (
    CaptionerSpec,
    LanguageModelSpec,
    PromptFileHeader,
    PromptOrigin,
    PromptSpec,
)
from harness.records.recipe import EditGroup, ProceduralEditorSpec, Recipe
from harness.records.source import SourceAdapter, SourceSpec

SPEC = PromptSpec(
    captions="captioner",
    edits="language-model",
    file="tiny.prompts.jsonl",
    captioner=CaptionerSpec(model="any/captioner"),
    language_model=LanguageModelSpec(model="any/chat", tries=2),
)
NAMES = ("a", "b", "c", "d", "e")
SAID = {"a": "A red car.", "b": "Two cars", "c": "A red bus", "d": "Cars on a road", "e": "A car"}


def recipe(spec=SPEC, *, more=(), **changes):
    return Recipe(
        name="tiny",
        title="Tiny",
        description="For tests.",
        license="CC0-1.0",
        seed=7,
        qualifying_miou=0.1,
        source=SourceSpec(adapter=SourceAdapter.VOC, split="val", label_space="voc"),
        prompts=spec,
        editor=ProceduralEditorSpec(algorithm=1),
        edits=(
            EditGroup(attribute=Attribute.COLOR, values=("violet", *more)),
            EditGroup(attribute=Attribute.STYLE, values=("sketch",)),
            EditGroup(attribute=Attribute.SIZE, values=("larger",), amount=0.2),
        ),
        **changes,
    )


def task(name, object_class="car", loaded=None, noun=None):
    def load():
        if loaded is not None:
            loaded.append(name)
        return np.full((4, 4, 3), ord(name), np.uint8)

    return PromptTask(
        file=SourceFile(name=name, image=Path("none"), label=Path("none")),
        object_class=object_class,
        noun=noun or object_class or "street",
        load_image=load,
    )


class FakeModels:
    """A captioner that knows its images by their first number, and a chat model by rule."""

    batch = 2

    def __init__(self, *, dies_at=None, wrong=()):
        self.said = SAID
        self.dies_at = dies_at
        self.wrong = wrong
        self.captioned = []
        self.asked = 0
        self.opened = []
        self.open_now = set()

    def caption(self, images, nouns):
        assert len(images) == len(nouns) <= self.batch
        names = [chr(image[0, 0, 0]) for image in images]
        self.captioned += names
        return tuple(ModelReply(text=self.said[name]) for name in names)

    def reply(self, messages, *, seed):
        del seed
        if self.asked == self.dies_at:
            raise KeyboardInterrupt
        self.asked += 1
        question = messages[-1].text
        caption = question.split("photograph is:\n", 1)[1].splitlines()[0]
        said = {}
        if '"color=violet"' in question:
            noun = "cars" if "cars" in caption.lower() else "car"
            said["color=violet"] = (
                caption.lower().replace("red ", "").replace(noun, f"violet {noun}")
            )
        if '"style=sketch"' in question:
            said["style=sketch"] = f"a sketch of {caption.lower().removeprefix('a photo of ')}"
        said |= dict.fromkeys(set(said) & set(self.wrong), "I am sorry")
        return ModelReply(text=json.dumps(said))

    @contextmanager
    def _open(self, name):
        self.opened.append(name)
        self.open_now.add(name)
        assert len(self.open_now) == 1, "two models at once need the memory of both"
        yield self
        self.open_now.remove(name)

    @property
    def openers(self):
        return PromptModels(
            captioner=lambda: self._open("captioner"),
            language_model=lambda: self._open("language model"),
        )


def write(folder, models=None, *, tasks=None, made_by=None, version="1", rule=None):
    made_by = made_by or recipe()
    header = PromptFileHeader(recipe="tiny", seed=7, spec=made_by.prompts, harness_version=version)
    writing = PromptWriting(
        recipe=made_by,
        path=folder / "tiny.prompts.jsonl",
        header=header,
        rule=rule or PromptRule(),
    )
    return write_recipe_prompts(
        writing,
        tasks if tasks is not None else [task(name) for name in NAMES],
        models=models.openers if models else PromptModels(),
        watch=Unwatched(),
    )


def test_models_write_and_fallbacks_are_counted_by_reason(tmp_path):
    models = FakeModels(wrong=["style=sketch"])
    report = write(tmp_path, models)

    found = load_prompts(tmp_path / "tiny.prompts.jsonl", recipe()).sources
    assert list(found) == list(NAMES)
    assert found["a"].caption == "A red car"
    assert found["b"].phrase == "cars"
    assert found["c"].caption == "a photo of a car"
    assert found["c"].reason == "object-gone: it names no car: 'A red bus'"
    assert [line.prompt for line in found["a"].edits] == [
        "a violet car",
        "a pencil sketch of a red car",
        "A red larger car",
    ]
    assert [line.origin for line in found["a"].edits] == [
        PromptOrigin.LANGUAGE_MODEL,
        PromptOrigin.FALLBACK,
        PromptOrigin.TEMPLATE,
    ]
    assert report.captions == {PromptOrigin.CAPTIONER: 4, PromptOrigin.FALLBACK: 1}
    assert report.edits == {
        PromptOrigin.TEMPLATE: 5,
        PromptOrigin.LANGUAGE_MODEL: 5,
        PromptOrigin.FALLBACK: 5,
    }
    assert report.caption_fallbacks == {"object-gone": 1}
    assert report.edit_fallbacks == {"object-gone": 5}
    assert report.fallbacks == 6
    assert not report.meaningless
    assert models.opened == ["captioner", "language model"]
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.prompts.jsonl"]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    write(whole, FakeModels())
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, FakeModels(dies_at=2))
    assert not (tmp_path / "tiny.prompts.jsonl").exists()

    again = FakeModels()
    report = write(tmp_path, again)
    assert again.opened == ["language model"]
    assert again.asked == 3
    assert (report.kept_captions, report.kept_sources) == (5, 2)
    written = (tmp_path / "tiny.prompts.jsonl").read_bytes()
    assert written == (whole / "tiny.prompts.jsonl").read_bytes()


def test_a_line_that_was_cut_off_is_written_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, FakeModels(dies_at=2))
    partial = tmp_path / "tiny.prompts.jsonl.partial"
    partial.write_bytes(partial.read_bytes()[:-30])
    again = FakeModels()
    assert write(tmp_path, again).kept_sources == 1
    assert again.captioned == []


def test_what_was_written_in_another_way_is_not_taken_up(tmp_path, caplog):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, FakeModels(dies_at=2))
    again = FakeModels()
    report = write(tmp_path, again, version="2")
    assert (report.kept_captions, report.kept_sources) == (0, 0)
    assert again.captioned == list(NAMES)
    assert "it is kept as tiny.prompts.jsonl.partial.1.old" in caplog.text


def test_a_source_whose_object_is_another_now_is_written_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, FakeModels(dies_at=2))
    again = FakeModels()
    tasks = [task("a", object_class=None), task("b"), task("f")]
    SAID["f"] = "A car"
    write(tmp_path, again, tasks=tasks)
    found = load_prompts(tmp_path / "tiny.prompts.jsonl", recipe()).sources
    assert list(found) == ["a", "b", "f"]
    assert again.captioned == ["a", "f"]
    assert found["a"].phrase is None
    assert found["a"].edits[0].prompt == "a photo of a violet street"


def interrupted(folder):
    """Interrupt a run when all captions and the edits of two sources are written."""
    with pytest.raises(KeyboardInterrupt):
        write(folder, FakeModels(dies_at=2))


def aside(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".old"))


@pytest.mark.parametrize(("more", "fewer"), [(("pink",), ()), ((), ("pink",))])
def test_a_recipe_with_other_edits_keeps_captions_only(tmp_path, more, fewer):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, FakeModels(dies_at=2), made_by=recipe(more=fewer))
    made_by = recipe(more=more)
    again = FakeModels()
    report = write(tmp_path, again, made_by=made_by)
    found = load_prompts(tmp_path / "tiny.prompts.jsonl", made_by).sources
    assert [str(line.edit) for line in found["a"].edits] == [str(e) for e in made_by.all_edits()]
    assert again.captioned == []
    assert again.asked == (5 + 5 if more else 5)  # nobody says pink, so it is asked for twice
    assert (report.kept_captions, report.kept_sources) == (5, 0)
    assert aside(tmp_path) == ["tiny.prompts.jsonl.partial.1.old"]


def test_a_caption_without_room_for_an_edit_that_came_is_not_kept(tmp_path):
    rule = PromptRule(max_tokens=7, count_tokens=lambda text: len(text.split()))
    short = recipe().model_copy(update={"edits": recipe().edits[:1]})
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, FakeModels(dies_at=0), made_by=short, rule=rule, tasks=[task("d")])
    again = FakeModels()
    report = write(tmp_path, again, rule=rule, tasks=[task("d")])
    # "violet cars on a road" had room, "a pencil sketch of cars on a road" takes 8
    assert again.captioned == ["d"]
    assert report.caption_fallbacks == {"too-long": 1}


def test_a_source_whose_noun_is_another_now_is_written_again(tmp_path):
    interrupted(tmp_path)
    again = FakeModels()
    write(tmp_path, again, tasks=[task("a", noun="vehicle"), *(task(name) for name in NAMES[1:])])
    assert again.captioned == ["a"]


def test_what_does_not_fit_is_set_aside_under_a_name_of_its_own(tmp_path):
    partial = tmp_path / "tiny.prompts.jsonl.partial"
    contents = []
    for version in ("1", "2"):
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, FakeModels(dies_at=2), version=version)
        contents.append(partial.read_bytes())
    write(tmp_path, FakeModels(), version="3")
    names = [f"tiny.prompts.jsonl.partial.{number}.old" for number in (1, 2)]
    assert aside(tmp_path) == names
    assert [(tmp_path / name).read_bytes() for name in names] == contents


def test_a_broken_line_and_sources_that_went_are_set_aside(tmp_path):
    interrupted(tmp_path)
    partial = tmp_path / "tiny.prompts.jsonl.partial"
    lines = partial.read_bytes().split(b"\n")
    partial.write_bytes(b"\n".join([*lines[:3], b"broken", *lines[3:]]))
    again = FakeModels()
    assert write(tmp_path, again).kept_captions == 2
    assert len(aside(tmp_path)) == 1
    interrupted(tmp_path)
    write(tmp_path, FakeModels(), tasks=[task("a")])
    assert len(aside(tmp_path)) == 2


def test_two_writers_of_one_file_are_told_apart(tmp_path):
    class Second(FakeModels):
        def caption(self, images, nouns):
            with pytest.raises(RecipeError, match="another process writes") as caught:
                write(tmp_path, FakeModels())
            assert "Wait" in caught.value.remedy
            return super().caption(images, nouns)

    write(tmp_path, Second())
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.prompts.jsonl"]


def test_a_lock_that_a_killed_writer_left_stops_nobody(tmp_path):
    (tmp_path / "tiny.prompts.jsonl.lock").touch()
    write(tmp_path, FakeModels())
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.prompts.jsonl"]


def test_a_text_encoder_without_room_for_the_template_is_told(tmp_path):
    rule = PromptRule(max_tokens=5, count_tokens=lambda text: len(text.split()))
    models = FakeModels()
    with pytest.raises(RecipeError, match=r"max_tokens has no room for the template of a car"):
        write(tmp_path, models, rule=rule)
    assert models.opened == []


def test_what_is_written_can_be_built(tmp_path):
    said = {
        "a": "A violet car.",
        "b": "A car in the snow",
        "c": "A photo of a violet car on a snowy day",
        "d": "The image features a small car under a blue sky",
        "e": "I'm sorry, I cannot see a car.",
    }
    models = FakeModels()
    models.said = said
    made_by = recipe()
    write(tmp_path, models, made_by=made_by)
    review = PromptReview(recipe=made_by, label_space=load_label_space("voc"))
    path = tmp_path / "tiny.prompts.jsonl"
    found = load_prompts(path, made_by, check=review.fault).sources
    assert [line.origin.value for line in found.values()] == ["captioner"] * 4 + ["fallback"]
    assert all(review.as_written(line) == line for line in found.values())


def test_templates_need_no_model_and_no_image(tmp_path):
    loaded = []
    made_by = recipe(PromptSpec())
    tasks = [task("b", loaded=loaded), task("a", object_class=None, loaded=loaded)]
    report = write(tmp_path, tasks=tasks, made_by=made_by)
    found = load_prompts(tmp_path / "tiny.prompts.jsonl", made_by).sources
    assert found["b"].edits[2].prompt == "a photo of a larger car"
    assert found["a"].caption == "a photo of a street"
    assert loaded == []
    assert report.captions == {PromptOrigin.TEMPLATE: 2}
    assert report.fallbacks == 0


def test_a_caption_without_room_for_its_edits_falls_back(tmp_path):
    rule = PromptRule(max_tokens=6, count_tokens=lambda text: len(text.split()))
    report = write(tmp_path, FakeModels(), rule=rule, tasks=[task("a"), task("d")])
    # "A red car" would be "a pencil sketch of a red car"; "Cars on a road" takes one more
    assert report.caption_fallbacks == {"too-long": 2}
    shorter = PromptRule(max_tokens=7, count_tokens=lambda text: len(text.split()))
    other = tmp_path / "other"
    other.mkdir()
    found = write(other, FakeModels(), rule=shorter, tasks=[task("a"), task("d")])
    assert found.caption_fallbacks == {"too-long": 1}


def test_a_broken_image_stops_it_and_keeps_what_was_done(tmp_path):
    def broken():
        msg = "c.jpg is truncated"
        raise SourceDataError(msg, remedy="Fetch it again.")

    tasks = [task("a"), task("b"), PromptTask(**{**vars(task("c")), "load_image": broken})]
    with pytest.raises(SourceDataError, match=r"c\.jpg is truncated"):
        write(tmp_path, FakeModels(), tasks=tasks)
    again = FakeModels()
    write(tmp_path, again, tasks=[task("a"), task("b"), task("c")])
    assert again.captioned == ["c"]


def test_a_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError, match="tiny") as caught:
        write(tmp_path / "none", FakeModels())
    assert caught.value.filename is not None


def test_random_models_are_told(tmp_path):
    tiny = SPEC.model_copy(update={"captioner": CaptionerSpec(model="tiny")})
    assert write(tmp_path, FakeModels(), made_by=recipe(tiny)).meaningless
