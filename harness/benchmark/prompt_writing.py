"""Writes the prompts of a recipe's sources, resumably; which models write them is handed in."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.benchmark.prompt_partial import PartialPrompts, PartialWriter
from harness.benchmark.prompt_report import PromptReport, count_prompts
from harness.benchmark.watch import Watch
from harness.dataset.prompt_file import write_prompts
from harness.dataset.source_file import SourceFile
from harness.prompting.caption_check import check_caption
from harness.prompting.edit_writing import (
    CaptionToEdit,
    ChatModel,
    EditWriter,
    prompts_by_rule,
)
from harness.prompting.prompt_check import PromptRule
from harness.prompting.reply import Fault, ModelReply
from harness.prompting.template import caption as template_caption
from harness.records.attributes import Edit
from harness.records.prompts import (
    TINY,
    PromptFileHeader,
    PromptOrigin,
    SourcePrompts,
)
from harness.records.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class PromptTask:
    """A source whose prompts are to be written."""

    file: SourceFile
    """Its files."""
    object_class: str | None
    """The class of its object; None where it has none."""
    noun: str
    """The word for its object in a caption, or for the whole scene."""
    load_image: Callable[[], NDArray[np.uint8]]
    """Returns its RGB pixels, uint8 [H, W, 3]; called only where a captioner sees it."""


class CaptionModel(Protocol):
    """What says what an image shows."""

    @property
    def batch(self) -> int:
        """How many images it takes at once."""

    def caption(
        self, images: Sequence[NDArray[np.uint8]], nouns: Sequence[str]
    ) -> tuple[ModelReply, ...]:
        """Return what each image, uint8 [H, W, 3], shows; `nouns` are what to look at."""


@dataclass(frozen=True, kw_only=True)
class PromptModels:
    """How the models are opened; one is closed before the other opens, so each has the memory."""

    captioner: Callable[[], AbstractContextManager[CaptionModel]] | None = None
    """Opens the captioner; None where the recipe takes captions by template."""
    language_model: Callable[[], AbstractContextManager[ChatModel]] | None = None
    """Opens the chat model; None where the recipe takes target prompts by template."""


@dataclass(frozen=True, kw_only=True)
class PromptWriting:
    """What is written, how and where."""

    recipe: Recipe
    """The recipe."""
    path: Path
    """The file of frozen prompts; what stands there is replaced once all is written."""
    header: PromptFileHeader
    """What stands on its first line."""
    rule: PromptRule
    """What the text encoder takes."""


def write_recipe_prompts(
    writing: PromptWriting, tasks: Iterable[PromptTask], *, models: PromptModels, watch: Watch
) -> PromptReport:
    """Write the prompts of all `tasks` and return what was done.

    What a model wrote is kept at once beside the file; a run that was interrupted goes on there,
    and the result is that of an undisturbed one.

    Args:
        writing: What is written, how and where.
        tasks: The sources.
        models: How the models are opened; each is opened only if there is something to ask it.
        watch: Follows it.

    Raises:
        SourceDataError: An image can't be read.
        WeightsError: A model can't be loaded.
        DeviceError: A model's device is not there or out of memory.
        OSError: The file can't be written.
    """
    sources = tuple(tasks)
    spec = writing.recipe.prompts
    partial = PartialPrompts(
        path=writing.path.with_name(f"{writing.path.name}.partial"), header=writing.header
    )
    kept = _still_good(partial.read(), sources)
    finished = {name for name, prompts in kept.items() if prompts.edits}
    with partial.writing(kept) as writer:
        lines = _Lines(writing=writing, known=dict(kept), writer=writer)
        lines.caption_all(sources, models, watch)
        lines.edit_all(sources, models, watch)
    written = [lines.known[task.file.name] for task in sources]
    write_prompts(writing.path, writing.header, written)
    partial.remove()
    return count_prompts(
        written,
        recipe=writing.recipe.name,
        file=str(writing.path),
        kept_captions=len(kept),
        kept_sources=len(finished),
        meaningless=TINY
        in {model.model for model in (spec.captioner, spec.language_model) if model is not None},
    )


@dataclass(frozen=True, kw_only=True)
class _Lines:
    """The lines that are known so far, and what adds to them."""

    writing: PromptWriting
    known: dict[str, SourcePrompts]
    writer: PartialWriter

    def caption_all(self, tasks: Sequence[PromptTask], models: PromptModels, watch: Watch) -> None:
        """Give every source a caption."""
        missing = [task for task in tasks if task.file.name not in self.known]
        if models.captioner is None:
            self.known.update((task.file.name, _by_template(task)) for task in missing)
            return
        if not missing:
            return
        with ExitStack() as stack:
            model = stack.enter_context(models.captioner())
            phase = watch.phase("captioning", total=len(missing), unit="sources")
            advance = stack.enter_context(phase)
            for batch in _batches(missing, model.batch):
                images = [task.load_image() for task in batch]
                replies = model.caption(images, [task.noun for task in batch])
                for task, reply in zip(batch, replies, strict=True):
                    self._keep(self._captioned(task, reply))
                advance(len(batch))

    def edit_all(self, tasks: Sequence[PromptTask], models: PromptModels, watch: Watch) -> None:
        """Give every source its target prompts."""
        missing = [task for task in tasks if not self.known[task.file.name].edits]
        if models.language_model is None:
            for task in missing:
                line = self.known[task.file.name]
                edits = prompts_by_rule(self._to_edit(task, line))
                self.known[task.file.name] = line.model_copy(update={"edits": edits})
            return
        if not missing:
            return
        with ExitStack() as stack:
            writer = self._edit_writer(stack.enter_context(models.language_model()))
            phase = watch.phase("writing target prompts", total=len(missing), unit="sources")
            advance = stack.enter_context(phase)
            for task in missing:
                line = self.known[task.file.name]
                edits = writer.write(self._to_edit(task, line))
                self._keep(line.model_copy(update={"edits": edits}))
                advance(1)

    def _keep(self, line: SourcePrompts) -> None:
        self.known[line.source_name] = line
        self.writer.add(line)

    def _captioned(self, task: PromptTask, reply: ModelReply) -> SourcePrompts:
        """Return the source's caption as the captioner wrote it, or else by template."""
        has_object = task.object_class is not None
        rule = self.writing.rule
        found = check_caption(reply, noun=task.noun, has_object=has_object, rule=rule)
        if isinstance(found, Fault):
            return _by_template(task, origin=PromptOrigin.FALLBACK, reason=str(found))
        line = SourcePrompts(
            source_name=task.file.name,
            object_class=task.object_class,
            phrase=found.phrase if has_object else None,
            caption=found.caption,
            origin=PromptOrigin.CAPTIONER,
            edits=(),
        )
        if (fault := self._too_long(task, line)) is not None:
            return _by_template(task, origin=PromptOrigin.FALLBACK, reason=str(fault))
        return line

    def _too_long(self, task: PromptTask, line: SourcePrompts) -> Fault | None:
        """Return that an edit said in the caption would be too long, or None."""
        prompts = prompts_by_rule(self._to_edit(task, line))
        return next(
            (fault for one in prompts if (fault := self.writing.rule.fault(one.prompt))), None
        )

    def _to_edit(self, task: PromptTask, line: SourcePrompts) -> CaptionToEdit:
        return CaptionToEdit(
            source_name=task.file.name,
            caption=line.caption,
            noun=task.noun,
            phrase=line.phrase,
            edits=self._edits(),
        )

    def _edits(self) -> tuple[Edit, ...]:
        return self.writing.recipe.all_edits()

    def _edit_writer(self, model: ChatModel) -> EditWriter:
        spec = self.writing.recipe.prompts.language_model
        return EditWriter(
            model=model,
            rule=self.writing.rule,
            tries=1 if spec is None else spec.tries,
            seed=self.writing.recipe.seed,
        )


def _by_template(
    task: PromptTask,
    *,
    origin: PromptOrigin = PromptOrigin.TEMPLATE,
    reason: str | None = None,
) -> SourcePrompts:
    return SourcePrompts(
        source_name=task.file.name,
        object_class=task.object_class,
        phrase=None if task.object_class is None else task.noun,
        caption=template_caption(task.noun),
        origin=origin,
        reason=reason,
        edits=(),
    )


def _still_good(
    known: dict[str, SourcePrompts], tasks: Sequence[PromptTask]
) -> dict[str, SourcePrompts]:
    """Return the lines of sources that are still there with an object of the same class."""
    classes = {task.file.name: task.object_class for task in tasks}
    return {
        name: line
        for name, line in known.items()
        if name in classes and classes[name] == line.object_class
    }


def _batches(tasks: Iterable[PromptTask], size: int) -> Iterator[list[PromptTask]]:
    rest = iter(tasks)
    while batch := list(islice(rest, size)):
        yield batch
