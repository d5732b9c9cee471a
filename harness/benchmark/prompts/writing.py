"""Writes the prompts of a recipe's sources, resumably; which models write them is handed in."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

from harness.benchmark.prompts.partial_file import (
    PartialLine,
    PartialPrompts,
    PartialWriter,
    only_writer,
)
from harness.benchmark.prompts.report import PromptReport, count_prompts
from harness.benchmark.prompts.resuming import still_good
from harness.benchmark.prompts.task import (
    PromptModels,
    PromptTask,
    PromptWriting,
    to_edit,
    too_long,
)
from harness.benchmark.watch import Watch
from harness.dataset.prompt_file import write_prompts
from harness.errors import RecipeError
from harness.prompting.caption_check import check_caption
from harness.prompting.edit_writing import ChatModel, EditWriter, prompts_by_rule
from harness.prompting.reply import Fault, ModelReply
from harness.prompting.template import caption as template_caption
from harness.records.prompts import TINY, PromptOrigin, SourcePrompts


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
        RecipeError: Another process writes them, or not even a template fits the text encoder.
        OSError: The file can't be written.
    """
    sources = tuple(tasks)
    _require_room(writing, sources)
    with only_writer(writing.path):
        return _write(writing, sources, models=models, watch=watch)


def _write(
    writing: PromptWriting, sources: tuple[PromptTask, ...], *, models: PromptModels, watch: Watch
) -> PromptReport:
    spec = writing.recipe.prompts
    partial = PartialPrompts(
        path=writing.path.with_name(f"{writing.path.name}.partial"), header=writing.header
    )
    found = partial.read()
    kept = still_good(found, sources, writing)
    if not found.whole or kept != found.lines:
        partial.set_aside()
    classes = {task.file.name: task.object_class for task in sources}
    reviewed = {
        name: line
        for name, line in writing.reviewed.items()
        if classes.get(name, line.object_class) == line.object_class
    }
    known = {name: line.prompts for name, line in kept.items()} | reviewed
    finished = {name for name, prompts in known.items() if prompts.edits}
    with partial.writing(kept.values()) as writer:
        lines = _Lines(writing=writing, known=dict(known), writer=writer)
        lines.caption_all(sources, models, watch)
        lines.edit_all(sources, models, watch)
    written = [lines.known[task.file.name] for task in sources]
    idle = [line for name, line in reviewed.items() if name not in classes]
    write_prompts(writing.path, writing.header, [*written, *idle])
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
                    self._keep(task, self._captioned(task, reply))
                advance(len(batch))

    def edit_all(self, tasks: Sequence[PromptTask], models: PromptModels, watch: Watch) -> None:
        """Give every source its target prompts."""
        missing = [task for task in tasks if not self.known[task.file.name].edits]
        if models.language_model is None:
            for task in missing:
                line = self.known[task.file.name]
                edits = prompts_by_rule(to_edit(task, line, self.writing))
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
                edits = writer.write(to_edit(task, line, self.writing))
                self._keep(task, line.model_copy(update={"edits": edits}))
                advance(1)

    def _keep(self, task: PromptTask, line: SourcePrompts) -> None:
        self.known[line.source_name] = line
        self.writer.add(PartialLine(noun=task.noun, prompts=line))

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
        if (fault := too_long(task, line, self.writing)) is not None:
            return _by_template(task, origin=PromptOrigin.FALLBACK, reason=str(fault))
        return line

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


def _require_room(writing: PromptWriting, tasks: Iterable[PromptTask]) -> None:
    """Raise where what falls back on the template is too long as well."""
    tried: set[str] = set()
    for task in tasks:
        if task.noun in tried:
            continue
        tried.add(task.noun)
        line = _by_template(task)
        fault = writing.rule.fault(line.caption) or too_long(task, line, writing)
        if fault is not None:
            msg = f"prompts.max_tokens has no room for the template of a {task.noun}: {fault}"
            raise RecipeError(msg, remedy="Make it what the text encoder takes; CLIP's is 77.")


def _batches(tasks: Iterable[PromptTask], size: int) -> Iterator[list[PromptTask]]:
    rest = iter(tasks)
    while batch := list(islice(rest, size)):
        yield batch
