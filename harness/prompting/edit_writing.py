"""Target prompts written by a chat model, checked, with the rule as the fallback; no torch.

Size and position are said by rule: the editor moves the object itself, and no model is needed for
their few words.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.prompting.caption_edit import edited_caption
from harness.prompting.prompt_check import PromptRule, check_prompt
from harness.prompting.reply import ChatMessage, Fault, FaultKind, ModelReply, Role
from harness.prompting.reply_parsing import parse_reply
from harness.prompting.template import target_prompt
from harness.prompting.wording import adjective, kind_of_picture, plain_words, weather_phrase
from harness.records.attributes import Attribute, Edit, Scope
from harness.records.prompts import EditPrompt, PromptOrigin


class ChatModel(Protocol):
    """What writes a reply in a conversation."""

    def reply(self, messages: Sequence[ChatMessage], *, seed: int) -> ModelReply:
        """Return the next message; same messages, same seed, same reply."""


@dataclass(frozen=True, kw_only=True)
class CaptionToEdit:
    """A caption whose edits are to be said."""

    source_name: str
    """The name of the image in its data set; decides the seeds."""
    caption: str
    """What the source shows."""
    noun: str
    """The word for its object, or for the whole scene."""
    phrase: str | None
    """The words of the caption that name the object; None where it has none."""
    edits: tuple[Edit, ...]
    """The edits, in the recipe's order."""


@dataclass(frozen=True, kw_only=True)
class EditWriter:
    """Asks a chat model until every edit is said rightly, at most so often."""

    model: ChatModel
    """Writes."""
    rule: PromptRule
    """What the text encoder takes."""
    tries: int
    """How often it is asked for the edits that are still missing."""
    seed: int
    """The recipe's seed."""

    def write(self, caption: CaptionToEdit) -> tuple[EditPrompt, ...]:
        """Return the target prompts of `caption`, one an edit, in order."""
        told: dict[Edit, str] = {}
        faults: dict[Edit, Fault] = {}
        messages: tuple[ChatMessage, ...] = ()
        for attempt in range(self.tries):
            missing = [e for e in caption.edits if asks_model(e, caption) and e not in told]
            if not missing:
                break
            question = _question(caption, missing, faults)
            messages = (*messages[-2:], ChatMessage(role=Role.USER, text=question))
            seed = reply_seed(self.seed, caption.source_name, attempt)
            reply = self.model.reply(messages, seed=seed)
            good, faults = self._judge(reply, caption, missing)
            told |= good
            messages = (*messages, ChatMessage(role=Role.ASSISTANT, text=reply.text))
        return tuple(_prompt(edit, caption, told, faults) for edit in caption.edits)

    def _judge(
        self, reply: ModelReply, caption: CaptionToEdit, missing: Sequence[Edit]
    ) -> tuple[dict[Edit, str], dict[Edit, Fault]]:
        """Return what a reply says rightly, and what is wrong with the rest of it."""
        found = parse_reply(reply, [str(edit) for edit in missing])
        if isinstance(found, Fault):
            return {}, dict.fromkeys(missing, found)
        good: dict[Edit, str] = {}
        faults: dict[Edit, Fault] = {}
        for edit in missing:
            prompt = found.get(str(edit))
            fault = Fault(kind=FaultKind.MISSING, detail=f"there is no {edit}")
            if prompt is not None:
                judged = check_prompt(
                    prompt, caption.caption, edit=edit, phrase=caption.phrase, rule=self.rule
                )
                if judged is None:
                    good[edit] = prompt
                    continue
                fault = judged
            faults[edit] = fault
        return good, faults


def asks_model(edit: Edit, caption: CaptionToEdit) -> bool:
    """Return whether a model says `edit`: an appearance, and where it is local, of an object."""
    match edit.scope:
        case Scope.GLOBAL:
            return True
        case Scope.LOCAL:
            return caption.phrase is not None
        case Scope.GEOMETRY:
            return False


def prompt_by_rule(edit: Edit, caption: CaptionToEdit) -> str:
    """Return what the rule says of `edit`."""
    if caption.phrase is None and edit.scope is not Scope.GLOBAL:
        return target_prompt(edit, caption.noun)  # there is no object, so it is never edited
    return edited_caption(caption.caption, edit, phrase=caption.phrase or "")


def prompts_by_rule(caption: CaptionToEdit) -> tuple[EditPrompt, ...]:
    """Return what the rule says of each edit of `caption`."""
    return tuple(
        EditPrompt(edit=edit, prompt=prompt_by_rule(edit, caption), origin=PromptOrigin.TEMPLATE)
        for edit in caption.edits
    )


def reply_seed(recipe_seed: int, source_name: str, attempt: int) -> int:
    """Return the seed of one reply: of the recipe, the source and the try, and nothing else."""
    identity = f"prompt:{recipe_seed}:{attempt}:{source_name}"
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8]) >> 1


def _prompt(
    edit: Edit, caption: CaptionToEdit, told: dict[Edit, str], faults: dict[Edit, Fault]
) -> EditPrompt:
    if edit in told:
        return EditPrompt(edit=edit, prompt=told[edit], origin=PromptOrigin.LANGUAGE_MODEL)
    by_rule = prompt_by_rule(edit, caption)
    if edit not in faults:
        return EditPrompt(edit=edit, prompt=by_rule, origin=PromptOrigin.TEMPLATE)
    reason = str(faults[edit])
    return EditPrompt(edit=edit, prompt=by_rule, origin=PromptOrigin.FALLBACK, reason=reason)


def _question(caption: CaptionToEdit, missing: Sequence[Edit], faults: dict[Edit, Fault]) -> str:
    """Return what the model is asked: for all that is missing at once, told what was wrong."""
    wanted = "\n".join(f'"{edit}": {_change(edit, caption)}' for edit in missing)
    wrong = "".join(f"- {edit}: {faults[edit].detail}\n" for edit in missing if edit in faults)
    told = f"That reply will not do:\n{wrong}\n" if wrong else ""
    kept = f' Keep the words "{caption.phrase}" as they are.' if caption.phrase else ""
    return (
        f"{told}The caption of a photograph is:\n{caption.caption}\n\n"
        "Rewrite the caption once for each of these changes, so that it says the change and "
        f"nothing else differs: keep every other word, add no detail, stay in English.{kept}\n"
        f"{wanted}\n\n"
        "Answer with one JSON object and nothing else: its keys are the quoted names above, its "
        "values are the rewritten captions."
    )


def _change(edit: Edit, caption: CaptionToEdit) -> str:
    value, thing = edit.value, caption.phrase or caption.noun
    match edit.attribute:
        case Attribute.COLOR | Attribute.PATTERN:
            return f"the {thing} is {adjective(value)}"
        case Attribute.MATERIAL:
            return f"the {thing} is made of {plain_words(value)}"
        case Attribute.STYLE:
            return f"it is not a photograph but a {kind_of_picture(value)}"
        case Attribute.WEATHER:
            return f"it was taken {weather_phrase(value)}"
        case Attribute.SIZE | Attribute.POSITION:
            msg = f"{edit} is said by rule"
            raise ValueError(msg)
