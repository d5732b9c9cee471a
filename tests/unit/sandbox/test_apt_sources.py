"""The mirror is read from both of apt's formats."""

from pathlib import Path

import pytest

from harness.sandbox.apt_sources import own_mirror

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://options.example/debian bookworm main
deb http://plain.example/debian trixie main contrib
deb
"""
DEB822 = """\
Types: deb-src
URIs: http://source.example/debian
Suites: bookworm

# comment
Types: deb deb-src
URIs: http://first.example/debian
 http://second.example/debian
Suites: bookworm bookworm-updates
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: sid
"""


@pytest.mark.parametrize(
    ("file", "text", "suite", "mirror"),
    [
        ("sources.list", ONE_LINE, "bookworm", "http://options.example/debian"),
        ("sources.list", ONE_LINE, "trixie", "http://plain.example/debian"),
        ("sources.list", ONE_LINE, "sid", None),
        ("sources.list.d/a.list", ONE_LINE, "trixie", "http://plain.example/debian"),
        ("sources.list.d/debian.sources", DEB822, "bookworm", "http://first.example/debian"),
        ("sources.list.d/debian.sources", DEB822, "sid", None),
    ],
)
def test_the_machines_own_mirror(
    tmp_path: Path, file: str, text: str, suite: str, mirror: str | None
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert own_mirror(suite, tmp_path) == mirror


def test_a_machine_without_apt_has_none(tmp_path: Path) -> None:
    assert own_mirror("bookworm", tmp_path / "nowhere") is None
