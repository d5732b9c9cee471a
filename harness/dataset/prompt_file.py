"""Frozen prompts as a file beside the recipe: one line a source, for people to read and edit.

The first line says what wrote them. A person may change captions, phrases and prompts. Whoever
wrote a line, it is checked that it is a source's with one prompt for each edit of the recipe, that
texts are one line of plain text, and that the phrase stands in all of them; what texts mean is
judged by whom `load_prompts` is handed. An `origin` is what wrote a text first.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from harness.dataset.atomic_file import write_atomically
from harness.errors import RecipeError
from harness.records.attributes import Edit
from harness.records.base import Record, first_fault
from harness.records.prompts import (
    CaptionMethod,
    EditMethod,
    PromptFileHeader,
    PromptSpec,
    SourcePrompts,
)
from harness.records.recipe import Recipe

AnyRecord = TypeVar("AnyRecord", bound=Record)
LineCheck = Callable[[SourcePrompts], str | None]
"""Returns what is wrong with a line's texts, beginning with the key, or None."""

_KEYS = ("source_name", "object_class", "caption", "phrase", "origin", "reason", "edits")
"""The order of a line's keys: what a reviewer reads first comes first."""
_EDIT_KEYS = ("edit", "prompt", "origin", "reason")
_REPAIR = "Correct the line, or run `harness write-prompts` with --replace to write the file anew."


@dataclass(frozen=True, kw_only=True)
class FrozenPrompts:
    """A file of frozen prompts."""

    path: Path
    """The file."""
    header: PromptFileHeader
    """What wrote it."""
    sources: Mapping[str, SourcePrompts]
    """Its lines by the source's name."""

    def by_name(self, name: str) -> SourcePrompts | None:
        """Return the prompts of the source called `name`, or None."""
        return self.sources.get(name)


def prompt_path(recipe_path: Path, recipe: Recipe) -> Path:
    """Return where the recipe's prompts stand, or would: beside it."""
    return recipe_path.with_name(recipe.prompts.file or f"{recipe.name}.prompts.jsonl")


def read_prompts(path: Path, recipe: Recipe, *, check: LineCheck) -> Mapping[str, SourcePrompts]:
    """Return the frozen prompts of `recipe` by source.

    Raises:
        RecipeError: See `load_prompts`.
    """
    return load_prompts(path, recipe, check=check).sources


def load_prompts(path: Path, recipe: Recipe, *, check: LineCheck = lambda _: None) -> FrozenPrompts:
    """Return the file of prompts at `path`, every line of it checked against the recipe.

    Args:
        path: The file.
        recipe: The recipe.
        check: Judges what the texts of a line mean, and whether the text encoder takes them.

    Raises:
        RecipeError: It is not there or was written for another recipe or in another way, a line is
            no source's prompts, a source stands twice, an edit of the recipe has no prompt, a
            caption or prompt does not name the object, or `check` finds a fault; the message names
            the line.
    """
    numbered = _lines(path, recipe)
    first = _first(path, numbered)
    header = _header(path, first)
    require_own(path, header, recipe)
    if (wrong := header_fault(header, recipe)) is not None:
        raise _fault(path, first.number, wrong)
    sources: dict[str, SourcePrompts] = {}
    for line in numbered:
        prompts = _parse(line.text, SourcePrompts, path=path, number=line.number)
        if prompts.source_name in sources:
            what = f"source_name: {prompts.source_name!r} stands twice"
            raise _fault(path, line.number, what)
        if (wrong := line_fault(prompts, recipe.all_edits()) or check(prompts)) is not None:
            raise _fault(path, line.number, f"{prompts.source_name}: {wrong}")
        sources[prompts.source_name] = prompts
    return FrozenPrompts(path=path, header=header, sources=sources)


def require_own(path: Path, header: PromptFileHeader, recipe: Recipe) -> None:
    """Raise where the file at `path` is another recipe's, which only that one may write anew.

    Raises:
        RecipeError: It is.
    """
    if header.recipe != recipe.name:
        msg = f"{path} holds the prompts of {header.recipe!r}, not of {recipe.name!r}"
        remedy = f"Name another file in prompts.file, as {recipe.name}.prompts.jsonl."
        raise RecipeError(msg, remedy=remedy)


def read_header(path: Path, recipe: Recipe) -> PromptFileHeader:
    """Return the first line of the file of prompts at `path`.

    Raises:
        RecipeError: It is not there, or its first line is none of such a file.
    """
    return _header(path, _first(path, _lines(path, recipe)))


def _first(path: Path, numbered: Iterator["_Line"]) -> "_Line":
    first = next(numbered, None)
    if first is None:
        raise _fault(path, 1, "the file is empty")
    return first


def _header(path: Path, first: "_Line") -> PromptFileHeader:
    return _parse(first.text, PromptFileHeader, path=path, number=first.number)


