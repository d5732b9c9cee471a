"""What a build runs on, and which code runs; nothing of what it builds."""

import platform
from pathlib import Path

import cv2
import numpy as np
import PIL

import harness
from harness.records.base import canonical_json, sha256_hex
from harness.records.manifest import BuildEnvironment

_CODE = ("acceptance", "benchmark", "dataset", "editing", "prompting", "records")
"""The packages whose code has a say in what a sample is."""


def build_environment() -> BuildEnvironment:
    """Return what this process runs on."""
    return BuildEnvironment(
        harness_version=harness.__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            "pillow": PIL.__version__,
        },
    )


def code_digest() -> str:
    """Return the digest of the harness's own code that makes samples.

    Finished work of other code is not continued, whether or not someone raised a version.
    """
    root = Path(harness.__file__).parent
    files = sorted(file for package in _CODE for file in (root / package).rglob("*.py"))
    named = [(str(file.relative_to(root)), sha256_hex(file.read_bytes())) for file in files]
    return sha256_hex(canonical_json(named))
