"""Which Debian mirror this machine itself installs from; nothing of images."""

from collections.abc import Iterator
from pathlib import Path

APT_FOLDER = Path("/etc/apt")


def own_mirror(suite: str, apt_folder: Path = APT_FOLDER) -> str | None:
    """Return the mirror from which this machine takes `suite`, or None where it takes none."""
    return next((uri for uri, name in _entries(apt_folder) if name == suite), None)


def _entries(apt_folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (mirror, suite) of every binary-package source, in both of apt's formats."""
    one_line = [apt_folder / "sources.list", *sorted(apt_folder.glob("sources.list.d/*.list"))]
    for path in one_line:
        yield from _one_line_entries(_text(path))
    for path in sorted(apt_folder.glob("sources.list.d/*.sources")):
        yield from _deb822_entries(_text(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not there or not ours to read: then it names no mirror
        return ""


def _one_line_entries(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words or words[0] != "deb":
            continue
        rest = words[1:]
        if rest and rest[0].startswith("["):
            closing = next((i for i, word in enumerate(rest) if word.endswith("]")), len(rest))
            rest = rest[closing + 1 :]
        if len(rest) >= 3:
            yield rest[0], rest[1]


def _deb822_entries(text: str) -> Iterator[tuple[str, str]]:
    for stanza in text.split("\n\n"):
        fields = _fields(stanza)
        enabled = fields.get("enabled", "yes").strip().lower() not in {"no", "false", "0"}
        if enabled and "deb" in fields.get("types", "").split():
            for uri in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield uri, suite


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in {" ", "\t"} and name:
            fields[name] += f" {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
