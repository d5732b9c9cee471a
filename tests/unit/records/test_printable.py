"""What a container prints must not steer the terminal that shows it."""

import pytest

from harness.records.printable import last_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07ls", r"\x1b]0;owned\x07ls"),
        ("\x1b[2Jgone\rback", r"\x1b[2Jgone\rback"),
        ("\x9b31mred\x7f", r"\x9b31mred\x7f"),
        ("a\u202ebc", r"a\u202ebc"),
        ("\ud800", r"\ud800"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Zürich 漢字 'quoted' \\x1b", "Zürich 漢字 'quoted' \\x1b"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


def test_the_last_line_is_the_last_that_says_something():
    assert last_line("one\n two \n\n  \n") == "two"
    assert last_line("one\n\x1b[1mtwo\x1b[0m\n") == r"\x1b[1mtwo\x1b[0m"
    assert last_line("\n \n") == ""
    assert last_line("x" * 300) == "x" * 200
    assert last_line("\x1b" * 300, characters=8) == r"\x1b\x1b"