def header_fault(header: PromptFileHeader, recipe: Recipe) -> str | None:
    """Return why prompts under `header` are not the recipe's, beginning with the key, or None.

    Digests that the recipe pinned since are held against the files that wrote the prompts.
    """
    if header.recipe != recipe.name:
        return f"recipe: it is of {header.recipe!r}, not {recipe.name!r}"
    ours, theirs = _unpinned(recipe.prompts), _unpinned(header.spec)
    differing = [
        key for key in PromptSpec.model_fields if getattr(ours, key) != getattr(theirs, key)
    ]
    if differing:
        return (
            f"spec: the recipe says otherwise now: {', '.join(f'prompts.{k}' for k in differing)}"
        )
    spec = recipe.prompts
    for key, model, files in (
        ("captioner_files", spec.captioner, header.captioner_files),
        ("language_model_files", spec.language_model, header.language_model_files),
    ):
        for name, digest in {} if model is None else model.files.items():
            if files.get(name, digest) != digest:
                return f"{key}: {name} was not the file that the recipe pins"
    return None


def line_fault(prompts: SourcePrompts, edits: Iterable[Edit]) -> str | None:
    """Return what is wrong with one source's prompts, beginning with the key, or None.

    Args:
        prompts: The line.
        edits: The recipe's edits; each has one prompt, and there are no others.
    """
    phrase = prompts.phrase
    if prompts.object_class is not None and phrase is None:
        return f"phrase: there is none, and the object is a {prompts.object_class}"
    if fault := _text_fault(prompts.caption, phrase):
        return f"caption: {fault}"
    seen: set[Edit] = set()
    wanted = tuple(edits)
    for line in prompts.edits:
        key = f"edits: {line.edit}"
        if line.edit in seen:
            return f"{key} stands twice"
        if line.edit not in wanted:
            return f"{key} is no edit of the recipe"
        # Without an object nothing local is edited, and its prompts are the template's.
        if fault := _text_fault(line.prompt, phrase if prompts.object_class else None):
            return f"{key}: {fault}"
        seen.add(line.edit)
    missing = next((edit for edit in wanted if edit not in seen), None)
    return None if missing is None else f"edits: {missing} has no prompt"


def write_prompts(path: Path, header: PromptFileHeader, prompts: Iterable[SourcePrompts]) -> None:
    """Write a file of prompts, whole or not at all, its lines by the source's name.

    Raises:
        OSError: It can't be written; what stood there is untouched.
    """
    ordered = sorted(prompts, key=lambda one: one.source_name)
    lines = [header_line(header), *(source_line(one) for one in ordered)]
    data = "".join(f"{line}\n" for line in lines).encode()
    write_atomically(path, data, scratch=path.parent)


def header_line(header: PromptFileHeader) -> str:
    """Return the first line of a file of prompts."""
    return _json(header.model_dump(mode="json"))


def source_line(prompts: SourcePrompts) -> str:
    """Return the line of one source, its keys in an order that people can review."""
    plain = prompts.model_dump(mode="json")
    edits = [_ordered(edit, _EDIT_KEYS) for edit in plain["edits"]]
    return _json(_ordered(plain, _KEYS) | {"edits": edits})


def _unpinned(spec: PromptSpec) -> PromptSpec:
    """Return how prompts are made, whatever the file is called and the digests of models are.

    A model that is named and not asked, as by a recipe of templates, makes no difference.
    """
    captioner = spec.captioner if spec.captions is CaptionMethod.CAPTIONER else None
    language_model = spec.language_model if spec.edits is EditMethod.LANGUAGE_MODEL else None
    models = {"captioner": captioner, "language_model": language_model}
    loose = {key: m and m.model_copy(update={"files": {}}) for key, m in models.items()}
    return spec.model_copy(update={"file": None, **loose})


def _ordered(values: Mapping[str, object], keys: tuple[str, ...]) -> dict[str, object]:
    """Return `values` with `keys` first; a reason that there is none of is left out."""
    order = (*keys, *(key for key in values if key not in keys))
    return {key: values[key] for key in order if key != "reason" or values[key] is not None}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    text: str


def _lines(path: Path, recipe: Recipe) -> Iterator[_Line]:
    """Yield the lines of the file that are not empty, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        msg = f"the prompts of {recipe.name} are not written yet: there is no {path}"
        remedy = f"Run `harness write-prompts {recipe.name}` once."
        raise RecipeError(msg, remedy=remedy) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no UTF-8 text"
        raise RecipeError(msg, remedy="Save it as UTF-8.") from error
    # str.splitlines would also end lines at signs that may stand in a caption
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.strip():
            yield _Line(number=number, text=line.rstrip("\r"))


def _parse(text: str, kind: type[AnyRecord], *, path: Path, number: int) -> AnyRecord:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise _fault(path, number, first_fault(error)) from error


def _text_fault(text: str, phrase: str | None) -> str | None:
    if not text.strip() or not text.isprintable():
        return "it is not one line of plain text"
    if phrase is not None and not _says(text, phrase):
        return f"the phrase {phrase!r} does not occur in {text!r}"
    return None


def _says(text: str, phrase: str) -> bool:
    """Return whether `phrase` occurs in `text` as whole words, whatever their case and spaces."""
    words = f" {' '.join(text.split())} ".casefold()
    wanted = " ".join(phrase.split()).casefold()
    start = words.find(wanted) if wanted else -1
    while start >= 0:
        around = (words[start - 1], words[start + len(wanted)])
        if not any(sign.isalnum() or sign == "_" for sign in around):
            return True
        start = words.find(wanted, start + 1)
    return False


def _fault(path: Path, number: int, what: str) -> RecipeError:
    return RecipeError(f"{path}, line {number}: {what}", remedy=_REPAIR)
