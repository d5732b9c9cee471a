"""What every export says of its benchmark: README, licence, citation; nothing of layouts."""

from harness.benchmark.export.content import ExportContent, Selection
from harness.benchmark.export.destination import Placement

_PAIRED = """\
A **drop** is paired: an edit is compared with its own source, never with all sources. The drop of a
value is the mIoU over the sources that have an accepted edit of that value, minus the mIoU over
those edits; an attribute's drop is the mean over its values. A label is that of the source, except
under `size` and `position`, where the object and its label move. Where a noise filter took pixels
of an edit's label, they are {ignore_id} there; judge its source without those pixels, too, or the
two don't compare.
"""
_NOT_PUBLIC = """\
**These images are not to be republished.** The benchmark says `publish_images = false`: keep this
folder to yourself and whoever has the right to the source data set, and do not put it on a hub or
in a repository.
"""


def licence_text(content: ExportContent) -> str:
    """Return the text of the file LICENSE."""
    header = content.header
    lines = [f"{header.title}", "", f"Licence of the images and labels: {header.license}"]
    if header.citation:
        lines += ["", f"Cite: {header.citation}"]
    if not header.publish_images:
        lines += ["", "Not to be republished (publish_images = false)."]
    return "\n".join(lines) + "\n"


def readme_text(content: ExportContent, *, usage: str, placement: Placement) -> str:
    """Return the README of an export.

    Args:
        content: What was exported.
        usage: How this layout is used, in Markdown.
        placement: How its files got there.
    """
    header = content.header
    parts = [f"# {header.title}\n", f"{header.description}\n", _facts(content)]
    if not header.publish_images:
        parts.append(_NOT_PUBLIC)
    if placement is Placement.LINK:
        parts.append(
            "Its files are links into the benchmark's folder, and are there as long as it is.\n"
        )
    parts += [usage, "## What a drop is\n", _PAIRED.format(ignore_id=header.label_space.ignore_id)]
    return "\n".join(parts)


def _facts(content: ExportContent) -> str:
    header = content.header
    edits = len(content.samples) - len(content.sources)
    which = {
        Selection.ACCEPTED: f"accepted ones only; {content.left_out} rejected ones are left out",
        Selection.ALL: "rejected ones among them",
    }
    rows = [
        ("benchmark", f"`{header.name}`"),
        ("digest", f"`{header.digest}`"),
        ("licence", header.license),
        ("citation", header.citation or "none given"),
        ("sources", str(len(content.sources))),
        ("edits", f"{edits} ({which[content.selection]})"),
    ]
    table = "\n".join(f"| {key} | {_cell(value)} |" for key, value in rows)
    return f"| | |\n|---|---|\n{table}\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
