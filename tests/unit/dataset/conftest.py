import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def camvid_root() -> Path:
    """The real CamVid images; a machine without them skips, CI fails."""
    shared = os.environ.get("HARNESS_TEST_DATA") or REPOSITORY.parent / "shared" / "data"
    root = Path(shared) / "camvid"
    if not (root / "test" / "images").is_dir():
        message = f"no CamVid in {root}: name the folder above it by HARNESS_TEST_DATA"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return root


@pytest.fixture(scope="session")
def voc_labelme_root() -> Path:
    """Three real VOC photos with labels; without them a test fails and says so."""
    shared = os.environ.get("HARNESS_TEST_DATA") or REPOSITORY.parent / "shared" / "data"
    root = Path(shared) / "voc_labelme"
    if not (root / "images").is_dir():
        pytest.fail(f"no VOC photos in {root}: name the folder above it by HARNESS_TEST_DATA")
    return root
