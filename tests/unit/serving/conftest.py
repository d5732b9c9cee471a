"""Runs a submission's program."""

import subprocess
import sys

import pytest
from served import SERVE


@pytest.fixture
def submit(tmp_path):
    """Runs a submission of the given lines against bytes on its stdin."""
    (tmp_path / "serve.py").write_bytes(SERVE.read_bytes())

    def run(code: str, stdin: bytes, **environment: str) -> subprocess.CompletedProcess:
        (tmp_path / "predict.py").write_text(code)
        return subprocess.run(
            [sys.executable, "predict.py"],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            env={"OMP_NUM_THREADS": "1", **environment},
            timeout=60,
            check=False,
        )

    return run
