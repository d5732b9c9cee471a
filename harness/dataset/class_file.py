"""Label spaces that users write: a table of classes, or a list of class names."""

import re
from pathlib import Path

from pydantic import ValidationError

from harness.dataset.label_space import label_space_names
from harness.errors import RecipeError
from harness.records.base import first_fault
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.toml_table import parse_toml_table

SUFFIXES = (".toml", ".txt")
"""What the file of a label space ends in."""
IGNORE_ID = 255
"""The ignore id of a label space that is a list of names."""
_NUMBERED = re.compile(r"\d+([.)]?\s|[:,;=])")
_IGNORED_NAMES = frozenset({"__ignore__", "_ignore_"})
"""Names that annotation tools give, in the first line, to what is ignored."""


def read_class_file(path: Path) -> LabelSpace:
    """Return the label space that a file says.

    A .toml file is a table as those that come with the harness. In a .txt file each line is the
    name of a class, its id the number of lines before it; 255 is ignored, colours are VOC's for the
    ids, and the label space has the file's name. A first line `__ignore__` is not counted.

    Raises:
        RecipeError: There is no such file, or what it says is no label space; the message names the
            line.
    """
    text = _text(path)
    if path.suffix == ".toml":
        space = parse_toml_table(text, LabelSpace, origin=str(path), error_type=RecipeError)
    else:
        space = _from_names(text, path)
    if space.name in label_space_names():
        msg = f"{path}: {space.name!r} is a label space that comes with the harness"
        remedy = (
            f'Write label_space = "{space.name}" in the recipe if you mean that one, or give yours '
            "another name."
        )
        raise RecipeError(msg, remedy=remedy)
    return space


def voc_color(class_id: int) -> tuple[int, int, int]:
    """Return the RGB colour that the development kit of PASCAL VOC gives an id, 0-255.

    The id's bits go to red, green and blue in turn, from the highest bit of a channel down.
    """
    red = green = blue = 0
    for place in range(3):
        bits = class_id >> (3 * place)
        red |= (bits & 1) << (7 - place)
        green |= (bits >> 1 & 1) << (7 - place)
        blue |= (bits >> 2 & 1) << (7 - place)
    return red, green, blue


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        msg = f"there is no label space file {path}"
        remedy = "The path is relative to the recipe's file; check it."
        raise RecipeError(msg, remedy=remedy) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{path}, line {line}: it is no UTF-8 text"
        raise RecipeError(msg, remedy="Save it as UTF-8.") from error


def _from_names(text: str, path: Path) -> LabelSpace:
    lines = [line.strip() for line in text.rstrip().splitlines()]
    first = 1 if lines and lines[0].lower() in _IGNORED_NAMES else 0
    names = lines[first:]
    if not names:
        msg = f"{path} names no class"
        raise RecipeError(msg, remedy="Write the name of a class a line.")
    if len(names) > IGNORE_ID:
        msg = (
            f"{path}, line {first + IGNORE_ID + 1}: there are {len(names)} classes, more than the "
            f"{IGNORE_ID} ids that an 8-bit label has beside {IGNORE_ID}, the ignored"
        )
        raise RecipeError(msg, remedy="Leave out or join classes, in the labels too.")
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=first + 1):
        _require_name(name, seen, path=path, number=number)
        seen[name] = number
    return _label_space(names, path)


def _require_name(name: str, seen: dict[str, int], *, path: Path, number: int) -> None:
    if not name:
        msg = f"{path}, line {number}: it is empty, and a line is a class"
        raise RecipeError(msg, remedy="Name the class, or remove the line if no id belongs to it.")
    if name.startswith("#") or _NUMBERED.match(name):
        what = "a comment" if name.startswith("#") else "numbered"
        msg = f"{path}, line {number}: {name!r} is {what}, and a line is the name of a class alone"
        remedy = (
            "Write one name a line: its id is the number of classes before it. Names that begin "
            "so go into a .toml file."
        )
        raise RecipeError(msg, remedy=remedy)
    if not name.isprintable():
        msg = f"{path}, line {number}: {name!r} holds control characters"
        raise RecipeError(msg, remedy="Write the name of a class a line.")
    if name in seen:
        msg = f"{path}, line {number}: {name!r} stands in line {seen[name]} already"
        raise RecipeError(msg, remedy="Give each class a name of its own.")


def _label_space(names: list[str], path: Path) -> LabelSpace:
    word = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")
    classes = tuple(
        LabelClass(id=number, name=name, color=voc_color(number))
        for number, name in enumerate(names)
    )
    try:
        return LabelSpace(
            name=word if word[:1].isalpha() else f"classes-{word}".rstrip("-"),
            ignore_id=IGNORE_ID,
            classes=classes,
        )
    except ValidationError as error:
        msg = f"{path}: {first_fault(error)}"
        raise RecipeError(msg, remedy="Correct the file.") from error
