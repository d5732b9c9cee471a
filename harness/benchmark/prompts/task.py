"""What prompts are written of: the sources, the models and the rules; nothing is written here."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.dataset.source_file import SourceFile
from harness.prompting.edit_writing import CaptionToEdit, ChatModel, prompts_by_rule
from harness.prompting.prompt_check import PromptRule
from harness.prompting.reply import Fault, ModelReply
from harness.records.prompts import PromptFileHeader, SourcePrompts
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
    reviewed: Mapping[str, SourcePrompts] = field(default_factory=dict)
    """Lines by source that stay as they are, where they speak of the object selected now."""


def to_edit(task: PromptTask, line: SourcePrompts, writing: PromptWriting) -> CaptionToEdit:
    """Return the caption of `line` with the recipe's edits, which are to be said in it."""
    return CaptionToEdit(
        source_name=task.file.name,
        caption=line.caption,
        noun=task.noun,
        phrase=line.phrase,
        edits=writing.recipe.all_edits(),
    )


def too_long(task: PromptTask, line: SourcePrompts, writing: PromptWriting) -> Fault | None:
    """Return that an edit said in the caption would be too long, or None."""
    prompts = prompts_by_rule(to_edit(task, line, writing))
    return next((fault for one in prompts if (fault := writing.rule.fault(one.prompt))), None)
