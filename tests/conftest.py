"""Switches for the tests that need more than Python: --run-docker, --run-browser, --run-gpu.

Off, such tests are skipped and say so. On, a missing engine, browser or GPU fails them: what was
asked for must not silently not happen.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SWITCHES = {
    "docker": "needs a container engine",
    "browser": "needs Chromium",
    "gpu": "needs a CUDA device",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, need in SWITCHES.items():
        parser.addoption(
            f"--run-{name}", action="store_true", default=False, help=f"run what {need}"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for name, need in SWITCHES.items():
        if config.getoption(f"--run-{name}"):
            continue
        skip = pytest.mark.skip(reason=f"{need}; run with --run-{name}")
        for item in items:
            if name in item.keywords and item.get_closest_marker(name):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's program; its absence fails the test that asks for it."""
    named = os.environ.get("HARNESS_CHROMIUM")
    found = named or next((path for path in map(shutil.which, BROWSERS) if path), None)
    if not found or not Path(found).exists():
        pytest.fail("Chromium was not found; run scripts/browser.sh or set HARNESS_CHROMIUM")
    return found


@pytest.fixture(scope="session")
def cuda_device() -> str:
    """The CUDA device's name; its absence fails the test that asks for it."""
    if shutil.which("nvidia-smi") is None:
        pytest.fail("--run-gpu was given and nvidia-smi is not there")
    answer = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
        check=False,
        capture_output=True,
        text=True,
    )
    if answer.returncode != 0 or not answer.stdout.strip():
        pytest.fail(f"--run-gpu was given and there is no GPU: {answer.stderr.strip()}")
    return answer.stdout.splitlines()[0]
