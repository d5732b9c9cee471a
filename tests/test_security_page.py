"""SECURITY.md names tests that are there, and leaves none of the attacking ones out."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\]\(([^)#:]+)\)", PAGE)
PROMISES = re.findall(r"^\| (?!A submission|---)(.+?) \|.+\| (.+) \|$", PAGE, re.MULTILINE)


def test_whatever_the_page_names_is_there() -> None:
    assert len(LINKS) > 20
    assert [link for link in LINKS if not (ROOT / link).exists()] == []


def test_every_promise_is_proven_by_a_test() -> None:
    assert len(PROMISES) > 10
    unproven = [promise for promise, proof in PROMISES if "](tests/" not in proof]
    assert unproven == []


def test_every_kind_of_attack_is_named() -> None:
    attacking = [
        *(ROOT / "tests" / "hostile").glob("*_verdicts.py"),
        *(ROOT / "tests" / "fuzz").glob("test_*.py"),
    ]
    named = {(ROOT / link).resolve() for link in LINKS}
    harmless = {ROOT / "tests" / "hostile" / "control_verdicts.py"}
    assert sorted(str(path) for path in set(attacking) - named - harmless) == []
