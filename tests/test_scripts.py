"""What `make clean` leaves, and where the demo says the leaderboard lies."""

import shutil
import subprocess
from pathlib import Path

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
