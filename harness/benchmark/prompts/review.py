"""What frozen prompts say, held against what they must and should say; nothing of files."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.benchmark.unit_plan import noun_of
from harness.errors import ImageEditError
from harness.prompting.caption_edit import words_in
from harness.prompting.edit_writing import CaptionToEdit, asks_model, prompt_by_rule
from harness.prompting.nouns import names_of
from harness.prompting.prompt_check import PromptRule, check_prompt
from harness.prompting.prompt_words import ARTICLES, Vocabulary, words_of
from harness.prompting.template import caption as template_caption
from harness.prompting.wording import PICTURES
from harness.records.attributes import Edit
from harness.records.label_space import LabelSpace
from harness.records.prompts import EditPrompt, PromptOrigin, SourcePrompts
from harness.records.recipe import Recipe

logger = logging.getLogger(__name__)

_BY_RULE = frozenset({PromptOrigin.TEMPLATE, PromptOrigin.FALLBACK})
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class PromptReview:
    """Judges the lines of one recipe's file, whoever wrote them."""

    recipe: Recipe
    """The recipe."""
    label_space: LabelSpace
    """Its label space."""

    def fault(self, prompts: SourcePrompts) -> str | None:
        """Return what no build can use in a line, beginning with the key, or None.

        That is a text that the text encoder would cut off, a phrase that names the picture instead
        of the object, and a prompt of an appearance that is the caption again.
        """
        rule = self._rule()
        if (fault := rule.fault(prompts.caption)) is not None:
            return f"caption: {fault}"
        if self._names_the_picture(prompts):
            return f"phrase: {prompts.phrase!r} is the picture, not the {self._noun(prompts)}"
        for line in prompts.edits:
            if (fault := rule.fault(line.prompt)) is not None:
                return f"edits: {line.edit}: {fault}"
            if self._is_caption(line, prompts) and not self._is_said_already(line, prompts):
                return f"edits: {line.edit}: it is the caption again, so nothing would change"
        return None

    def as_written(self, prompts: SourcePrompts) -> SourcePrompts:
        """Return a line with `edited` for the origin of what no template or rule wrote.

        What a model wrote keeps its origin: the file does not show whether a person changed it.
        """
        noun = self._noun(prompts)
        changed = prompts.origin in _BY_RULE and prompts.caption != template_caption(noun)
        said = self._to_edit(prompts)
        edits = tuple(
            line.model_copy(update=_EDITED)
            if line.origin in _BY_RULE and line.prompt != _by_rule(line.edit, said)
            else line
            for line in prompts.edits
        )
        return prompts.model_copy(update={**(_EDITED if changed else {}), "edits": edits})

    def remarks(self, prompts: SourcePrompts) -> Iterator[str]:
        """Yield what a person may have meant, and should look at again."""
        noun, phrase = self._noun(prompts), prompts.phrase or ""
        if prompts.object_class and not any(words_in(phrase, name) for name in names_of(noun)):
            yield f"{prompts.source_name}: the phrase {phrase!r} names no {noun}"
        for line in prompts.edits:
            key = f"{prompts.source_name}: {line.edit}"
            if self._is_caption(line, prompts):
                yield f"{key}: the caption says it already, so nothing would change"
            elif asks_model(line.edit, self._to_edit(prompts)) and not _says(
                line.edit, line.prompt
            ):
                yield f"{key}: {line.prompt!r} does not say {line.edit.value!r}"

    def _noun(self, prompts: SourcePrompts) -> str:
        return noun_of(self.label_space, prompts.object_class)

    def _names_the_picture(self, prompts: SourcePrompts) -> bool:
        if prompts.object_class is None:
            return False
        words = set(words_of(prompts.phrase or "")) - ARTICLES
        named = {word for name in names_of(self._noun(prompts)) for word in words_of(name)}
        return bool(words) and words <= set(PICTURES.split("|")) - named

    def _to_edit(self, prompts: SourcePrompts) -> CaptionToEdit:
        return CaptionToEdit(
            source_name=prompts.source_name,
            caption=prompts.caption,
            noun=self._noun(prompts),
            phrase=prompts.phrase if prompts.object_class else None,
            edits=self.recipe.all_edits(),
        )

    def _is_caption(self, line: EditPrompt, prompts: SourcePrompts) -> bool:
        """Return whether the prompt of an appearance that is edited is the caption."""
        same = words_of(line.prompt) == words_of(prompts.caption)
        return same and asks_model(line.edit, self._to_edit(prompts))

    def _is_said_already(self, line: EditPrompt, prompts: SourcePrompts) -> bool:
        """Return whether the caption says the value of the object, as an unedited source may."""
        caption = prompts.caption
        by_rule = _by_rule(line.edit, self._to_edit(prompts)) or ""
        fault = check_prompt(
            line.prompt, caption, edit=line.edit, phrase=prompts.phrase, rule=self._rule()
        )
        return fault is None or words_of(by_rule) == words_of(caption)

    def _rule(self) -> PromptRule:
        return PromptRule(max_tokens=self.recipe.prompts.max_tokens)


def tell_of_prompts(
    review: PromptReview, sources: Mapping[str, SourcePrompts], *, name: str
) -> dict[str, SourcePrompts]:
    """Return the lines of the file called `name` with true origins; log what to look at again."""
    written = {key: review.as_written(prompts) for key, prompts in sources.items()}
    remarks = [said for prompts in written.values() for said in review.remarks(prompts)]
    if remarks:
        more = f" and {len(remarks) - _SHOWN} more" if len(remarks) > _SHOWN else ""
        logger.warning("look again at %s: %s%s", name, "; ".join(remarks[:_SHOWN]), more)
    lines = tuple(written.values())
    captions = sum(line.origin is PromptOrigin.EDITED for line in lines)
    prompts = sum(edit.origin is PromptOrigin.EDITED for line in lines for edit in line.edits)
    if captions or prompts:
        logger.info("%s: %d captions and %d prompts were edited", name, captions, prompts)
    return written


_EDITED: Mapping[str, object] = {"origin": PromptOrigin.EDITED, "reason": None}


def _says(edit: Edit, text: str) -> bool:
    return bool(Vocabulary.of(edit).occurrences(words_of(text)))


def _by_rule(edit: Edit, caption: CaptionToEdit) -> str | None:
    try:
        return prompt_by_rule(edit, caption)
    except ImageEditError:  # the phrase stands in the caption in another spelling
        return None
