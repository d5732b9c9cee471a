"""Reads the site's pages for tests: whether tags balance, and what stands in which table cell."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br", "hr"}


@dataclass
class Table:
    classes: str
    rows: list[list[str]] = field(default_factory=list)

    def column(self, heading: str) -> list[str]:
        """Return the cells under the heading that begins with `heading`."""
        index = next(i for i, cell in enumerate(self.rows[0]) if cell.startswith(heading))
        return [row[index] for row in self.rows[1:]]

    def row(self, name: str) -> list[str]:
        """Return the first row with a cell that begins with `name`."""
        return next(row for row in self.rows if any(cell.startswith(name) for cell in row))


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]


class Page(HTMLParser):
    """One parsed page; refuses tags that don't balance."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[Element] = []
        self.tables: list[Table] = []
        self.text = ""
        self._cell: list[str] | None = None
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        match tag:
            case "table":
                self.tables.append(Table(classes=dict(attrs).get("class") or ""))
            case "tr":
                self.tables[-1].rows.append([])
            case "td" | "th":
                self._cell = []

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> inside <{self.open[-1]}>"
        self.open.pop()
        if tag in {"td", "th"}:
            self.tables[-1].rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell.append(f" {data}")

    def attributes(self, tag: str, name: str) -> list[str]:
        """Return the values of an attribute of every element called `tag` that has it."""
        found = (e.attributes.get(name) for e in self.elements if e.tag == tag)
        return [value for value in found if value is not None]

    def table(self, css_class: str) -> Table:
        """Return the first table of that class."""
        return next(t for t in self.tables if css_class in t.classes.split())
