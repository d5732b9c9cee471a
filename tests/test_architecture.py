"""The rules of STYLE.md that can be counted, and the layers that import-linter knows."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness.records
from harness.records.base import Record

ROOT = Path(__file__).resolve().parent.parent
CODE = ("harness", "tests", "scripts", "benchmarks", "submissions", "benchmark_data")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base_utils", "tools"}


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "__pycache__" not in path.parts:
                yield path


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for path in python_files(*folders):
        source = path.read_text(encoding="utf-8")
        yield str(path.relative_to(ROOT)), ast.parse(source, filename=str(path))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def records() -> list[type[Record]]:
    for module in pkgutil.iter_modules(harness.records.__path__):
        importlib.import_module(f"harness.records.{module.name}")
    waiting, found = [Record], []
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        waiting += subclasses
        found += subclasses
    return [kind for kind in found if kind.__module__.startswith("harness.")]


def test_no_file_is_too_long() -> None:
    lengths = {str(p): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files(*CODE)}
    assert {name: n for name, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    too_long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees(*CODE)
        for node in functions(tree)
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert too_long == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = [path for path in python_files(*CODE) if EMPTY_NAMES & {path.stem, path.parent.name}]
    assert modules == []


def test_package_files_are_empty() -> None:
    packages = [path for path in python_files("harness") if path.name == "__init__.py"]
    full = [path for path in packages if path.read_text(encoding="utf-8").strip()]
    assert full == [ROOT / "harness" / "__init__.py"]


def test_every_module_says_what_it_knows() -> None:
    folders = [folder for folder in CODE if folder != "tests"]
    silent = [name for name, tree in trees(*folders) if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_nothing_prints() -> None:
    printing = [
        f"{name}:{node.lineno}"
        for name, tree in trees(*CODE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "breakpoint"}
    ]
    assert printing == []


def test_imports_inside_functions_stand_in_the_command_line_only() -> None:
    late = [
        f"{name}:{inner.lineno}"
        for name, tree in trees("harness")
        if not name.startswith("harness/cli/")
        for node in functions(tree)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert late == []


def catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in {"Exception", "BaseException"}
    )


def raises_it_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_everything_unforeseen_is_caught_in_one_place() -> None:
    catching = {
        name
        for name, tree in trees("harness")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and catches_everything(node)
        and not raises_it_again(node)
    }
    # serve.py runs in the submission's container and knows nothing of the harness
    assert catching - {"harness/serving/serve.py"} == {"harness/cli/main.py"}


@pytest.mark.parametrize("record", records(), ids=lambda record: record.__name__)
def test_every_field_of_a_record_says_what_it_means(record: type[Record]) -> None:
    own = set(vars(record).get("__annotations__", {})) & set(record.model_fields)
    silent = [name for name in sorted(own) if not record.model_fields[name].description]
    assert silent == []
    assert record.model_config.get("frozen")
    assert record.model_config.get("extra") == "forbid"


def test_test_files_have_names_of_their_own() -> None:
    # without packages in tests/, pytest tells files apart by their names
    names = Counter(path.name for path in python_files("tests") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    "script", [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"], ids=lambda p: p.name
)
def test_every_script_parses_and_stops_at_its_first_failure(script: Path) -> None:
    parsed = subprocess.run(
        ["bash", "-n", str(script)], check=False, capture_output=True, text=True
    )
    assert parsed.returncode == 0, parsed.stderr
    sourced = script.name == "say.sh"
    assert sourced or "\nset -euo pipefail\n" in script.read_text(encoding="utf-8")
    assert sourced or script.stat().st_mode & 0o100


def test_the_layers_hold() -> None:
    linted = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout
