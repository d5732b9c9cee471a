"""Text of strangers made fit for a terminal; nothing of who wrote it."""


def printable(text: str) -> str:
    r"""Return `text` on its own lines, with every other control character as its escape.

    A terminal obeys such characters: it would move its cursor, change its title or hide what was
    printed before. They become what Python writes for them, as `\x1b`; so do those that turn the
    direction of writing. Tabs stay, and what is printable already is the same text again.
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def last_line(log: str, *, characters: int = 200) -> str:
    """Return the last line of `log` that says something, printable; empty where none does."""
    lines = log.strip().splitlines()
    return printable(lines[-1].strip())[:characters] if lines else ""
