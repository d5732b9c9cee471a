"""What an interrupted run has written that is still good; nothing of how it is kept."""

from collections.abc import Sequence

from harness.benchmark.prompts.partial_file import PartialContent, PartialLine
from harness.benchmark.prompts.task import PromptTask, PromptWriting, too_long
from harness.prompting.reply import FaultKind, kind_of_reason
from harness.records.prompts import PromptOrigin, SourcePrompts


def still_good(
    found: PartialContent, tasks: Sequence[PromptTask], writing: PromptWriting
) -> dict[str, PartialLine]:
    """Return the lines that an undisturbed run would write now, as far as they do.

    A source must still be there with an object of the same class and noun. Its edits must be the
    recipe's, no more and no less; else its caption is good, if the new edits decide on it as the
    old ones did.
    """
    by_name = {task.file.name: task for task in tasks}
    wanted = writing.recipe.all_edits()
    good: dict[str, PartialLine] = {}
    for name, line in found.lines.items():
        task, prompts = by_name.get(name), line.prompts
        if task is None or (task.object_class, task.noun) != (prompts.object_class, line.noun):
            continue
        if tuple(edit.edit for edit in prompts.edits) == wanted:
            good[name] = line
        elif _caption_stays(task, prompts, writing):
            bare = prompts.model_copy(update={"edits": ()})
            good[name] = line.model_copy(update={"prompts": bare})
    return good


def _caption_stays(task: PromptTask, line: SourcePrompts, writing: PromptWriting) -> bool:
    """Return whether a caption does not depend on which edits there were when it was written."""
    if line.origin is PromptOrigin.FALLBACK:
        return kind_of_reason(line.reason or "") != FaultKind.TOO_LONG.value
    return too_long(task, line, writing) is None
