"""What the README promises and what the program does are one."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from harness import __version__, errors
from harness.cli.main import COMMANDS, INTERRUPTED, LazyGroup, cli

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HEAVY = ("numpy", "duckdb", "docker", "cv2", "PIL", "pydantic", "jinja2", "rich", "torch", "ray")


def command(name: str) -> click.Command:
    assert isinstance(cli, LazyGroup)
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def help_of(name: str) -> str:
    found = command(name)
    return found.get_help(click.Context(found, info_name=f"harness {name}", terminal_width=100))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    text = help_of(name)
    assert "Example:" in text
    assert f"harness {name}" in text.split("Example:", 1)[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    options = [p for p in command(name).params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert f"`harness {name}" in README


def test_every_command_that_the_readme_shows_exists() -> None:
    shown = re.findall(r"^ {4}harness ([a-z][a-z-]*)", README, re.MULTILINE)
    shown += re.findall(r"`harness ([a-z][a-z-]*)", README)
    assert sorted(set(shown) - set(COMMANDS)) == []


def test_the_exit_codes_in_the_readme_are_the_programs() -> None:
    section = README.split("## Exit codes", 1)[1].split("\n## ", 1)[0]
    table = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", section, re.MULTILINE))
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.HarnessError)
        and kind is not errors.HarnessError
        and "exit_code" in vars(kind)  # others are kinds of one that has
    ]
    meanings = {str(kind.exit_code): first_sentence(kind) for kind in kinds}
    own = {"0", "1", "2", str(INTERRUPTED)}
    assert {code: text for code, text in table.items() if code not in own} == meanings
    assert own <= set(table)


def first_sentence(kind: type[errors.HarnessError]) -> str:
    line = (kind.__doc__ or "").strip().split("\n", 1)[0].rstrip(".")
    return line[:1].lower() + line[1:]


def test_the_help_of_the_whole_imports_nothing_heavy() -> None:
    code = (
        "import sys; from harness.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        f"sys.stderr.write(' '.join(sorted(set({HEAVY!r}) & set(sys.modules))))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert answer.stderr == ""
    assert "build-benchmark" in answer.stdout


def test_the_files_that_the_readme_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_help_lists_what_the_readme_names() -> None:
    named = set(re.findall(r"`?make ([a-z-]+)", README))
    listed = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert sorted(named - listed) == []


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_the_citation_names_this_version() -> None:
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def for_a_gpu(name: str) -> bool:
    """Whether only torch's wheels for a GPU ask for it; pip finds that together with torch."""
    return name == "triton" or name.startswith(("nvidia-", "cuda-"))


def test_the_lock_pins_every_dependency_and_hashes_all_but_torch() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    _, *parts = re.split(r"^# --- (.+) ---$", lock, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {
        "runtime": [*project["dependencies"], "setuptools"],
        "diffusion": [
            *(name for name in extras["diffusion"] if not name.startswith("torch")),
            *(line for line in importlib.metadata.requires("torch") or () if "extra" not in line),
        ],
        "torch": ["torch"],
        "development": extras["dev"],
    }
    assert list(sections) == list(wanted)
    pinned: list[str] = []
    for title, section in sections.items():
        pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", section, re.MULTILINE)
        names = {re.split(r"[><=\[; ]", line, maxsplit=1)[0].lower() for line in wanted[title]}
        pinned += pins
        assert sorted(name for name in names - set(pinned) if not for_a_gpu(name)) == []
        assert title == "torch" or len(pins) <= section.count("--hash=sha256:")
    assert len(pinned) == len(set(pinned))
    assert sections["torch"].split() == ["torch==2.13.0"]
    assert [name for name in pinned if name == "ray" or for_a_gpu(name)] == []
    assert "://" not in lock
