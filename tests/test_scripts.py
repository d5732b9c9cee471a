"""What `make clean` leaves, where the demo says the board lies, and what `.venv` is made of."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KEPT = (
    "benchmark_data/mini/DATA_CARD.md",
    "benchmark_data/mini/sources/images/a.png",
    "benchmark_data/recipes/mini.lock.json",
    "submissions/tiny/submission.toml",
)
BUILT = (
    "benchmark_data/mini/.build/part.jsonl",
    "benchmark_data/mini/benchmark.json",
    "benchmark_data/mini/croissant.json",
    "benchmark_data/mini/images/a.png",
    "benchmark_data/mini/labels/a.png",
    "benchmark_data/mini/manifest.jsonl",
    "benchmark_data/mini/masks/a.png",
    "leaderboard/results.duckdb",
    ".cache/wheels/a.whl",
    ".venv/bin/python",
)
LOCK = """\
# --- runtime ---
click==1 --hash=sha256:1
# --- diffusion ---
diffusers==2 --hash=sha256:2
# --- torch ---
torch==3
# --- development ---
pytest==4 --hash=sha256:4
"""
STUB_PYTHON = """\
#!/bin/sh
[ "$2" = pip ] || exit 0
for last; do :; done
options="$(printf '%s\\n' "$@" | grep -E -- '^--(require-hashes|no-deps)$' | tr '\\n' ' ')"
[ "$last" = . ] || echo "$options$(grep == "$last")" >>calls
"""
"""Writes down which pins pip was to install, and how; to all else it says yes."""
RUNTIME = ["--require-hashes click==1 --hash=sha256:1"]
DIFFUSION = [*RUNTIME, "--require-hashes --no-deps diffusers==2 --hash=sha256:2", "torch==3"]
DEVELOPMENT = [*DIFFUSION, "--require-hashes pytest==4 --hash=sha256:4"]


def write(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_clean_removes_what_was_built_and_keeps_sources_and_recipes(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (*KEPT, *BUILT):
        write(tmp_path, name)
    subprocess.run(["make", "--directory", str(tmp_path), "clean"], check=True, capture_output=True)
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"Makefile", *KEPT}


def test_the_demo_ends_with_the_page_that_the_leaderboard_command_names(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "scripts", project / "scripts")
    index = write(tmp_path, "elsewhere/leaderboard/site/index.html")
    stub = '#!/bin/sh\n[ "$1" != leaderboard ] || echo ../elsewhere/leaderboard/site/index.html\n'
    write(project, ".venv/bin/harness", stub).chmod(0o755)
    result = subprocess.run(
        [project / "scripts" / "demo.sh"], check=True, capture_output=True, text=True
    )
    assert result.stderr.splitlines()[-1] == f"The leaderboard: {index}"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A project whose `.venv` writes down what it is asked to install."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    write(tmp_path, "requirements.lock", LOCK)
    write(tmp_path, "pyproject.toml")
    write(tmp_path, ".venv/bin/python", STUB_PYTHON).chmod(0o755)
    write(tmp_path, ".venv/bin/harness").chmod(0o755)
    return tmp_path


def installed(project: Path, mode: str) -> list[str]:
    """Run `python-env.sh MODE` and return what it had pip install."""
    calls = write(project, "calls")
    command = [project / "scripts" / "python-env.sh", mode]
    env = os.environ | {"PYTHON": sys.executable}
    subprocess.run(command, check=True, capture_output=True, env=env)
    return calls.read_text().splitlines()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("runtime", RUNTIME), ("diffusion", DIFFUSION), ("development", DEVELOPMENT)],
)
def test_an_environment_takes_its_sections_and_only_torch_without_a_hash(
    environment: Path, mode: str, expected: list[str]
) -> None:
    assert installed(environment, mode) == expected


@pytest.mark.parametrize(
    ("had", "asked", "expected"),
    [
        ("runtime", "runtime", []),
        ("runtime", "diffusion", DIFFUSION),
        ("runtime", "development", DEVELOPMENT),
        ("diffusion", "runtime", []),
        ("diffusion", "development", DEVELOPMENT),
        ("development", "diffusion", []),
        ("development", "runtime", []),
    ],
)
def test_an_environment_grows_and_serves_in_place_of_a_smaller_one(
    environment: Path, had: str, asked: str, expected: list[str]
) -> None:
    installed(environment, had)
    assert installed(environment, asked) == expected
    assert installed(environment, had) == []


def test_an_environment_is_made_anew_when_its_pins_changed(environment: Path) -> None:
    installed(environment, "development")
    write(environment, "requirements.lock", LOCK.replace("click==1", "click==9"))
    assert installed(environment, "runtime") == ["--require-hashes click==9 --hash=sha256:1"]
    assert installed(environment, "diffusion")[1:] == DIFFUSION[1:]


def test_an_unknown_environment_is_refused_with_those_there_are(environment: Path) -> None:
    command = [environment / "scripts" / "python-env.sh", "gpu"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert "unknown mode 'gpu'" in result.stderr
    assert "'runtime', 'diffusion' or 'development'" in result.stderr
