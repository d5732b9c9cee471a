"""What `harness edit` is asked for: files read and checked, and a request for each edit."""

from dataclasses import dataclass
from pathlib import Path

from harness.dataset.label_space import load_label_space
from harness.dataset.object_label import ObjectLabel, label_of_mask, read_object_label
from harness.dataset.object_mask import ObjectMask, read_object_mask
from harness.dataset.picture_file import Picture, read_picture
from harness.editing.editor import EditRequest, EditSource
from harness.errors import ImageEditError
from harness.prompting.caption_edit import edited_caption, require_words, words_in
from harness.prompting.template import caption
from harness.records.attributes import Attribute, Edit, Scope
from harness.records.base import canonical_json, sha256_hex
from harness.records.label_space import LabelSpace

_SEED_DIGITS = 13
"""52 bits: every JSON reader keeps them exactly."""


@dataclass(frozen=True, kw_only=True)
class EditChoice:
    """What the user said of the picture and its edits."""

    image: Path
    """The picture's file."""
    mask: Path
    """The mask's file."""
    object_class: str
    """The object's class name."""
    edits: tuple[Edit, ...]
    """The edits, in order."""
    seed: int
    """The seed of all edits."""
    label: Path | None = None
    """The label's file; None makes the label of the mask."""
    label_space: str | None = None
    """The label's label space; None where there is no label."""
    caption: str | None = None
    """What the picture shows; None takes the template's."""
    phrase: str | None = None
    """The caption's words for the object; None takes the class's noun."""
    target_prompt: str | None = None
    """The caption of the one edit; None edits the caption."""
    amount: float | None = None
    """How much geometry edits scale or move; None takes the editor's own."""

    def files(self) -> tuple[Path, ...]:
        """Return the files that are read."""
        return tuple(file for file in (self.image, self.mask, self.label) if file is not None)


@dataclass(frozen=True, kw_only=True)
class PictureJob:
    """A picture, ready to be edited, and its edits."""

    choice: EditChoice
    """What was asked for."""
    picture: Picture
    """The picture."""
    mask: ObjectMask
    """Its object."""
    label: ObjectLabel
    """Its label."""
    source: EditSource
    """What the editor gets."""
    phrase: str | None
    """The caption's words for the object; None where it has none."""
    requests: tuple[EditRequest, ...]
    """One an edit, in order."""


def read_job(choice: EditChoice) -> PictureJob:
    """Return what `choice` asks for, read and checked.

    Raises:
        SourceDataError: A file is missing or can't be read as what it should be.
        ImageEditError: The mask, the label or the phrase does not fit.
        RecipeError: There is no such label space.
    """
    picture = read_picture(choice.image)
    mask = read_object_mask(choice.mask, picture)
    label = _label(choice, mask)
    noun = _noun(label.label_space, choice.object_class)
    said = caption(noun) if choice.caption is None else " ".join(choice.caption.split())
    phrase = _phrase(choice, said, noun=noun)
    source = EditSource(
        image=picture.image,
        label=label.label,
        mask=mask.mask,
        object_class=choice.object_class,
        label_space=label.label_space,
        caption=said,
    )
    return PictureJob(
        choice=choice,
        picture=picture,
        mask=mask,
        label=label,
        source=source,
        phrase=phrase,
        requests=tuple(_request(choice, edit, said, phrase) for edit in choice.edits),
    )


def edit_seed(seed: int, edit: Edit) -> int:
    """Return an edit's own seed: whatever else is edited, the edit stays as it is."""
    digest = sha256_hex(canonical_json(["edit", seed, edit.attribute.value, edit.value]))
    return int(digest[:_SEED_DIGITS], 16)


def _label(choice: EditChoice, mask: ObjectMask) -> ObjectLabel:
    if choice.label is None or choice.label_space is None:
        return label_of_mask(mask.mask, choice.object_class)
    space = load_label_space(choice.label_space)
    return read_object_label(choice.label, space, object_class=choice.object_class, mask=mask)


def _noun(space: LabelSpace, object_class: str) -> str:
    found = space.by_name(object_class)
    return (found.noun if found else None) or object_class


def _phrase(choice: EditChoice, said: str, *, noun: str) -> str | None:
    if not said:
        msg = "the caption is empty"
        raise ImageEditError(msg, remedy="Say --caption with words, or leave it out.")
    needed = any(_names_the_object(edit) for edit in choice.edits)
    if needed or choice.phrase is not None:
        return require_words(said, choice.phrase or noun, what="caption")
    return words_in(said, noun)


def _names_the_object(edit: Edit) -> bool:
    return edit.scope is Scope.LOCAL or edit.attribute is Attribute.SIZE


def _request(choice: EditChoice, edit: Edit, said: str, phrase: str | None) -> EditRequest:
    target = choice.target_prompt
    if target is None:
        target = edited_caption(said, edit, phrase=phrase or "")
    elif edit.scope is Scope.LOCAL and phrase is not None:
        require_words(target, phrase, what="target prompt")
    return EditRequest(
        edit=edit,
        seed=edit_seed(choice.seed, edit),
        target_prompt=target,
        amount=choice.amount if edit.scope is Scope.GEOMETRY else None,
        phrase=None if phrase is None else words_in(target, phrase),
    )
